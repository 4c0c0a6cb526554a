/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of the segment's table: claimed by one CAS, given back by a store. */
#include "capture/exec_tell.h"

#include "capture/cpu/x86_64/syscall.h"
#include "capture/process.h"

static struct wire_exec *tell_claim(void)
{
    for (uint32_t i = 0; i < WIRE_EXECS; i++) {
        struct wire_exec *entry = wire_exec_at(process.segment, i);
        uint32_t expected = WIRE_EXEC_FREE;
        if (atomic_load_explicit(&entry->state, memory_order_relaxed) == expected &&
            atomic_compare_exchange_strong(&entry->state, &expected, WIRE_EXEC_CLAIMED))
            return entry;
    }
    return NULL;
}

struct wire_exec *exec_tell(const char *path, const struct exec_fit *fit, bool spawning)
{
    struct wire_exec *entry = tell_claim();
    if (!entry) {
        if (fit->why != WIRE_FITS)
            atomic_fetch_add_explicit(&process.segment->unnamed_exec_n, 1, memory_order_relaxed);
        return NULL;
    }
    entry->pid = (uint32_t)syscall_3(SYS_getpid, 0, 0, 0);
    entry->slot = process.slot_index;
    entry->why = fit->why;
    entry->stamp = process_stamp();
    entry->device = fit->device;
    entry->inode = fit->inode;
    const char *name = wire_base_name(path ? path : "");
    for (size_t at = 0; at < sizeof entry->name; at++) {
        entry->name[at] = *name;
        name += *name != 0;
    }
    /* Release: pairs with the collector's acquire; it finds the entry filled in. */
    atomic_store_explicit(&entry->state, spawning ? WIRE_EXEC_SPAWNING : WIRE_EXEC_BEGUN,
                          memory_order_release);
    return entry;
}

void exec_tell_failed(struct wire_exec *entry)
{
    if (entry)
        atomic_store_explicit(&entry->state, WIRE_EXEC_FREE, memory_order_release);
}

void exec_tell_spawned(struct wire_exec *entry, int error, pid_t child)
{
    if (!entry)
        return;
    if (!error)
        entry->pid = (uint32_t)child;
    /* Release: pairs with the collector's acquire; it finds the child's pid. */
    atomic_store_explicit(&entry->state, error ? WIRE_EXEC_FREE : WIRE_EXEC_BEGUN,
                          memory_order_release);
}
