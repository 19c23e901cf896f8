/* SPDX-License-Identifier: MIT */
/*
 * The last code of the loader, copied to a page below BOOT_MAPPED because the loader itself may lie
 * above it, where the kernel's tables map nothing. It runs at its physical address, which both sets
 * of tables map, and touches no memory, so it needs no stack. Position independent.
 *
 *      rdi  boot_info, as the kernel addresses it
 *      rsi  the kernel's entry
 *      rdx  physical address of the top page table
 *      ecx  1 if the CPU can mark pages not executable, else 0
 *
 * Leaves rdi, rsi and CR0 (save WP) as they are. Of CR4 only PAE, and MCE as the firmware had it:
 * a global page or a process context of the firmware's would outlive the load of CR3.
 */
        .set    MSR_EFER, 0xc0000080
        .set    EFER_NXE_BIT, 11
        .set    CR0_WP_BIT, 16
        .set    CR4_PAE, 1 << 5
        .set    CR4_MCE, 1 << 6

        .section .text.handoff, "ax", @progbits
        .globl  handoff_code, handoff_code_end
handoff_code:
        cli
        cld
        mov     %rdx, %r8
        test    %ecx, %ecx
        jz      1f
        mov     $MSR_EFER, %ecx
        rdmsr
        bts     $EFER_NXE_BIT, %eax
        wrmsr
1:      mov     %cr4, %rax
        and     $CR4_MCE, %eax
        or      $CR4_PAE, %eax
        mov     %rax, %cr4
        mov     %r8, %cr3
        mov     %cr0, %rax
        bts     $CR0_WP_BIT, %rax
        mov     %rax, %cr0
        jmp     *%rsi
handoff_code_end:

        .section .note.GNU-stack, "", @progbits
