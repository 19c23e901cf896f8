/* SPDX-License-Identifier: MIT */
/* Power-off and reset. Ports that mean something only to QEMU are left alone on real machines. */
#include "kernel/arch/x86_64/power.h"

#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/cpu.h"

#define QEMU_DEBUG_EXIT 0xf4
#define QEMU_ACPI_PM1A  0x604 /* PM1a control block of the pc and q35 machines */
#define ACPI_SLEEP_S5   0x2000
#define KEYBOARD        0x64
#define KEYBOARD_RESET  0xfe
#define RESET_CONTROL   0xcf9
#define RESET_FULL      0x06

_Noreturn void power_off(enum power_status status)
{
    if (cpu.hypervisor) {
        asm_out32(QEMU_DEBUG_EXIT, status);
        asm_out16(QEMU_ACPI_PM1A, ACPI_SLEEP_S5);
    }
    asm_halt();
}

_Noreturn void power_reset(void)
{
    asm_out8(RESET_CONTROL, RESET_FULL);
    asm_out8(KEYBOARD, KEYBOARD_RESET);
    asm_halt();
}
