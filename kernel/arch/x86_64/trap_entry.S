/* SPDX-License-Identifier: MIT */
/*
 * One short entry for each vector: it makes the stack look alike whether or not the CPU pushed an
 * error code, and goes on to the common part, which builds a struct trap_frame and calls C. The
 * .cfi lines say where the interrupted registers are, so that gdb sees through to who was
 * interrupted: the CFA is the end of what the CPU pushed, and each register lies so far below it.
 *
 * The kernel's gs is exchanged for the user's at the border of ring 3. An ordinary trap sees by the
 * interrupted code segment whether it crossed that border. A trap with a stack of its own may come
 * between the two instructions that cross it, in ring 0 with the user's gs: it goes by the base of
 * gs itself, which is negative iff it is the kernel's. (User programs cannot make theirs so: they
 * have no wrgsbase, and the kernel would refuse.)
 *
 * Each stack has its canary (canary.h), and those of their own have it where they begin, right
 * behind what the CPU pushes: it is the CPU's while the handler runs.
 */

#include "kernel/arch/x86_64/percpu.h"

#define MSR_GS_BASE 0xc0000101

#define CPU_PUSHES 40                   /* rip, cs, rflags, rsp, ss */
#define TRAP_FRAME_SIZE (17 * 8 + CPU_PUSHES)

        .macro  save register
        push    %\register
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset \register, 0
        .endm

        .macro  restore register
        pop     %\register
        .cfi_adjust_cfa_offset -8
        .cfi_restore \register
        .endm

        .cfi_sections .debug_frame
        .text
        .balign 16
        .globl  trap_entries
trap_entries:
        .cfi_startproc simple
        .cfi_signal_frame
        .cfi_def_cfa rsp, CPU_PUSHES
        .cfi_offset rip, -40
        .cfi_offset rsp, -16
        .set    vector, 0
        .rept   256
        .balign 16
        .cfi_def_cfa_offset CPU_PUSHES
        /* Vectors 8, 10 to 14, 17, 21, 29 and 30 push an error code. */
        .if     !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
        pushq   $0
        .endif
        .cfi_def_cfa_offset CPU_PUSHES + 8
        pushq   $vector
        .cfi_adjust_cfa_offset 8
        .if     vector == 2 || vector == 8 || vector == 18
        jmp     common_ist
        .else
        jmp     common
        .endif
        .set    vector, vector + 1
        .endr

        .macro  save_all
        save    rax
        save    rbx
        save    rcx
        save    rdx
        save    rbp
        save    rsi
        save    rdi
        save    r8
        save    r9
        save    r10
        save    r11
        save    r12
        save    r13
        save    r14
        save    r15
        cld
        cmpb    $0, trap_clears_ac(%rip)
        je      1f
        clac                            /* whoever was interrupted may touch user pages, not we */
1:
        .endm

        .macro  dispatch
        mov     %rsp, %rdi
        mov     %rsp, %rbx
        .cfi_def_cfa_register rbx
        and     $-16, %rsp
        call    trap_dispatch
        mov     %rbx, %rsp
        .cfi_def_cfa_register rsp
        .endm

        .macro  restore_all
        restore r15
        restore r14
        restore r13
        restore r12
        restore r11
        restore r10
        restore r9
        restore r8
        restore rdi
        restore rsi
        restore rbp
        restore rdx
        restore rcx
        restore rbx
        restore rax
        .endm

        .macro  swapgs_if_user          /* at rsp: vector, error code, rip, cs */
        testb   $3, 24(%rsp)
        jz      1f
        swapgs
1:
        .endm

        .type   common, @function
common:
        .cfi_remember_state
        swapgs_if_user
        save_all
        dispatch
        restore_all
        swapgs_if_user
        add     $16, %rsp               /* vector and error code */
        .cfi_adjust_cfa_offset -16
        iretq
        .size   common, . - common

        .type   common_ist, @function
common_ist:
        .cfi_restore_state
        save_all
        mov     $MSR_GS_BASE, %ecx
        rdmsr
        mov     %edx, %r12d             /* survives the call */
        test    %edx, %edx
        js      1f
        swapgs
1:      mov     TRAP_FRAME_SIZE(%rsp), %rax
        mov     %gs:PERCPU_CANARY, %r13 /* of the stack that was in use; survives the call */
        mov     %rax, %gs:PERCPU_CANARY
        dispatch
        mov     %r13, %gs:PERCPU_CANARY
        test    %r12d, %r12d
        js      1f
        swapgs
1:      restore_all
        add     $16, %rsp
        .cfi_adjust_cfa_offset -16
        iretq
        .cfi_endproc
        .size   common_ist, . - common_ist

        .section .note.GNU-stack, "", @progbits
