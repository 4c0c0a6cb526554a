/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which module covers a code address, and where its unwind tables lie.
 *
 * _dl_find_object answers without a lock; what it does not tell (the readable segments, the
 * build-id) is read from the program headers once per module and generation and kept in a table
 * of slots. A slot is guarded by a version number: odd while it is written, so that a reader
 * whose copy straddled a write notices. Nobody ever waits for a writer: a slot that cannot be
 * read or written just now is done without, at the cost of parsing the headers again. What must
 * hold: a module's record is in the log before any rule of a pc in it reaches the shared cache,
 * since a thread that hits the cache writes stacks without coming here.
 */
#include "capture/module.h"
#include <stddef.h>

#include "capture/cpu/x86_64/cpu.h"
#include "capture/module_elf.h"
#include "capture/module_list.h"
#include "capture/pool.h"
#include "capture/stack_log.h"
#include "capture/unwind_range.h"

enum { SLOTS_PER_PAGE = 16, PAGES_MAX = 64, SLOTS_MAX = SLOTS_PER_PAGE * PAGES_MAX };
enum { INDEX_BITS = 11, INDEX_SIZE = 1 << INDEX_BITS, PROBES_MAX = 64 };

/* The module's fields are words copied one by one between two looks at `version`. */
struct module_slot {
    _Atomic uint32_t version;
    _Atomic uint32_t generation; /* of the copy inside; 0 = none yet */
    uintptr_t start;             /* the key; never changes once the slot is in the index */
    uintptr_t end;               /* the object that it was made from: end, identity */
    const struct link_map *map;
    struct module module;
};

static struct {
    struct module_config config;
    _Atomic uint32_t slots_used;
    _Atomic(struct module_slot *) pages[PAGES_MAX];
    _Atomic uint16_t index[INDEX_SIZE]; /* slot number + 1 */
} modules;

_Atomic uint32_t module_generation_now = 1;

void module_config_set(const struct module_config *config)
{
    modules.config = *config;
}

void module_generation_bump(void)
{
    atomic_fetch_add_explicit(&module_generation_now, 1, memory_order_relaxed);
}

const struct module_range *module_range_of(const struct module *module, uintptr_t at,
                                           uint64_t bytes)
{
    for (uint32_t i = 0; i < module->ranges_count; i++) {
        const struct module_range *range = &module->ranges[i];
        if (at >= range->start && at < range->end && bytes <= range->end - at)
            return range;
    }
    return NULL;
}

static bool object_find(uintptr_t address, struct module_object *ret_object)
{
    if (modules.config.find_object == NULL)
        return module_list_find(&modules.config, address, ret_object);
    /* An executable whose segments are apart is known to libc by one of them only. */
    return modules.config.find_object((void *)address, ret_object) == 0 ||
           module_exe_find(&modules.config, address, ret_object);
}

static struct module_slot *slot_at(uint32_t number)
{
    /* Acquire: pairs with the release that put the page there. */
    struct module_slot *page =
            atomic_load_explicit(&modules.pages[number / SLOTS_PER_PAGE], memory_order_acquire);
    return page == NULL ? NULL : page + number % SLOTS_PER_PAGE;
}

static struct module_slot *slot_take(uint32_t *ret_number)
{
    uint32_t number = atomic_load_explicit(&modules.slots_used, memory_order_relaxed);
    do {
        if (number >= SLOTS_MAX)
            return NULL;
    } while (!atomic_compare_exchange_weak_explicit(&modules.slots_used, &number, number + 1,
                                                    memory_order_relaxed, memory_order_relaxed));
    if (slot_at(number) == NULL) {
        struct module_slot *page = pool_take(SLOTS_PER_PAGE * sizeof(struct module_slot));
        struct module_slot *none = NULL;
        if (page == NULL)
            return NULL;
        /* Release: pairs with the acquire in slot_at. */
        atomic_compare_exchange_strong_explicit(&modules.pages[number / SLOTS_PER_PAGE], &none,
                                                page, memory_order_release, memory_order_relaxed);
    }
    *ret_number = number;
    return slot_at(number);
}

/* The slot whose key is `start`, made when there is none; NULL when the table is full. */
static struct module_slot *slot_for(uintptr_t start)
{
    uint32_t at = (uint32_t)((start >> 12) * 0x9e3779b97f4a7c15ull >> (64 - INDEX_BITS));
    for (int probe = 0; probe < PROBES_MAX; probe++, at = (at + 1) % INDEX_SIZE) {
        /* Acquire: pairs with the release below, so the key is seen. */
        uint16_t entry = atomic_load_explicit(&modules.index[at], memory_order_acquire);
        if (entry == 0) {
            uint32_t number;
            struct module_slot *slot = slot_take(&number);
            if (slot == NULL)
                return NULL;
            slot->start = start;
            if (atomic_compare_exchange_strong_explicit(&modules.index[at], &entry,
                                                        (uint16_t)(number + 1),
                                                        memory_order_acq_rel, memory_order_acquire))
                return slot;
        }
        struct module_slot *slot = slot_at(entry - 1u);
        if (slot != NULL && slot->start == start)
            return slot;
    }
    return NULL;
}

/* Writes to *ret_module in any case: there is no room for a second copy on the stack. */
static bool slot_read(struct module_slot *slot, const struct module_object *object,
                      struct module *ret_module)
{
    /* Acquire: pairs with the release that ends slot_write. */
    uint32_t version = atomic_load_explicit(&slot->version, memory_order_acquire);
    if (version % 2 != 0 ||
        atomic_load_explicit(&slot->generation, memory_order_relaxed) != module_generation())
        return false;
    *ret_module = slot->module;
    const struct link_map *map = slot->map;
    uintptr_t end = slot->end;
    atomic_thread_fence(memory_order_acquire);
    if (atomic_load_explicit(&slot->version, memory_order_relaxed) != version ||
        map != object->link_map || end != (uintptr_t)object->map_end)
        return false;
    return true;
}

static void slot_write(struct module_slot *slot, const struct module_object *object,
                       const struct module *module, uint32_t generation)
{
    uint32_t version = atomic_load_explicit(&slot->version, memory_order_relaxed);
    if (version % 2 != 0 ||
        !atomic_compare_exchange_strong_explicit(&slot->version, &version, version + 1,
                                                 memory_order_relaxed, memory_order_relaxed))
        return;
    atomic_thread_fence(memory_order_release);
    slot->module = *module;
    slot->map = object->link_map;
    slot->end = (uintptr_t)object->map_end;
    atomic_store_explicit(&slot->generation, generation, memory_order_relaxed);
    /* Release: pairs with the acquire in slot_read. */
    atomic_store_explicit(&slot->version, version + 2, memory_order_release);
}

/*
 * The headers of the module that the object is, or is a segment of. The executable's come from
 * the kernel. Others begin at the object's start; where that is a segment in the middle, at the
 * module's base, if that is mapped at all. Else the linker knows.
 */
static bool headers_find(const struct module_object *object, struct module_headers *ret_headers)
{
    uintptr_t at = (uintptr_t)object->map_start;
    struct module_range extent;
    if (module_headers_of_exe(&modules.config, ret_headers) &&
        module_headers_extent(ret_headers, &extent) && at >= extent.start && at < extent.end)
        return true;
    if (module_headers_read(at, ret_headers))
        return true;
    uintptr_t base = object->link_map != NULL ? object->link_map->l_addr : 0;
    if (base != 0 && base < at && base % CPU_PAGE_BYTES == 0 && unwind_range_readable(base) &&
        module_headers_read(base, ret_headers))
        return true;
    return module_headers_of_map(&modules.config, object->link_map, at, (uintptr_t)object->map_end,
                                 ret_headers);
}

/* Reads the module's headers and writes its record to the log. */
static void module_parse(const struct module_object *object, uint32_t generation,
                         struct module *ret_module)
{
    struct module_headers headers;
    struct module_range extent;
    const uint8_t *build_id = NULL;
    uint32_t build_id_size = 0;
    ret_module->start = (uintptr_t)object->map_start;
    ret_module->end = (uintptr_t)object->map_end;
    ret_module->frame_hdr = 0;
    ret_module->ranges_count = 0;
    if (headers_find(object, &headers) && module_headers_extent(&headers, &extent) &&
        extent.start <= ret_module->start && extent.end + CPU_PAGE_BYTES > ret_module->end) {
        ret_module->start = extent.start;
        ret_module->end = extent.end > ret_module->end ? extent.end : ret_module->end;
        module_segments_read(&headers, ret_module);
        build_id_size = module_build_id(&headers, ret_module, &build_id);
    }
    const char *name = object->link_map != NULL ? object->link_map->l_name : NULL;
    bool is_exe = name == NULL || name[0] == 0;
    if (is_exe)
        name = modules.config.exe_name;
    module_log_append(ret_module->start, ret_module->end, build_id, build_id_size,
                      name != NULL ? name : "",
                      is_exe ? generation | WIRE_MODULE_EXE : generation & ~WIRE_MODULE_EXE);
}

bool module_find(uintptr_t address, struct module *ret_module)
{
    struct module_object object;
    if (!object_find(address, &object))
        return false;
    struct module_slot *slot = slot_for((uintptr_t)object.map_start);
    if (slot != NULL && slot_read(slot, &object, ret_module))
        return true;
    uint32_t generation = module_generation();
    module_parse(&object, generation, ret_module);
    if (slot != NULL)
        slot_write(slot, &object, ret_module, generation);
    return true;
}

bool module_known_unchanged(void)
{
    uint32_t used = atomic_load_explicit(&modules.slots_used, memory_order_relaxed);
    uint32_t generation = module_generation();
    for (uint32_t i = 0; i < used; i++) {
        struct module_slot *slot = slot_at(i);
        struct module_object object;
        if (slot == NULL ||
            atomic_load_explicit(&slot->generation, memory_order_relaxed) != generation)
            continue;
        if (!object_find(slot->start, &object) || object.link_map != slot->map ||
            (uintptr_t)object.map_start != slot->start)
            return false;
    }
    return true;
}

void module_announce_all(void)
{
    uint32_t used = atomic_load_explicit(&modules.slots_used, memory_order_relaxed);
    uint32_t generation = module_generation();
    const struct module_slot *first = slot_at(0);
    if (first != NULL && first->start == 0) {
        /* The pool's pages came up empty in the child. */
        atomic_store_explicit(&modules.slots_used, 0, memory_order_relaxed);
        for (uint32_t i = 0; i < INDEX_SIZE; i++)
            atomic_store_explicit(&modules.index[i], 0, memory_order_relaxed);
        return;
    }
    for (uint32_t i = 0; i < used; i++) {
        struct module_slot *slot = slot_at(i);
        struct module_object object;
        struct module module;
        if (slot == NULL || slot->start == 0)
            continue;
        /* A thread that the child does not have may have been writing. */
        uint32_t version = atomic_load_explicit(&slot->version, memory_order_relaxed);
        atomic_store_explicit(&slot->version, (version + 1) & ~1u, memory_order_relaxed);
        atomic_store_explicit(&slot->generation, 0, memory_order_relaxed);
        if (!object_find(slot->start, &object) || (uintptr_t)object.map_start != slot->start)
            continue;
        module_parse(&object, generation, &module);
        slot_write(slot, &object, &module, generation);
    }
}
