/* SPDX-License-Identifier: MIT */
/*
 * The entry points that -fsanitize=thread calls at memory accesses. Each puts the registers that a
 * call preserves on top of the caller's stack, tells where in tsan_frame, and goes on in tsan.c, on
 * the stack that ends at tsan_stack unless that is 0. So from tsan_frame upward lies all that the
 * calling thread can remember, and nothing of ours: two visits with equal content there are two
 * visits in the same state.
 */

        .text

        .macro  entry name
        .globl  __tsan_\name
        .type   __tsan_\name, @function
__tsan_\name:
        push    %rbp
        push    %rbx
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        mov     %rsp, tsan_frame(%rip)
        mov     %rsp, %rbx
        mov     tsan_stack(%rip), %rax
        test    %rax, %rax
        cmovnz  %rax, %rsp
        and     $-16, %rsp
        sub     $8, %rsp
        push    56(%rbx)        /* the only argument on a stack: of 128-bit compare_exchange_val */
        call    tsan_\name
        mov     %rbx, %rsp
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbx
        pop     %rbp
        ret
        .size   __tsan_\name, . - __tsan_\name
        .endm

        .irp    bits, 8, 16, 32, 64, 128
        entry   atomic\bits\()_load
        entry   atomic\bits\()_store
        entry   atomic\bits\()_exchange
        entry   atomic\bits\()_fetch_add
        entry   atomic\bits\()_fetch_sub
        entry   atomic\bits\()_fetch_and
        entry   atomic\bits\()_fetch_or
        entry   atomic\bits\()_fetch_xor
        entry   atomic\bits\()_fetch_nand
        entry   atomic\bits\()_compare_exchange_strong
        entry   atomic\bits\()_compare_exchange_weak
        entry   atomic\bits\()_compare_exchange_val
        .endr
        entry   atomic_thread_fence

        .irp    size, 1, 2, 4, 8, 16
        entry   read\size
        entry   write\size
        entry   read_write\size
        entry   unaligned_read\size
        entry   unaligned_write\size
        entry   unaligned_read_write\size
        entry   volatile_read\size
        entry   volatile_write\size
        entry   unaligned_volatile_read\size
        entry   unaligned_volatile_write\size
        .endr
        entry   read_range
        entry   write_range
        entry   memcpy
        entry   memmove
        entry   memset

        .section .note.GNU-stack, "", @progbits
