/* SPDX-License-Identifier: MIT */
/*
 * How a CPU that was told to start comes to smp_main(). It begins in real mode at the start of a
 * page below 1 MiB, to which trampoline_start to trampoline_end was copied and whose number is in
 * cs. It has no stack there, and finds all that it needs by offset from the start. The kernel's
 * tables, which it turns on in one step, also map that page where it is.
 */

#include "kernel/arch/x86_64/percpu.h"

#define MSR_EFER    0xc0000080
#define MSR_GS_BASE 0xc0000101
#define CR4_PAE     (1 << 5)

#define HERE(symbol) ((symbol) - trampoline_start)

        .section .rodata
        .balign 16
        .globl  trampoline_start, trampoline_settings, trampoline_end
trampoline_start:
        .code16
        cli
        cld
        mov     %cs, %ax
        mov     %ax, %ds
        lgdtl   HERE(gdt_pointer)
        mov     HERE(cr3), %eax
        mov     %eax, %cr3
        mov     $CR4_PAE, %eax
        mov     %eax, %cr4
        mov     $MSR_EFER, %ecx
        mov     HERE(efer), %eax
        xor     %edx, %edx
        wrmsr
        mov     HERE(cr0), %eax
        mov     %eax, %cr0
        ljmpl   *HERE(far_pointer)

        .code64
        .balign 16
long_mode:
        movabs  $startup, %rax
        jmp     *%rax

        .balign 16
gdt:    .quad   0
        .quad   0x00209b0000000000      /* 64-bit code */

/* struct trampoline_settings */
        .balign 8
trampoline_settings:
cr0:    .long   0
cr3:    .long   0
efer:   .long   0
gdt_pointer:
        .word   2 * 8 - 1
        .long   HERE(gdt)               /* made absolute, */
far_pointer:
        .long   HERE(long_mode)         /* and so is this */
        .word   0x08
trampoline_end:

        .cfi_sections .debug_frame
        .text
        .type   startup, @function
startup:
        .cfi_startproc
        .cfi_undefined rip              /* nobody called it */
        xor     %eax, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        xor     %ebp, %ebp
        mov     $1, %eax
        cpuid
        shr     $24, %ebx               /* this CPU's APIC id */
        mov     trampoline_areas(, %rbx, 8), %rdi
        test    %rdi, %rdi
        jz      1f                      /* nobody asked for this one */
        mov     PERCPU_STACK(%rdi), %rsp
        mov     $MSR_GS_BASE, %ecx
        mov     %rdi, %rax
        mov     %rdi, %rdx
        shr     $32, %rdx
        wrmsr
        call    smp_main
        ud2
1:      hlt
        jmp     1b
        .cfi_endproc
        .size   startup, . - startup

        .section .note.GNU-stack, "", @progbits
