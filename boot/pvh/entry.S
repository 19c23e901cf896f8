/* SPDX-License-Identifier: MIT */
/*
 * Entry without firmware: `qemu -kernel kernel.elf` finds the note below and jumps to pvh_entry in
 * 32-bit protected mode, paging off, with the physical address of its start info in ebx. Rules of
 * this early place: no stack, no data but by physical address, until the jump to high addresses.
 * (Xen, PVH boot ABI.)
 */

#include "kernel/arch/x86_64/stack.h"

#define KERNEL_BASE 0xffffffff80000000
#define PHYS(symbol) ((symbol) - KERNEL_BASE)

#define PRESENT_WRITE 0x3
#define LARGE         0x80

#define CR4_PAE  (1 << 5)
#define EFER     0xc0000080
#define EFER_LME (1 << 8)
#define EFER_NXE (1 << 11)
#define CR0_PE   (1 << 0)
#define CR0_WP   (1 << 16)
#define CR0_PG   (1 << 31)

        .section .note.pvh, "a", @note
        .balign 4
        .long   4                       /* bytes of the name */
        .long   4                       /* bytes of the value */
        .long   18                      /* XEN_ELFNOTE_PHYS32_ENTRY */
        .asciz  "Xen"
        .long   PHYS(pvh_entry)

        .text
        .code32
        .globl  pvh_entry
pvh_entry:
        cli
        cld
        mov     %ebx, PHYS(start_info)
        mov     $0x80000001, %eax
        cpuid
        mov     %edx, %ebp
        test    $(1 << 29), %ebp        /* long mode? */
        jnz     2f
        mov     $PHYS(no_long_mode), %esi
1:      lodsb
        test    %al, %al
        jz      halt
        mov     $0x3f8, %dx
        out     %al, %dx
        jmp     1b
halt:   hlt
        jmp     halt

        /* The first 4 GiB in 2 MiB pages: 2048 entries in 4 tables. (cpuid took ebx.) */
2:      mov     $PHYS(tables_low), %edi
        mov     $(PRESENT_WRITE | LARGE), %eax
        xor     %ecx, %ecx
3:      mov     %eax, (%edi, %ecx, 8)
        movl    $0, 4(%edi, %ecx, 8)
        add     $0x200000, %eax
        inc     %ecx
        cmp     $2048, %ecx
        jne     3b

        /* Four entries lead to them, at address 0 and at BOOT_DIRECT_MAP; the first GiB also
         * stands at KERNEL_BASE, where the image is linked. */
        mov     $(PHYS(tables_low) + PRESENT_WRITE), %eax
        mov     %eax, PHYS(pdpt_low)
        mov     %eax, PHYS(pdpt_high) + 510 * 8
        add     $4096, %eax
        mov     %eax, PHYS(pdpt_low) + 8
        add     $4096, %eax
        mov     %eax, PHYS(pdpt_low) + 16
        add     $4096, %eax
        mov     %eax, PHYS(pdpt_low) + 24
        movl    $(PHYS(pdpt_low) + PRESENT_WRITE), PHYS(pml4)
        movl    $(PHYS(pdpt_low) + PRESENT_WRITE), PHYS(pml4) + 256 * 8
        movl    $(PHYS(pdpt_high) + PRESENT_WRITE), PHYS(pml4) + 511 * 8

        mov     %cr4, %eax
        or      $CR4_PAE, %eax
        mov     %eax, %cr4
        mov     $PHYS(pml4), %eax
        mov     %eax, %cr3
        mov     $EFER, %ecx
        rdmsr
        or      $EFER_LME, %eax
        test    $(1 << 20), %ebp        /* no-execute? */
        jz      4f
        or      $EFER_NXE, %eax
4:      wrmsr
        mov     %cr0, %eax
        or      $(CR0_PG | CR0_WP | CR0_PE), %eax
        mov     %eax, %cr0
        lgdt    PHYS(gdt_pointer)
        ljmp    $0x08, $PHYS(long_mode)

        .code64
long_mode:
        mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        movabs  $high, %rax
        jmp     *%rax
high:
        lea     stack_memory + STACK_GUARD_SIZE + STACK_SIZE(%rip), %rsp
        xor     %ebp, %ebp
        mov     start_info(%rip), %edi
        call    pvh_boot_info
        mov     %rax, %rdi
        jmp     kernel_entry

        .section .rodata
no_long_mode:
        .asciz  "loam: error: this CPU has no 64-bit mode\r\n"
        .balign 8
gdt:    .quad   0
        .quad   0x00209b0000000000      /* 64-bit code */
        .quad   0x0000930000000000      /* data */
gdt_pointer:
        .word   . - gdt - 1
        .long   PHYS(gdt)

        .bss
        .balign 4096
pml4:   .skip   4096
pdpt_low: .skip 4096
pdpt_high: .skip 4096
tables_low: .skip 4 * 4096
start_info: .skip 4

        .section .note.GNU-stack, "", @progbits
