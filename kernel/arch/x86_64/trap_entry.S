/* SPDX-License-Identifier: MIT */
/*
 * One short entry for each vector: it makes the stack look alike whether or not the CPU pushed an
 * error code, and goes on to the common part, which builds a struct trap_frame and calls C.
 */

        .text
        .balign 16
        .globl  trap_entries
trap_entries:
        .set    vector, 0
        .rept   256
        .balign 16
        /* Vectors 8, 10 to 14, 17, 21, 29 and 30 push an error code. */
        .if     !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
        pushq   $0
        .endif
        pushq   $vector
        jmp     common
        .set    vector, vector + 1
        .endr

        .type   common, @function
common:
        push    %rax
        push    %rbx
        push    %rcx
        push    %rdx
        push    %rbp
        push    %rsi
        push    %rdi
        push    %r8
        push    %r9
        push    %r10
        push    %r11
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        cld
        mov     %rsp, %rdi
        mov     %rsp, %rbx
        and     $-16, %rsp
        call    trap_dispatch
        mov     %rbx, %rsp
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %r11
        pop     %r10
        pop     %r9
        pop     %r8
        pop     %rdi
        pop     %rsi
        pop     %rbp
        pop     %rdx
        pop     %rcx
        pop     %rbx
        pop     %rax
        add     $16, %rsp               /* vector and error code */
        iretq
        .size   common, . - common

        .section .note.GNU-stack, "", @progbits
