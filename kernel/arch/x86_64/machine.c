/* SPDX-License-Identifier: MIT */
/* Flushing the TLB. (Intel SDM vol. 3A, 4.10.4.1.) */
#include "kernel/arch/x86_64/machine.h"

#define CR4_PGE ((uint64_t)1 << 7)

static void (*flusher)(const struct machine_flush *flush) = machine_flush_here;

/* Any change of CR4.PGE ends global translations, too. */
void machine_flush_all_here(void)
{
    uint64_t cr4 = asm_read_cr4();
    if (cr4 & CR4_PGE) {
        asm_write_cr4(cr4 & ~CR4_PGE);
        asm_write_cr4(cr4);
    } else {
        asm_write_cr3(asm_read_cr3());
    }
}

/* The CPU also caches entries that point to tables; flushing any page drops all of those. */
void machine_flush_here(const struct machine_flush *flush)
{
    if (flush->count > MACHINE_FLUSH_MAX)
        machine_flush_all_here();
    for (unsigned i = 0; i < flush->count && flush->count <= MACHINE_FLUSH_MAX; i++)
        asm_invlpg(flush->page[i]);
}

void machine_set_flusher(void (*function)(const struct machine_flush *flush))
{
    flusher = function;
}

void machine_flush(const struct machine_flush *flush)
{
    flusher(flush);
}
