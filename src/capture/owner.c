/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An executable that links the static library need not export any name of it, but it carries this
 * note, and the kernel hands us its headers.
 */
#include "capture/owner.h"

#include <elf.h>
#include <string.h>

#include "capture/next.h"
#include "capture/process.h"
#include "wire/owner.h"

enum { OWNER_HEADERS_MAX = 64 };

static const struct owner_note owner_note
        __attribute__((section(".note.memscope"), used, aligned(4))) = OWNER_NOTE;

static bool owner_in_notes(uintptr_t at, size_t bytes)
{
    for (; bytes >= sizeof(struct owner_note); at += 4, bytes -= 4) {
        if (memcmp((const void *)at, &owner_note, sizeof owner_note) == 0)
            return true;
    }
    return false;
}

/* Notes need not be in memory: a segment that is loaded has to hold them. */
static bool owner_is_loaded(const Elf64_Phdr *notes)
{
    const Elf64_Phdr *segments = process.exe_headers;
    for (uint32_t i = 0; i < process.exe_header_n && i < OWNER_HEADERS_MAX; i++) {
        uint64_t from = notes->p_vaddr - segments[i].p_vaddr;
        if (segments[i].p_type == PT_LOAD && (segments[i].p_flags & PF_R) &&
            from <= segments[i].p_filesz && notes->p_memsz <= segments[i].p_filesz - from)
            return true;
    }
    return false;
}

bool owner_is_executable(void)
{
    const Elf64_Phdr *segments = process.exe_headers;
    uintptr_t bias = 0;
    bool placed = false;
    if (!segments || !*next_own_path())
        return false;
    for (uint32_t i = 0; i < process.exe_header_n && i < OWNER_HEADERS_MAX; i++) {
        if (segments[i].p_type == PT_PHDR) {
            bias = (uintptr_t)segments - segments[i].p_vaddr;
            placed = true;
        }
    }
    if (!placed)
        return false;
    for (uint32_t i = 0; i < process.exe_header_n && i < OWNER_HEADERS_MAX; i++) {
        if (segments[i].p_type == PT_NOTE && owner_is_loaded(&segments[i]) &&
            owner_in_notes(bias + segments[i].p_vaddr, segments[i].p_memsz))
            return true;
    }
    return false;
}
