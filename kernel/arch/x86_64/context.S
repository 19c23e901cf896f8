/* SPDX-License-Identifier: MIT */
/* Saving and restoring the registers of struct context, in its order. */

#include "kernel/arch/x86_64/percpu.h"

        .cfi_sections .debug_frame
        .text
        .globl  context_save
        .type   context_save, @function
context_save:
        .cfi_startproc
        mov     %rbx, 0(%rdi)
        mov     %rbp, 8(%rdi)
        mov     %r12, 16(%rdi)
        mov     %r13, 24(%rdi)
        mov     %r14, 32(%rdi)
        mov     %r15, 40(%rdi)
        lea     8(%rsp), %rax
        mov     %rax, 48(%rdi)
        mov     (%rsp), %rax
        mov     %rax, 56(%rdi)
        mov     %gs:PERCPU_CANARY, %rax
        mov     %rax, 64(%rdi)
        xor     %eax, %eax
        ret
        .cfi_endproc
        .size   context_save, . - context_save

        .globl  context_restore
        .type   context_restore, @function
context_restore:
        .cfi_startproc
        mov     0(%rdi), %rbx
        mov     8(%rdi), %rbp
        mov     16(%rdi), %r12
        mov     24(%rdi), %r13
        mov     32(%rdi), %r14
        mov     40(%rdi), %r15
        mov     48(%rdi), %rsp
        mov     64(%rdi), %rax
        mov     %rax, %gs:PERCPU_CANARY
        mov     %esi, %eax
        jmp     *56(%rdi)
        .cfi_endproc
        .size   context_restore, . - context_restore

        .section .note.GNU-stack, "", @progbits
