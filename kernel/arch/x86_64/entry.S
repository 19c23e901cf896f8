/* SPDX-License-Identifier: MIT */
/* The kernel's first instruction, reached from either boot entry; boot_info.h says in what state. */

#include "kernel/arch/x86_64/stack.h"

#define MSR_GS_BASE 0xc0000101

        .cfi_sections .debug_frame
        .section .text
        .globl  kernel_entry
        .type   kernel_entry, @function
/* rdi: struct boot_info */
kernel_entry:
        .cfi_startproc
        .cfi_undefined rip              /* nobody called it */
        cli
        cld
        lea     stack_memory + STACK_GUARD_SIZE + STACK_SIZE(%rip), %rsp
        xor     %ebp, %ebp              /* backtraces end here */
        mov     $MSR_GS_BASE, %ecx
        lea     percpu_boot(%rip), %rax
        mov     %rax, %rdx
        shr     $32, %rdx
        wrmsr
        rdtsc
        shl     $32, %rdx
        or      %rdx, %rax
        push    %rdi
        push    %rax
        call    canary_start
        pop     %rsi                    /* when the kernel began */
        pop     %rdi
        call    kmain
        ud2
        .cfi_endproc
        .size   kernel_entry, . - kernel_entry

        .section .note.GNU-stack, "", @progbits
