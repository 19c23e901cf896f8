# SPDX-License-Identifier: MIT
#
# Loam's one Makefile. `make help` lists the commands. Everything that is made goes to build/:
#
#   build/kernel-BUILD-CC/    kernel.elf and efi/ (the boot volume: loader and sealed kernel)
#                             with -list or -buddy at its end: linked with another frame allocator,
#                             with -heap-list or -heap-bump: with another heap
#   build/hosted-CC/          the hosted unit tests, with sanitizers
#   build/hosted/             libloam.so and libloam.a; build/hardened/: the same with HARDEN=1
#
# Settings, for the command line:  CC=gcc|clang  BUILD=release|debug  V=1 (show full commands)
#   HEAP=slabs|list|bump (the kernel heap; the last two likewise, and a boot with bump ends with its memory)
#   FRAMES=tree|list|buddy (the frame allocator; the last two are for teaching: lib/alloc/simple)
#   HARDEN=1 (the heap checks all it can)
#   of `make run`:   CMD='frames; heap'  BOOT=uefi|pvh  MEDIUM=folder|cd|usb  VGA=std|virtio|cirrus|none
#                    CPUS= MEM= CPU= MACHINE= ACCEL= TIMEOUT=      of `make image`:  CMD=
#   of `make test`:  T=name  LONG=1  FUZZ_SECONDS=30 (for each fuzz target)
#   of `make bench`:  B=name         of `make fuzz`:  F=name

VERSION := 0.1.0

ifeq ($(origin CC),default)
CC := gcc
endif
BUILD ?= $(if $(filter test coverage,$(MAKECMDGOALS)),debug,release)
BOOT  ?= uefi
FRAMES ?= tree
HEAP   ?= slabs

ifeq ($(filter gcc clang,$(CC)),)
$(error CC=$(CC) is not known here; use CC=gcc or CC=clang)
endif
ifeq ($(filter release debug,$(BUILD)),)
$(error BUILD=$(BUILD) is not known; use BUILD=release or BUILD=debug)
endif
ifeq ($(filter uefi pvh,$(BOOT)),)
$(error BOOT=$(BOOT) is not known; use BOOT=uefi or BOOT=pvh)
endif
ifeq ($(filter tree list buddy,$(FRAMES)),)
$(error FRAMES=$(FRAMES) is not known; use FRAMES=tree, FRAMES=list or FRAMES=buddy)
endif

ifeq ($(filter slabs list bump,$(HEAP)),)
$(error HEAP=$(HEAP) is not known; use HEAP=slabs, HEAP=list or HEAP=bump)
endif

MAKEFLAGS += --no-builtin-rules
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
Q := $(if $(V),,@)
say = $(if $(V),,@echo '  $(1)	$(2)' >&2)

O := build/kernel-$(BUILD)$(if $(filter 1,$(HARDEN)),-hardened)-$(CC)
K := $(O)$(patsubst %,-%,$(filter-out tree,$(FRAMES)))$(patsubst %,-heap-%,$(filter-out slabs,$(HEAP)))
H := build/hosted-$(CC)

.PHONY: all run screenshot test fuzz bench lib core image prove check format coverage debug doctor help clean
all: ## the kernel and its boot volume
all: $(K)/kernel.elf $(K)/efi/BOOTX64.EFI $(K)/efi/kernel.elf

# --- what the compilers are told ------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
COMMON   := -std=gnu11 -g $(WARNINGS) -I. -MMD -MP

# No function may be turned into a call of itself: gcc finds memcpy in the loops of memcpy.
NO_IDIOMS := -fno-builtin $(if $(filter gcc,$(CC)),-fno-tree-loop-distribute-patterns)

KERNEL_FLAGS := $(COMMON) -O2 -ffreestanding -fno-pic -fno-pie -mcmodel=kernel -mno-red-zone \
    -mgeneral-regs-only -fno-omit-frame-pointer -fno-optimize-sibling-calls \
    -fno-asynchronous-unwind-tables \
    -Ikernel/arch/x86_64 -Ikernel/mm/home \
    -DLOAM_DEBUG=$(if $(filter debug,$(BUILD)),1,0) -DLOAM_HARDEN=$(if $(filter 1,$(HARDEN)),1,0) \
    -DLOAM_BUILD='"$(BUILD)"' \
    -DLOAM_VERSION='"$(VERSION)"' -DLOAM_COMPILER='"$(CC)"'

# The canary of the stack in use is in the CPU's area; kernel/arch/x86_64/canary.h.
KERNEL_FLAGS += -fstack-protector-strong -mstack-protector-guard=tls \
    -mstack-protector-guard-reg=gs -mstack-protector-guard-offset=40

EFI_FLAGS := $(COMMON) -O2 -isystem /usr/include/efi -isystem /usr/include/efi/x86_64 -fpic \
    -ffreestanding -fno-stack-protector -fno-strict-aliasing -mno-red-zone -mgeneral-regs-only \
    -fno-asynchronous-unwind-tables -fvisibility=hidden -DGNU_EFI_USE_MS_ABI \
    $(if $(filter gcc,$(CC)),-maccumulate-outgoing-args)

SANITIZERS   := -fsanitize=address,undefined -fno-sanitize-recover=all
HOSTED_FLAGS := $(COMMON) -O1 -Itests/host -DLOAM_DEBUG=1 $(SANITIZERS)

# --- what there is, in layer order ----------------------------------------------------------------

LIB   := string format parse sort tree elf check keys history complete lineview lineedit pager churn
CORE  := heap heap_world heap_run heap_class heap_slab heap_remote heap_checked heap_large heap_huge \
    heap_life heap_tick heap_misuse heap_stats heap_check
# Runs hosted, too: what of the console knows no hardware.
CONSOLE := font glyph terminal screen keymap
# Runs hosted, too: all of kernel/mm but what is bound to the kernel's image and ports.
MM    := memmap frame_port pmm pmm_drain paging paging_check region aspace aspace_check brk mmap \
    kmalloc kmalloc_dma kmalloc_shrink kmalloc_sites kmem_cache kmem_cache_check vmalloc
# Likewise: what reads ACPI tables.
ACPI  := acpi acpi_madt acpi_numa

KTESTS         := $(wildcard tests/kernel/*.c tests/kernel/misuse/*.c)
# Likewise three heaps behind heap.h.
HEAP_slabs     := $(CORE:%=lib/alloc/%.c)
HEAP_list      := lib/alloc/simple/heap_simple.c lib/alloc/simple/heap_list.c lib/alloc/heap_class.c
HEAP_bump      := lib/alloc/simple/heap_simple.c lib/alloc/simple/heap_bump.c lib/alloc/heap_class.c
LIB_SOURCES    := $(LIB:%=lib/%.c) $(HEAP_$(HEAP))
# Three frame allocators behind frame.h: a program is linked with one of them.
FRAMES_tree    := $(wildcard lib/alloc/frame*.c)
FRAMES_list    := $(wildcard lib/alloc/simple/simple*.c) lib/alloc/simple/list.c
FRAMES_buddy   := $(wildcard lib/alloc/simple/simple*.c) lib/alloc/simple/buddy.c
MM_SOURCES     := $(MM:%=kernel/mm/%.c) $(ACPI:%=kernel/%.c)
KERNEL_SOURCES := $(LIB_SOURCES) $(FRAMES_$(FRAMES)) $(wildcard kernel/arch/x86_64/*.[cS]) $(wildcard kernel/*.c) \
    $(wildcard kernel/mm/*.c) $(wildcard boot/pvh/*.[cS]) $(KTESTS)
EFI_SOURCES    := $(wildcard boot/uefi/*.[cS]) lib/elf.c lib/format.c lib/string.c
HOST_SOURCES   := $(filter-out lib/string.c,$(LIB:%=lib/%.c)) $(HEAP_slabs) $(FRAMES_tree) $(CONSOLE:%=kernel/%.c) \
    $(MM_SOURCES) kernel/lock.c kernel/names.c kernel/picture.c \
    $(filter-out %/frame_alone.c,$(wildcard tests/host/*.c))
TESTS          := $(patsubst tests/%.c,%,$(wildcard tests/*_test.c)) frame_list_test frame_buddy_test \
    heap_list_test

# --- the kernel -----------------------------------------------------------------------------------

KERNEL_OBJECTS := $(KERNEL_SOURCES:%=$(O)/%.o)
EFI_OBJECTS    := $(EFI_SOURCES:%=$(O)/efi-objects/%.o)

$(O)/lib/string.c.o: KERNEL_FLAGS += $(NO_IDIOMS)
# The core hands small structs out by address, which counts as strong a reason as an array, and costs
# kfree 13 instructions. Arrays of characters alone are guarded here; there are none on its fast path.
$(patsubst %,$(O)/%.o,$(wildcard lib/alloc/*.c)): KERNEL_FLAGS += -fstack-protector
# Runs before there is such an area, and makes canaries.
$(O)/boot/pvh/pvh.c.o $(O)/kernel/arch/x86_64/canary.c.o: KERNEL_FLAGS += -fno-stack-protector
# clang's own assembler drops .cfi_signal_frame, by which gdb knows an exception.
$(O)/kernel/arch/x86_64/trap_entry.S.o: KERNEL_FLAGS += $(if $(filter clang,$(CC)),-fno-integrated-as)
# Tests run in the order in which they are written.
$(KTESTS:%=$(O)/%.o): KERNEL_FLAGS += $(if $(filter gcc,$(CC)),-fno-toplevel-reorder)
$(O)/%.o: % Makefile | need-cc
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_FLAGS) -c $< -o $@

# Lists of objects, touched only when they change: a source that is gone must go from the result, too.
.PHONY: force
$(K)/objects: LISTED = $(KERNEL_OBJECTS)
$(H)/objects: LISTED = $(HOST_OBJECTS)
%/objects: force
	@mkdir -p $(@D)
	@echo '$(LISTED)' | cmp -s - $@ || echo '$(LISTED)' >$@

LINK = ld -nostdlib -static -z max-page-size=4096 -z noexecstack --build-id=none -T linker.ld

# Linked twice: the symbol table of the second link holds the functions of the first, which the
# table's own size must not move.
$(K)/kernel.elf: $(KERNEL_OBJECTS) $(K)/objects linker.ld tools/symbols.py Makefile | need-python
	$(call say,LINK,$@)
	$(Q)tools/symbols.py >$(K)/symbols0.S
	$(Q)$(CC) -c $(K)/symbols0.S -o $(K)/symbols0.o
	$(Q)$(LINK) $(KERNEL_OBJECTS) $(K)/symbols0.o -o $(K)/kernel0.elf
	$(Q)nm -n $(K)/kernel0.elf >$(K)/kernel0.nm
	$(Q)tools/symbols.py $(K)/kernel0.nm >$(K)/symbols.S
	$(Q)$(CC) -c $(K)/symbols.S -o $(K)/symbols.o
	$(Q)$(LINK) $(KERNEL_OBJECTS) $(K)/symbols.o -o $@
	$(Q)nm -n $@ >$(K)/kernel.nm
	$(Q)tools/symbols.py $(K)/kernel0.nm $(K)/kernel.nm

# --- the boot volume ------------------------------------------------------------------------------

$(O)/efi-objects/lib/string.c.o: EFI_FLAGS += $(NO_IDIOMS)
$(O)/efi-objects/%.o: % Makefile | need-cc need-gnu-efi
	$(call say,CC,$< for UEFI)
	@mkdir -p $(@D)
	$(Q)$(CC) $(EFI_FLAGS) -c $< -o $@

$(K)/efi/BOOTX64.EFI: $(EFI_OBJECTS) Makefile
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)ld -nostdlib -znocombreloc -z noexecstack -T /usr/lib/elf_x86_64_efi.lds -shared -Bsymbolic \
	    --no-undefined /usr/lib/crt0-efi-x86_64.o $(EFI_OBJECTS) -o $(K)/loader.so -L/usr/lib -lgnuefi
	$(Q)objcopy -j .text -j .sdata -j .data -j .dynamic -j .dynsym -j .rel -j .rela \
	    -j '.rel.*' -j '.rela.*' -j .reloc --target efi-app-x86_64 --subsystem=10 $(K)/loader.so $@

$(K)/efi/kernel.elf: $(K)/kernel.elf tools/seal.py | need-python
	$(call say,SEAL,$@)
	@mkdir -p $(@D)
	$(Q)objcopy --strip-debug $< $(K)/kernel-stripped.elf
	$(Q)tools/seal.py $(K)/kernel-stripped.elf $@

# --- running --------------------------------------------------------------------------------------

MACHINE_OPTIONS := --boot $(BOOT) $(if $(CPUS),--cpus $(CPUS)) $(if $(MEM),--mem $(MEM)) \
    $(if $(CPU),--cpu $(CPU)) $(if $(MACHINE),--machine $(MACHINE)) $(if $(ACCEL),--accel $(ACCEL)) \
    $(if $(TIMEOUT),--timeout $(TIMEOUT)) $(if $(MEDIUM),--medium $(MEDIUM)) $(if $(VGA),--vga $(VGA))

VOLUME   := $(K)/efi/BOOTX64.EFI $(K)/efi/kernel.elf
BOOTABLE := $(K)/kernel.elf $(if $(filter uefi,$(BOOT)),$(VOLUME))
FIRMWARE := need-qemu $(if $(filter uefi,$(BOOT)),need-uefi) \
    $(if $(filter cd usb,$(MEDIUM)),need-xorriso need-mtools)

# The command is handed over by the environment: no quoting between make, the shell and us.
override CMD := $(value CMD)
export CMD
run: ## build and boot in QEMU to the prompt; CMD='mem; maps' runs commands and powers off
run: $(BOOTABLE) | need-python $(FIRMWARE)
	@tests/qemu.py --build $(K) $(MACHINE_OPTIONS) $(if $(CMD),--cmd "$$CMD")

image: ## build/loam.iso for a CD or a USB stick; CMD= as in run. docs/boot.md: how to write it
image: $(VOLUME) | need-python need-xorriso need-mtools
	$(call say,IMAGE,build/loam.iso)
	$(Q)tests/qemu.py --build $(K) --image build/loam.iso $(if $(CMD),--cmd "$$CMD")

FILE ?= build/screen.png
screenshot: ## boot, type CMD at the keyboard, and save the screen to FILE (build/screen.png)
screenshot: $(BOOTABLE) | need-python $(FIRMWARE)
	@tests/qemu.py --build $(K) $(MACHINE_OPTIONS) --screenshot $(FILE) $(if $(CMD),--cmd "$$CMD")

# --- libloam: the heap as malloc of any Linux program ----------------------------------------------

# The same twice: build/hosted, and build/hardened with the hardened heap.
LOAM_SOURCES := $(wildcard hosted/*.c lib/alloc/heap*.c) \
    lib/check.c lib/format.c lib/parse.c lib/tree.c
LOAM_FLAGS    = $(COMMON) -O2 -fPIC -fvisibility=hidden -ftls-model=initial-exec -Ihosted \
    -D_GNU_SOURCE -DLOAM_HARDEN=$(or $(LOAM_IS_HARD),0) -DLOAM_DEBUG=0 \
    -fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc -fno-builtin-free
LOAM_OBJECTS  = $(LOAM_SOURCES:%=build/$(1)/$(CC)/%.o)
LOAM_BUILDS  := hosted hardened
L            := build/$(if $(filter 1,$(HARDEN)),hardened,hosted)
PREFIX       ?= /usr/local

lib: ## libloam.so and libloam.a, malloc for any Linux program; HARDEN=1: hardened
lib: $(L)/libloam.so $(L)/libloam.a

define loam_compile
$(call say,CC,$< for libloam)
@mkdir -p $(@D)
$(Q)$(CC) $(LOAM_FLAGS) -c $< -o $@
endef
build/hosted/$(CC)/%.o: % Makefile | need-cc
	$(loam_compile)
build/hardened/$(CC)/%.o: LOAM_IS_HARD := 1
build/hardened/$(CC)/%.o: % Makefile | need-cc
	$(loam_compile)

$(LOAM_BUILDS:%=build/%/objects): LISTED = $(call LOAM_OBJECTS,$(notdir $(@D)))
build/hosted/libloam.so build/hosted/libloam.o: $(call LOAM_OBJECTS,hosted) build/hosted/objects
build/hardened/libloam.so build/hardened/libloam.o: $(call LOAM_OBJECTS,hardened) \
    build/hardened/objects

$(LOAM_BUILDS:%=build/%/libloam.so):
	$(call say,LINK,$@)
	$(Q)$(CC) -shared -nostartfiles -Wl,-soname,libloam.so -Wl,-z,nodelete -Wl,-z,initfirst \
	    -Wl,--no-undefined -Wl,-Bsymbolic -Wl,-O1 $(filter %.o,$^) -o $@

# One object whose own names are hidden, so that they meet no others.
$(LOAM_BUILDS:%=build/%/libloam.o):
	$(Q)ld -r $(filter %.o,$^) -o $@
	$(Q)objcopy --localize-hidden $@
$(LOAM_BUILDS:%=build/%/libloam.a): %.a: %.o
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)ar rcs $@ $<

install: ## libloam into PREFIX (/usr/local), below DESTDIR if given
install: lib
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/share/man/man3
	install -m 755 $(L)/libloam.so $(DESTDIR)$(PREFIX)/lib
	install -m 644 $(L)/libloam.a $(DESTDIR)$(PREFIX)/lib
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' hosted/libloam.pc.in \
	    >$(DESTDIR)$(PREFIX)/lib/pkgconfig/libloam.pc
	install -m 644 hosted/libloam.3 $(DESTDIR)$(PREFIX)/share/man/man3
.PHONY: install

# Small programs that must survive on it, for tests/libloam_test.py.
CORNERS := $(addprefix build/corners/,corner refuse operators $(LOAM_BUILDS:%=static-%))
CORNER_FLAGS := $(COMMON) -O2 -D_GNU_SOURCE $(if $(filter gcc,$(CC)),-Wno-use-after-free \
    -Wno-free-nonheap-object -Wno-alloc-size-larger-than)
CORNER_OBJECTS := $(patsubst %,build/corners/%.o,$(filter-out %/refuse.c,$(wildcard \
    tests/libloam/*.c)))

build/corners/tests/%.o: tests/% Makefile | need-cc
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CORNER_FLAGS) -c $< -o $@
build/corners/corner: $(CORNER_OBJECTS)
	$(call say,LINK,$@)
	$(Q)$(CC) $^ -pthread -ldl -o $@
build/corners/static-%: $(CORNER_OBJECTS) build/%/libloam.a
	$(call say,LINK,$@)
	$(Q)$(CC) -static $^ -pthread -o $@ 2>&1 | sed '/dlopen/d; /: in function/d' >&2
build/corners/refuse: build/corners/tests/libloam/refuse.c.o
	$(call say,LINK,$@)
	$(Q)$(CC) $^ -o $@
# Not made, and its test skipped, where there is no g++.
build/corners/operators: tests/libloam/operators.cc | want-g++
	$(call say,CXX,$@)
	@mkdir -p $(@D)
	$(Q)! command -v g++ >/dev/null || g++ -O2 -Wall -Wextra -Werror $< -pthread -o $@

# --- hosted tests ---------------------------------------------------------------------------------

HOST_OBJECTS := $(HOST_SOURCES:%=$(H)/%.o)

$(H)/lib/string.c.o: HOSTED_FLAGS += $(NO_IDIOMS) -include tests/host/string_rename.h
$(H)/%.o: % Makefile | need-cc need-cmocka
	$(call say,CC,$< hosted)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOSTED_FLAGS) -c $< -o $@

# One archive: each test takes what it needs.
$(H)/libhosted.a: $(HOST_OBJECTS) $(H)/objects
	$(Q)rm -f $@
	$(Q)ar rcs $@ $(HOST_OBJECTS)

# Tests of what stands on frames put themselves in between, to make frames run out on purpose.
NEEDS_FRAMES := pmm paging aspace brk mmap kmalloc kmalloc_sites kmem_cache heap_port vmalloc
WRAPPED = $(if $(filter $(NEEDS_FRAMES:%=%_test),$(@F)),frame_alloc frame_free frame_alloc_bulk \
    frame_free_bulk)
wrap = $(addprefix -Wl$(comma)--wrap=,$(WRAPPED))
comma := ,

# Explored: the test and the code under test announce every access to the explorer, which is linked
# in the place of ThreadSanitizer's runtime; see docs/explore.md. The optimizer would drop accesses.
EXPLORED         := $(filter %explore_test,$(TESTS))
EXPLORER_OBJECTS := $(patsubst %,$(H)/plain/%.o,$(wildcard tests/explore/*.[cS]))
EXAMPLES         := $(patsubst %,$(H)/explored/%.o,$(wildcard tests/explore/examples/*.c))
PLAIN_FLAGS      := $(COMMON) -O2 -fno-pie -Itests/host
EXPLORED_FLAGS   := $(COMMON) -O0 -fno-pie -Itests/explore/home -Itests/host -DLOAM_DEBUG=1 -mcx16 \
    -fsanitize=thread $(if $(filter gcc,$(CC)),-Wno-tsan)
EXPLORED_SOURCES := $(filter-out tests/host/frame_home.c,$(HOST_SOURCES))
# What newer compilers do themselves.
ANNOUNCED_CALLS  := $(foreach f,memcpy memmove memset,--redefine-sym $(f)=__tsan_$(f))

$(H)/plain/%.o: % Makefile | need-cc
	$(call say,CC,$< hosted)
	@mkdir -p $(@D)
	$(Q)$(CC) $(PLAIN_FLAGS) -c $< -o $@

$(H)/explored/%.o: % Makefile | need-cc need-cmocka
	$(call say,CC,$< explored)
	@mkdir -p $(@D)
	$(Q)$(CC) $(EXPLORED_FLAGS) -c $< -o $@
	$(Q)objcopy $(ANNOUNCED_CALLS) $@

# One archive, as above: what a test defines itself is not taken from there.
$(H)/libexplored.a: $(EXPLORED_SOURCES:%=$(H)/explored/%.o)
	$(Q)rm -f $@
	$(Q)ar rcs $@ $^

# An error is put into a copy of a source, MUTANT/lib/alloc/X.c; see tests/mutants.py.
ifdef MUTANT
$(MUTANT)/%.c.o: $(MUTANT)/%.c
	$(Q)$(CC) -I$(MUTANT) $(EXPLORED_FLAGS) -c $< -o $@
	$(Q)objcopy $(ANNOUNCED_CALLS) $@

$(MUTANT)/%_explore_test: $(patsubst %,%.o,$(wildcard $(MUTANT)/*/*/*.c)) \
    $(H)/explored/tests/%_explore_test.c.o $(EXPLORER_OBJECTS) $(H)/libexplored.a
	$(Q)$(CC) -no-pie $(filter %.o,$^) $(filter %.a,$^) -lcmocka -o $@
endif

$(H)/explore_test: $(EXAMPLES)
$(patsubst %,$(H)/%,$(filter-out explore_test,$(EXPLORED))): $(H)/libexplored.a
$(EXPLORED:%=$(H)/%): $(H)/%: $(H)/explored/tests/%.c.o $(EXPLORER_OBJECTS)
	$(call say,LINK,$@)
	$(Q)$(CC) -no-pie $(filter %.o,$^) $(filter %.a,$^) -lcmocka -o $@

$(H)/string_test: $(H)/lib/string.c.o
# The kernel's own heap port, over windows that a hosted program can write to.
$(H)/heap_port_test: $(H)/kernel/mm/heap_port.c.o
$(H)/heap_port_test: WRAPPED += kmmap kmunmap kmprotect
# The same tests of the contract for each frame allocator.
$(H)/frame_list_test: $(FRAMES_list:%=$(H)/%.o)
$(H)/frame_buddy_test: $(FRAMES_buddy:%=$(H)/%.o)
$(H)/frame_list_test $(H)/frame_buddy_test: $(H)/tests/frame_contract_test.c.o $(H)/libhosted.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(SANITIZERS) $(filter %.o,$^) $(H)/libhosted.a -lcmocka -pthread -o $@
# And for the heap that is a list.
$(H)/heap_list_test: $(HEAP_list:%=$(H)/%.o) $(H)/tests/heap_contract_test.c.o $(H)/libhosted.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(SANITIZERS) $(filter %.o,$^) $(H)/libhosted.a -lcmocka -pthread -o $@
$(H)/%_test: $(H)/tests/%_test.c.o $(H)/libhosted.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(SANITIZERS) $(filter %.o,$^) $(H)/libhosted.a -lcmocka -pthread -o $@ \
	    $(wrap)

# Threads need the other sanitizer: their test and the core are built apart with it.
FRAME_RACES := tests/frame_threads_test.c $(wildcard lib/alloc/frame*.c) lib/check.c lib/format.c \
    tests/host/frame_home.c tests/host/frame_alone.c
HEAP_ALONE  := $(wildcard lib/alloc/heap*.c) lib/tree.c lib/check.c lib/format.c kernel/lock.c \
    $(patsubst %,tests/host/%.c,heap_port expect lock_home log panic told)
HEAP_RACES  := tests/heap_threads_test.c $(HEAP_ALONE)
$(H)/frame_threads_test: $(FRAME_RACES) $(wildcard lib/alloc/frame*.h) Makefile | need-cc need-cmocka
$(H)/heap_threads_test: $(HEAP_RACES) $(wildcard lib/alloc/heap*.h) Makefile | need-cc need-cmocka
$(H)/frame_threads_test $(H)/heap_threads_test:
	$(call say,CC,$@ with ThreadSanitizer)
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -MMD -MP,$(COMMON)) -O1 -fsanitize=thread -Itests/host -DLOAM_DEBUG=1 \
	    $(filter %.c,$^) -lcmocka -pthread -o $@

$(H)/heap_misuse_test: $(patsubst %,$(H)/%.o,$(wildcard tests/misuse/*.c))

# Without sanitizers, for speed: what the heap does wrong shows in its callers' blocks.
HEAP_FAST := $(patsubst %,$(H)/heap_%_test,flip giveback model)
$(HEAP_FAST): $(H)/%: tests/%.c $(HEAP_ALONE) $(wildcard lib/alloc/heap*.h) Makefile \
    | need-cc need-cmocka
	$(call say,CC,$@ for speed)
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -MMD -MP,$(COMMON)) -O2 -Itests/host -DLOAM_DEBUG=1 $(filter %.c,$^) \
	    -lcmocka -pthread -o $@

HOSTED_TESTS := $(TESTS:%=$(H)/%)

# --- fuzzing: clang's libFuzzer, with sanitizers; see tests/fuzz/fuzz.h ------------------------------

FUZZED     := lib/elf.c lib/format.c lib/parse.c lib/sort.c kernel/mm/memmap.c $(ACPI:%=kernel/%.c)
FUZZERS    := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/*_fuzz.c))
FUZZ_FLAGS := -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
FUZZ_SECONDS ?= 30
export FUZZ_SECONDS

build/fuzz/%.c.o: %.c Makefile | need-clang
	$(call say,CC,$< for fuzzing)
	@mkdir -p $(@D)
	$(Q)clang $(COMMON) -O1 -Itests/host $(FUZZ_FLAGS) -c $< -o $@

build/fuzz/heap_fuzz: $(patsubst %,build/fuzz/%.o,$(wildcard lib/alloc/heap*.c) lib/tree.c lib/check.c \
    tests/host/heap_port.c)
build/fuzz/%_fuzz: build/fuzz/tests/fuzz/%_fuzz.c.o $(FUZZED:%=build/fuzz/%.o)
	$(call say,LINK,$@)
	$(Q)clang $(FUZZ_FLAGS) $^ -o $@

# What it finds on the way is kept in build/fuzz/corpus for the next time, a crash in build/fuzz.
fuzz: ## fuzz F=name (acpi, cmdline, elf, ...) until it crashes or Ctrl-C
fuzz: $(or $(filter build/fuzz/$(F)_fuzz,$(FUZZERS)),no-such-fuzzer)
	@mkdir -p build/fuzz/corpus/$(F)
	$< -timeout=10 -artifact_prefix=build/fuzz/$(F)- build/fuzz/corpus/$(F) tests/fuzz/corpus/$(F)

.PHONY: no-such-fuzzer
no-such-fuzzer:
	@echo 'loam: F=$(F) is none of: $(FUZZERS:build/fuzz/%_fuzz=%)' >&2; exit 1

# --- testing --------------------------------------------------------------------------------------

# `make test T=frame` wants only what the tests of frame need: no QEMU for what is hosted alone.
ONLY_HOSTED   := $(and $(T),$(filter $(T)_test build/fuzz/$(T),$(TESTS) $(FUZZERS) \
    libloam_test libloam_programs_test),$(if \
    $(wildcard tests/kernel/$(T)_ktest.c),,yes))
BUILT_TESTS   := $(if $(T),$(filter %/$(T)_test,$(HOSTED_TESTS)),$(HOSTED_TESTS))
BUILT_KERNEL  := $(if $(ONLY_HOSTED),,$(K)/kernel.elf $(K)/efi/BOOTX64.EFI $(K)/efi/kernel.elf)
BUILT_LOAM    := $(if $(filter-out libloam libloam_programs,$(T)),,$(CORNERS) \
    $(LOAM_BUILDS:%=build/%/libloam.so) $(LOAM_BUILDS:%=build/%/libloam.a))
CLANG_KERNEL  := build/kernel-$(BUILD)-clang
HAS_CLANG     := $(if $(T),,$(shell command -v clang))
HARDENED      := build/kernel-$(BUILD)-hardened-$(CC)
WANTS_HARDENED := $(if $(T),$(filter HARDEN=1,$(T)),yes)
OTHER_FRAMES  := $(if $(T),$(patsubst FRAMES=%,%,$(filter FRAMES=%,$(T))),list buddy)
OTHER_HEAPS   := $(if $(T),$(patsubst HEAP=%,%,$(filter HEAP=%,$(T))),list bump)
WANTED_FUZZ   := $(if $(T),$(filter build/fuzz/$(T),$(FUZZERS)),$(FUZZERS))
HAS_FUZZER     = $(shell NO_INSTALL=1 tools/need.sh clang 2>/dev/null && echo yes)
BUILT_FUZZ    := $(if $(filter test,$(MAKECMDGOALS)),$(if $(WANTED_FUZZ),$(if $(HAS_FUZZER),$(WANTED_FUZZ))))

test: ## every test, hosted and booted; T=frame: those of one source
test: $(BUILT_TESTS) $(BUILT_FUZZ) $(BUILT_LOAM) $(BUILT_KERNEL) | need-python \
    $(if $(BUILT_LOAM),want-valgrind want-pkg-config) \
    $(if $(ONLY_HOSTED),,need-qemu need-uefi want-gdb want-mtools want-xorriso)
	$(if $(HAS_CLANG),@$(MAKE) --no-print-directory CC=clang BUILD=$(BUILD) all)
	$(if $(OTHER_FRAMES),@for frames in $(OTHER_FRAMES); do \
	    $(MAKE) --no-print-directory FRAMES=$$frames BUILD=$(BUILD) $(O)-$$frames/kernel.elf || exit 1; done)
	$(if $(WANTS_HARDENED),@$(MAKE) --no-print-directory HARDEN=1 BUILD=$(BUILD) $(HARDENED)/kernel.elf)
	$(if $(OTHER_HEAPS),@for heap in $(OTHER_HEAPS); do \
	    $(MAKE) --no-print-directory HEAP=$$heap BUILD=$(BUILD) $(O)-heap-$$heap/kernel.elf || exit 1; done)
	@rm -f $(filter-out $(HOSTED_TESTS),$(wildcard $(H)/*_test))
	@tests/run.py --hosted-dir $(H) $(if $(ONLY_HOSTED),,--kernel-dir $(K)) \
	    $(if $(HAS_CLANG),--clang-dir $(CLANG_KERNEL)) \
	    $(if $(WANTS_HARDENED),--hardened-dir $(HARDENED)) \
	    $(foreach frames,$(OTHER_FRAMES),--$(frames)-dir $(O)-$(frames)) \
	    $(foreach heap,$(OTHER_HEAPS),--heap-$(heap)-dir $(O)-heap-$(heap)) $(if $(BUILT_FUZZ),--fuzz-dir build/fuzz) \
	    $(if $(T),--only "$(T)") \
	    $(if $(JUNIT),--junit $(JUNIT))

prove: ## proofs of the pure functions; docs/prove.md
prove: | need-python want-frama-c
	@tools/prove.py

# Hosted benchmarks of frames: release builds, and one whose atomic operations are calls that count.
BENCH        := build/bench-$(CC)
BENCH_FLAGS  := $(COMMON) -O2 -march=x86-64-v3 -fno-pie -ftls-model=local-exec -Itests/bench/frame/home
BENCH_COMMON := $(patsubst %,$(BENCH)/%.o,$(wildcard tests/bench/frame/*.c) lib/format.c lib/check.c \
    lib/churn.c)
FRAME_BENCHES := $(BENCH)/frame_tree $(BENCH)/frame_list $(BENCH)/frame_buddy $(BENCH)/frame_locked

$(BENCH)/%.c.o: %.c Makefile | need-cc
	$(call say,CC,$< for benchmarks)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BENCH_FLAGS) -c $< -o $@
$(BENCH)/locked/%.c.o: %.c Makefile | need-cc
	$(call say,CC,$< with locked operations counted)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BENCH_FLAGS) -fsanitize=thread -c $< -o $@
$(BENCH)/frame_tree: $(FRAMES_tree:%=$(BENCH)/%.o)
$(BENCH)/frame_list: $(FRAMES_list:%=$(BENCH)/%.o)
$(BENCH)/frame_buddy: $(FRAMES_buddy:%=$(BENCH)/%.o)
$(BENCH)/frame_locked: $(FRAMES_tree:%=$(BENCH)/locked/%.o)
$(FRAME_BENCHES): $(BENCH_COMMON)
	$(call say,LINK,$@)
	$(Q)$(CC) $^ -no-pie -pthread -o $@

# In-kernel benchmarks, in exact guest instructions, beside Linux's figures; for frames, also hosted
# ones, and those of the simple allocators. B=heap is libloam beside other allocators.
BENCH_FRAMES := $(filter frame%,$(or $(B),frame))
BENCH_HARDENED := $(filter kmalloc%,$(or $(B),kmalloc))
bench: ## benchmarks in instructions, beside Linux's; B=kmalloc, B=frame.whole: those with that prefix
bench: $(if $(filter-out heap heap.%,$(B)),kernel-bench,$(if $(B),,kernel-bench) heap-bench)
kernel-bench: $(K)/kernel.elf $(if $(BENCH_FRAMES),$(FRAME_BENCHES)) | need-python need-qemu \
    $(if $(BENCH_FRAMES),need-valgrind)
	$(if $(BENCH_FRAMES),@for frames in list buddy; do $(MAKE) --no-print-directory FRAMES=$$frames \
	    $(O)-$$frames/kernel.elf || exit 1; done)
	$(if $(BENCH_HARDENED),@$(MAKE) --no-print-directory HARDEN=1 $(HARDENED)/kernel.elf)
	@tools/bench.py --build $(K) $(if $(B),--only $(B)) \
	    $(if $(BENCH_FRAMES),--hosted $(BENCH) $(foreach frames,list buddy,--frames $(frames)=$(O)-$(frames))) \
	    $(if $(BENCH_HARDENED),--hardened $(HARDENED))

# Instructions of malloc and free; LIB= is the library to preload.
build/bench/heap_insn: tests/bench/heap_insn.c Makefile | need-cc
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(WARNINGS) -O2 -fno-builtin $< -o $@
heap-insn: build/bench/heap_insn $(LIB) | need-python
	@tests/bench/heap_insn.py $< $(LIB)
.PHONY: heap-insn

# The heap for other kernels: its files as they are, what they include, and the smallest port.
CORE_SOURCES := $(CORE:%=lib/alloc/%.c) lib/check.c lib/format.c lib/tree.c lib/alloc/port/port.c
core: ## build/core/: the heap with a port of 55 lines, for another kernel
core: | need-cc
	@rm -rf build/core && mkdir -p build/core
	@cp --parents lib/alloc/port/heap.hpp LICENSE build/core
	@cp --parents $$($(CC) -MM -I. -Ilib/alloc/port $(CORE_SOURCES) | tr ' \\' '\n\n' | grep '^lib/' | sort -u) \
	    build/core
	@cp docs/lift.md build/core/README.md
	@echo 'build/core: $(words $(CORE_SOURCES)) sources; README.md says how to use them'

# libloam.so beside the allocators that Debian packages; B=heap.NAME: one workload, idle, start, insn.
W := build/workloads
heap-bench: $(W)/workload $(W)/launch $(L)/libloam.so build/bench/heap_insn \
    | need-python want-gnuplot want-valgrind $(if $(B),,kernel-bench)
	$(if $(filter heap.insn,$(B)),,@tools/heap_bench.py --loam $(L)/libloam.so --programs $(W) \
	    --out build/bench $(if $(B:heap=),--only $(B:heap.%=%)))
	$(if $(filter-out heap heap.insn,$(B)),,@tests/bench/heap_insn.py build/bench/heap_insn $(L)/libloam.so)
.PHONY: kernel-bench heap-bench

$(W)/tests/bench/heap/%.c.o: tests/bench/heap/%.c Makefile | need-cc
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(COMMON) -O2 -D_GNU_SOURCE -c $< -o $@
$(W)/workload: $(patsubst %,$(W)/%.o,$(filter-out %/launch.c,$(wildcard tests/bench/heap/*.c)))
	$(call say,LINK,$@)
	$(Q)$(CC) $^ -pthread -o $@
# Static: what a parent holds counts as its child's peak.
$(W)/launch: $(W)/tests/bench/heap/launch.c.o
	$(call say,LINK,$@)
	$(Q)$(CC) -static $^ -o $@

# --- the state of the source ----------------------------------------------------------------------

FILES    := $(shell git ls-files 2>/dev/null || find * -type f -not -path 'build/*')
C_FILES  := $(filter %.c %.h,$(FILES))
TIDY     := $(filter lib/%.c kernel/%.c boot/pvh/%.c hosted/%.c,$(FILES))
TIDY_FLAGS := -std=gnu11 -ffreestanding -mgeneral-regs-only -I. -Ikernel/arch/x86_64 -Ikernel/mm/home \
    -DLOAM_DEBUG=1 -DLOAM_HARDEN=1 -DLOAM_BUILD='""' -DLOAM_VERSION='""' -DLOAM_COMPILER='""'

build/tidy/hosted/%: TIDY_FLAGS := -std=gnu11 -I. -Ihosted -D_GNU_SOURCE -DLOAM_HARDEN=0

check: ## format, lint, layers
check: $(TIDY:%=build/tidy/%.ok) | need-clang-format need-python
	$(call say,LINT,layers and licence lines)
	$(Q)tools/lint.py $(FILES)
	$(call say,FORMAT,$(words $(C_FILES)) files)
	$(Q)clang-format --dry-run -Werror $(C_FILES)

# clang-tidy counts warnings that it suppressed on stderr, so it is heard only if it fails.
build/tidy/%.ok: % .clang-tidy $(filter %.h,$(FILES)) | need-clang-tidy
	$(call say,TIDY,$<)
	@mkdir -p $(@D)
	$(Q)clang-tidy --quiet $< -- $(TIDY_FLAGS) >$@ 2>&1 || { cat $@ >&2; rm $@; exit 1; }

format: ## put the source into the form that check wants
format: | need-clang-format
	clang-format -i $(C_FILES)

# Lines and branches of lib/ and kernel/mm that the hosted tests reach.
coverage: ## lines and branches that the hosted tests reach
coverage: | need-cc need-cmocka need-python
	@$(MAKE) --no-print-directory CC=gcc H=build/coverage \
	    SANITIZERS='--coverage -fprofile-abs-path' hosted
	@tools/coverage.py build/coverage

hosted: $(HOSTED_TESTS)
.PHONY: hosted

# QEMU halted before the first instruction, and gdb attached to it. The kernel runs at `continue`.
debug: ## QEMU halted, gdb attached
debug: $(BOOTABLE) | need-python $(FIRMWARE) need-gdb
	@tools/debug.sh $(K) $(MACHINE_OPTIONS)

doctor: ## what is missing here, and how to get it
	@CC=$(CC) tools/need.sh --doctor

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 18
	@sed -n '/^# Settings/,/^$$/s/^# *//p' Makefile

-include $(shell find build -name '*.d' -type f -not -path 'build/unpacked/*' 2>/dev/null)

# --- what must be installed; asked for by the commands that need it, when they need it --------------

NEEDS := $(addprefix need-,cc valgrind python cmocka qemu uefi gnu-efi clang clang-format clang-tidy gdb \
    mtools xorriso)
WANTS := $(addprefix want-,gdb mtools xorriso gnuplot valgrind g++ pkg-config)
.PHONY: $(NEEDS) $(WANTS) want-frama-c
$(NEEDS): need-%:
	@CC=$(CC) tools/need.sh $*

# Without these some tests, or the proofs, are skipped.
$(WANTS) want-frama-c: want-%:
	@CC=$(CC) tools/need.sh $* || true

clean: ## remove build/
	rm -rf build
