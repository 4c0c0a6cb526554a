/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding and patching task tables.
 *
 * Tables are constants with addresses in them: in position-independent modules they lie in the part
 * that the loader relocates and then makes read-only (RELRO), in others in read-only segments. Both
 * are scanned as they are in memory, so that no relocation format needs to be known. Only words
 * that point into the module's own code begin a candidate. The memory is made writable for the time
 * of the stores: one call before, one after, for each module that has tables.
 */
#include "capture/task_table.h"

#include <link.h>
#include <stddef.h>
#include <sys/mman.h>

#include "capture/cpu/x86_64/cpu.h"
#include "capture/cpu/x86_64/syscall.h"
#include "capture/emit.h"
#include "capture/lane.h"
#include "capture/module_elf.h"
#include "capture/next.h"
#include "capture/pool.h"
#include "capture/task.h"

enum {
    TASK_THUNK_BYTES = 16,
    TASK_MODULES_MAX = 4096,
    TASK_COPIES_MAX = 32,
    TASK_RANGES = 8,
    TASK_SCANNED = 512,
    TASK_TABLE_CODE = 7 /* a table of any rule: seven functions, and then a word that is none */
};

/* Of read-only constants that are looked through in programs that nobody said to have tasks: that
 * brings them into memory. */
enum { TASK_FIXED_BYTES = 4 << 20 };

struct task_range {
    uintptr_t start, end;
    bool sealed; /* read-only now: the stores need it opened */
};

struct task_scan {
    uint32_t code_n, readable_n, data_n;
    struct task_range code[TASK_RANGES], readable[TASK_RANGES], data[TASK_RANGES];
    uint8_t copy;
};

extern const char task_thunks[];

struct task_slot task_slots[TASK_SLOTS];
struct task_type task_types[WIRE_TYPES_MAX];

static struct {
    _Atomic uint32_t type_n; /* besides those below TASK_TYPE_FIRST */
    uint32_t slot_n, copy_n;
    uint32_t scanned_n;
    struct {
        uintptr_t start;
        uint32_t generation; /* of the module set; 0 = there since the start, never unloaded */
    } scanned[TASK_SCANNED];
    uintptr_t asyncio;        /* the function that makes _asyncio, which tells whose it is */
    _Atomic uintptr_t handle; /* the last module whose symbols were looked up */
    _Atomic uint32_t busy;    /* one patches at a time; others do without */
    _Atomic(uint8_t *) told;  /* by type, in memory that a fork wipes: announced in this process */
} task_table;

static const char task_asyncio_start[] = "PyInit__asyncio";

static const struct task_rule *const task_rules[] = {&task_rule_tokio, &task_rule_async_task};

static bool task_range_holds(const struct task_range *ranges, uint32_t n, uintptr_t at,
                             uint64_t bytes)
{
    for (uint32_t i = 0; i < n; i++) {
        if (at >= ranges[i].start && at < ranges[i].end && bytes <= ranges[i].end - at)
            return true;
    }
    return false;
}

bool task_scan_is_code(const struct task_scan *scan, uintptr_t address)
{
    return task_range_holds(scan->code, scan->code_n, address, 1);
}

bool task_scan_is_readable(const struct task_scan *scan, uintptr_t address, uint64_t bytes)
{
    return task_range_holds(scan->readable, scan->readable_n, address, bytes);
}

static void task_range_add(struct task_range *ranges, uint32_t *n, uintptr_t start, uint64_t bytes,
                           bool sealed)
{
    if (*n < TASK_RANGES && bytes)
        ranges[(*n)++] = (struct task_range){start, start + bytes, sealed};
}

/* The loader seals whole pages of it; what lies on the last, broken one stays writable. */
static void task_scan_relro(struct task_scan *scan, uintptr_t start, uint64_t bytes)
{
    uintptr_t end = start + bytes, sealed = end & ~(uintptr_t)(CPU_PAGE_BYTES - 1);
    if (sealed > start)
        task_range_add(scan->data, &scan->data_n, start, sealed - start, true);
    else
        sealed = start;
    task_range_add(scan->data, &scan->data_n, sealed, end - sealed, false);
}

static void task_scan_load(struct task_scan *scan, const Elf64_Phdr *segment, uintptr_t start,
                           bool fixed)
{
    task_range_add(scan->readable, &scan->readable_n, start, segment->p_filesz, false);
    if (segment->p_flags & PF_X)
        task_range_add(scan->code, &scan->code_n, start, segment->p_filesz, false);
    bool asked = process.segment->config.track_tasks == 1 ||
                 process.segment->config.strategy == WIRE_ASYNC;
    if (fixed && segment->p_flags == PF_R && (asked || segment->p_filesz <= TASK_FIXED_BYTES))
        task_range_add(scan->data, &scan->data_n, start, segment->p_filesz, true);
}

/* What of the module is code, may be read, and may hold tables. */
static void task_scan_init(struct task_scan *scan, const Elf64_Phdr *headers, uint32_t count,
                           uintptr_t bias, bool fixed)
{
    bool has_relro = false;
    for (uint32_t i = 0; i < count; i++) {
        const Elf64_Phdr *segment = &headers[i];
        uintptr_t start = bias + segment->p_vaddr;
        if (segment->p_type == PT_GNU_RELRO) {
            task_scan_relro(scan, start, segment->p_memsz);
            has_relro = true;
        } else if (segment->p_type == PT_LOAD && segment->p_flags & PF_R) {
            task_scan_load(scan, segment, start, fixed);
        }
    }
    for (uint32_t i = 0; i < count && !has_relro; i++) {
        if (headers[i].p_type == PT_LOAD && headers[i].p_flags == (PF_R | PF_W))
            task_range_add(scan->data, &scan->data_n, bias + headers[i].p_vaddr,
                           headers[i].p_filesz, false);
    }
}

static bool task_rule_fits(const struct task_rule *rule, const struct task_scan *scan,
                           const uintptr_t *table)
{
    for (uint32_t i = 0; i < rule->words; i++) {
        if (rule->code_words >> i & 1 && !task_scan_is_code(scan, table[i]))
            return false;
    }
    return rule->fits(scan, table);
}

static const struct task_rule *task_rule_of(const struct task_scan *scan, const uintptr_t *table,
                                            uint64_t words)
{
    for (size_t i = 0; i < sizeof task_rules / sizeof *task_rules; i++) {
        if (words >= task_rules[i]->words && task_rule_fits(task_rules[i], scan, table))
            return task_rules[i];
    }
    return NULL;
}

static uint16_t task_type_add(const struct task_rule *rule)
{
    uint32_t first = TASK_TYPE_FIRST;
    uint32_t number = atomic_fetch_add(&task_table.type_n, 1) + first;
    if (number >= WIRE_TYPES_MAX) {
        atomic_fetch_sub(&task_table.type_n, 1);
        return TASK_TYPE_NONE;
    }
    task_types[number].rule = rule;
    return (uint16_t)number;
}

uint16_t task_scan_add_type(struct task_scan *scan, const struct task_rule *rule, uintptr_t table)
{
    if (!scan->copy && task_table.copy_n < TASK_COPIES_MAX)
        scan->copy = (uint8_t)++task_table.copy_n;
    uint16_t number = scan->copy ? task_type_add(rule) : TASK_TYPE_NONE;
    if (number == TASK_TYPE_NONE)
        return number;
    task_types[number].table = table;
    task_types[number].copy = scan->copy;
    return number;
}

uint32_t task_type_add_coroutine(uintptr_t start)
{
    static const struct task_rule rule = {
            .runtime = "c++20", .number = WIRE_RULE_COROUTINE, .id_offset_word = TASK_NO_ID};
    uint16_t number = task_type_add(&rule);
    if (number != TASK_TYPE_NONE)
        task_types[number].entry = start;
    return number;
}

static bool task_range_protect(const struct task_range *range, int protection)
{
    uintptr_t from = range->start & ~(uintptr_t)(CPU_PAGE_BYTES - 1);
    return !range->sealed ||
           syscall_3(SYS_mprotect, (long)from, (long)(range->end - from), protection) == 0;
}

static const struct task_range *task_scan_range(const struct task_scan *scan, uintptr_t at)
{
    for (uint32_t i = 0; i < scan->data_n; i++) {
        if (at >= scan->data[i].start && at < scan->data[i].end)
            return &scan->data[i];
    }
    return NULL;
}

bool task_scan_patch(struct task_scan *scan, uintptr_t *word, uint16_t type, uint8_t kind)
{
    const struct task_range *range = task_scan_range(scan, (uintptr_t)word);
    if (!range || !type || task_table.slot_n == TASK_SLOTS)
        return false;
    uint32_t number = task_table.slot_n++;
    task_slots[number] = (struct task_slot){*word, word, type, kind, range->sealed};
    /* Release: whoever reads the thunk's address finds its slot filled. */
    __atomic_store_n(word, (uintptr_t)task_thunks + (uintptr_t)number * TASK_THUNK_BYTES,
                     __ATOMIC_RELEASE);
    return true;
}

static void task_table_patch(const struct task_rule *rule, struct task_scan *scan, uintptr_t *table)
{
    if (task_table.slot_n + rule->words > TASK_SLOTS)
        return;
    uint16_t type = task_scan_add_type(scan, rule, (uintptr_t)table);
    if (!type)
        return;
    task_types[type].entry = table[rule->poll_word];
    if (rule->id_offset_word != TASK_NO_ID)
        task_types[type].id_offset = (uint32_t)table[rule->id_offset_word];
    for (uint32_t i = 0; i < rule->words; i++) {
        if (rule->enter_words >> i & 1)
            task_scan_patch(scan, &table[i], type,
                            i == rule->poll_word ? TASK_SLOT_POLL : TASK_SLOT_DROP);
    }
}

/* Bounds of all code; between its parts only the ranges themselves tell. */
struct task_code {
    uintptr_t start, bytes;
};

static inline bool task_word_is_code(const struct task_scan *scan, const struct task_code *code,
                                     uintptr_t word)
{
    return word - code->start < code->bytes && (scan->code_n == 1 || task_scan_is_code(scan, word));
}

/*
 * The next word that is no function and has seven before it, all of them functions; NULL: none.
 * `before` is no function, or the word before the range. Looks at the last word of the seven first:
 * where that is none, the search goes on behind it.
 */
static uintptr_t *task_range_next(const struct task_scan *scan, const struct task_code *code,
                                  uintptr_t *before, const uintptr_t *end)
{
    while (end - before > TASK_TABLE_CODE + 1) {
        uintptr_t *at = before + TASK_TABLE_CODE;
        while (at > before && task_word_is_code(scan, code, *at))
            at--;
        if (at > before) {
            before = at;
            continue;
        }
        for (at = before + TASK_TABLE_CODE + 1; at < end; at++) {
            if (!task_word_is_code(scan, code, *at))
                return at;
        }
        return NULL;
    }
    return NULL;
}

static void task_range_scan(struct task_scan *scan, const struct task_range *range)
{
    bool open = false;
    struct task_code code = {.start = scan->code[0].start};
    uintptr_t code_end = scan->code[0].end;
    for (uint32_t i = 1; i < scan->code_n; i++) {
        code.start = scan->code[i].start < code.start ? scan->code[i].start : code.start;
        code_end = scan->code[i].end > code_end ? scan->code[i].end : code_end;
    }
    code.bytes = code_end - code.start;
    uintptr_t *at = (uintptr_t *)((range->start + 7) & ~(uintptr_t)7) - 1;
    const uintptr_t *end = (const uintptr_t *)(range->end & ~(uintptr_t)7);
    while ((at = task_range_next(scan, &code, at, end)) != NULL) {
        uintptr_t *table = at - TASK_TABLE_CODE;
        const struct task_rule *rule = task_rule_of(scan, table, (uint64_t)(end - table));
        if (!rule)
            continue;
        if (!open && !task_range_protect(range, PROT_READ | PROT_WRITE))
            return;
        open = true;
        task_table_patch(rule, scan, table);
    }
    if (open)
        task_range_protect(range, PROT_READ);
}

/* What the loader does not seal of a segment that may be written, besides what is scanned anyway.
 */
static void task_scan_open(struct task_scan *scan, const Elf64_Phdr *headers, uint32_t count,
                           uintptr_t bias)
{
    for (uint32_t i = 0; i < count; i++) {
        uintptr_t start = bias + headers[i].p_vaddr, end = start + headers[i].p_filesz;
        if (headers[i].p_type != PT_LOAD || headers[i].p_flags != (PF_R | PF_W))
            continue;
        for (uint32_t k = 0; k < scan->data_n; k++) {
            if (scan->data[k].end > start && scan->data[k].start <= start)
                start = scan->data[k].end;
        }
        if (start < end)
            task_range_add(scan->data, &scan->data_n, start, end - start, false);
    }
}

/* Of a module that has _asyncio, which is told when nothing of it was found. */
static void task_scan_asyncio(struct task_scan *scan)
{
    for (uint32_t i = 0; i < scan->data_n; i++)
        task_range_protect(&scan->data[i], PROT_READ | PROT_WRITE);
    uint16_t type = 0;
    for (uint32_t i = 0; i < scan->data_n; i++)
        asyncio_scan(scan, (uintptr_t *)((scan->data[i].start + 7) & ~(uintptr_t)7),
                     (const uintptr_t *)(scan->data[i].end & ~(uintptr_t)7), &type);
    for (uint32_t i = 0; i < scan->data_n; i++)
        task_range_protect(&scan->data[i], PROT_READ);
    if (!type && (type = task_scan_add_type(scan, &task_rule_asyncio, 0)) != 0)
        task_type_refuse(&task_types[type]);
}

static void task_scan_run(const Elf64_Phdr *headers, uint32_t count, uintptr_t bias, bool fixed)
{
    struct task_scan scan = {0};
    task_scan_init(&scan, headers, count, bias, fixed);
    for (uint32_t i = 0; scan.code_n && i < scan.data_n; i++)
        task_range_scan(&scan, &scan.data[i]);
    if (!task_table.asyncio || !task_scan_is_code(&scan, task_table.asyncio))
        return;
    scan = (struct task_scan){0};
    task_scan_init(&scan, headers, count, bias, false);
    task_scan_open(&scan, headers, count, bias);
    task_scan_asyncio(&scan);
}

/* The executable's headers tell whether it lies where it was linked to. */
static bool task_is_fixed(const Elf64_Phdr *headers, uintptr_t bias)
{
    return bias == 0 && headers != NULL;
}

static void task_patch_executable(uintptr_t bias)
{
    if (process.exe_headers)
        task_scan_run(process.exe_headers, process.exe_header_n, bias,
                      task_is_fixed(process.exe_headers, bias));
}

static bool task_is_scanned(uintptr_t start)
{
    for (uint32_t i = 0; i < task_table.scanned_n; i++) {
        if (task_table.scanned[i].start == start)
            return true;
    }
    return false;
}

/* Whether the module was scanned already; notes that it is now. */
static bool task_scanned(uintptr_t start, uint32_t generation)
{
    for (uint32_t i = 0; i < task_table.scanned_n; i++) {
        if (task_table.scanned[i].start != start)
            continue;
        bool known = task_table.scanned[i].generation == 0 ||
                     task_table.scanned[i].generation == generation;
        task_table.scanned[i].generation = known ? task_table.scanned[i].generation : generation;
        return known;
    }
    if (task_table.scanned_n == TASK_SCANNED)
        return true;
    task_table.scanned[task_table.scanned_n].start = start;
    task_table.scanned[task_table.scanned_n++].generation = generation;
    return false;
}

void task_tables_patch_module(uintptr_t start, uint32_t generation)
{
    struct module_headers headers;
    uint32_t idle = 0;
    if (!process.tracks_tasks || !task_table.scanned_n ||
        atomic_load_explicit(&process.quiet, memory_order_relaxed) ||
        !atomic_compare_exchange_strong(&task_table.busy, &idle, 1))
        return;
    if (!task_scanned(start, generation) && module_headers_read(start, &headers))
        task_scan_run(headers.at, headers.count, headers.bias, false);
    atomic_store(&task_table.busy, 0);
}

void task_tables_patch_handle(const void *handle)
{
    const struct link_map *map = handle;
    struct module_headers headers;
    uint32_t idle = 0;
    /* Not RTLD_DEFAULT and RTLD_NEXT; the executable has been looked at. */
    if (!process.tracks_tasks || !map || handle == (const void *)-1 || !map->l_addr ||
        !task_table.scanned_n || !map->l_name ||
        atomic_load_explicit(&task_table.handle, memory_order_relaxed) == map->l_addr ||
        atomic_load_explicit(&process.quiet, memory_order_relaxed) ||
        !atomic_compare_exchange_strong(&task_table.busy, &idle, 1))
        return;
    atomic_store_explicit(&task_table.handle, map->l_addr, memory_order_relaxed);
    if (!task_is_scanned(map->l_addr) && module_headers_read(map->l_addr, &headers)) {
        task_scanned(map->l_addr, 0);
        task_table.asyncio = (uintptr_t)next_symbol_of(map, task_asyncio_start);
        task_scan_run(headers.at, headers.count, headers.bias, false);
    }
    atomic_store(&task_table.busy, 0);
}

/* Stores are of whole words, which threads may read meanwhile. */
void task_type_refuse(struct task_type *type)
{
    uint8_t state = TASK_TYPE_UNVERIFIED;
    uint64_t cell = (uint64_t)(type - task_types) << WIRE_CELL_BITS;
    if (!atomic_compare_exchange_strong(&type->state, &state, TASK_TYPE_REFUSED))
        return;
    for (uint32_t i = 0; i < task_table.slot_n; i++) {
        struct task_slot *slot = &task_slots[i];
        struct task_range range = {(uintptr_t)slot->word, (uintptr_t)(slot->word + 1),
                                   slot->sealed};
        if (slot->type != type - task_types || !slot->word ||
            (slot->sealed && atomic_load_explicit(&process.quiet, memory_order_relaxed)) ||
            !task_range_protect(&range, PROT_READ | PROT_WRITE))
            continue;
        __atomic_store_n(slot->word, slot->original, __ATOMIC_RELEASE);
        task_range_protect(&range, PROT_READ);
    }
    if (emit_wanted())
        emit_task_refused(cell);
}

void task_tables_patch(void)
{
    const struct r_debug *debug = &_r_debug;
    uint32_t idle = 0;
    if (!process.segment || process.passing || !process.tracks_tasks ||
        !atomic_compare_exchange_strong(&task_table.busy, &idle, 1))
        return;
    task_table.asyncio = (uintptr_t)next_symbol(task_asyncio_start);
    const struct link_map *map = debug->r_map;
    for (int i = 0; map && i < TASK_MODULES_MAX; i++, map = map->l_next) {
        struct module_headers headers;
        task_scanned(map->l_addr, 0);
        if (i == 0)
            task_patch_executable(map->l_addr);
        else if (map->l_addr && module_headers_read(map->l_addr, &headers))
            task_scan_run(headers.at, headers.count, headers.bias, false);
    }
    atomic_store(&task_table.busy, 0);
}

bool task_type_is_new(uint64_t cell)
{
    uint8_t *told = atomic_load_explicit(&task_table.told, memory_order_acquire);
    if (!told) {
        uint8_t *fresh = pool_take(WIRE_TYPES_MAX);
        if (!fresh)
            return true;
        if (atomic_compare_exchange_strong(&task_table.told, &told, fresh))
            told = fresh;
    }
    uint64_t type = cell >> WIRE_CELL_BITS;
    return type < WIRE_TYPES_MAX && !__atomic_load_n(&told[type], __ATOMIC_ACQUIRE);
}

void task_type_told(uint64_t cell)
{
    uint8_t *told = atomic_load_explicit(&task_table.told, memory_order_acquire);
    /* Release: whoever sees it finds the record committed, with a lower stamp than its own next. */
    if (told && cell >> WIRE_CELL_BITS < WIRE_TYPES_MAX)
        __atomic_store_n(&told[cell >> WIRE_CELL_BITS], 1, __ATOMIC_RELEASE);
}

bool task_type_is_refused(uint64_t cell)
{
    uint64_t type = cell >> WIRE_CELL_BITS;
    return type < WIRE_TYPES_MAX &&
           atomic_load_explicit(&task_types[type].state, memory_order_relaxed) == TASK_TYPE_REFUSED;
}

bool task_type_get(uint64_t cell, uint64_t *ret_table, uint64_t *ret_entry, uint64_t *ret_rule)
{
    uint64_t type = cell >> WIRE_CELL_BITS;
    if (type == TASK_TYPE_EXPLICIT) {
        *ret_table = *ret_entry = 0;
        *ret_rule = WIRE_RULE_EXPLICIT;
        return true;
    }
    if (type == TASK_TYPE_NONE || type >= WIRE_TYPES_MAX || !task_types[type].rule)
        return false;
    *ret_table = task_types[type].table;
    *ret_entry = task_types[type].entry;
    *ret_rule = task_types[type].rule->number;
    return true;
}
