/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A search over bytes, not a disassembler: calls and address computations are found by their
 * encodings, and count only if what they lead to is a function, or a source position, by all that
 * can be checked. The file is hostile: every address is looked up in what was read of it.
 */
#include "collect/task_code.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/vec.h"
#include "launch/detect_elf.h"

enum {
    CODE_DEPTH_MAX = 3,
    CODE_FUNCTIONS_MAX = 256, /* looked at for one task */
    CODE_NAMES_MAX = 4,
    CODE_PATH_MAX = 512,
    CODE_STARTS_MAX = 4 << 20,
    CODE_FUNCTION_BYTES_MAX = 1 << 20,
    CODE_PANICS_MAX = 64,
    CODE_LINE_MAX = 1 << 24,
};

/* A section with its address. */
struct code_part {
    uint64_t address;
    char *bytes;
    size_t n;
};

struct task_code {
    struct code_part text, rodata;
    struct code_part relro; /* relocated */
    VEC(uint32_t) starts;   /* of functions, from .text, ascending */
    uint64_t panic_text[4]; /* where the panic's text lies, and what points to it */
    uint32_t panic_text_n;
    struct map is_panic; /* function start -> 1 = it is the panic, 0 = it is not */
};

struct code_visit {
    uint64_t start;
    uint32_t depth;
};

/* One task's search. */
struct code_search {
    struct task_code *code;
    struct code_visit queue[CODE_FUNCTIONS_MAX];
    uint32_t queue_n;
    uint64_t found[CODE_NAMES_MAX]; /* addresses of positions */
    uint32_t found_n, found_depth;
};

static const char *code_at(const struct code_part *part, uint64_t address, uint64_t n)
{
    uint64_t at = address - part->address;
    return address >= part->address && at <= part->n && n <= part->n - at ? part->bytes + at : NULL;
}

static uint64_t code_word(const struct task_code *code, uint64_t address)
{
    uint64_t word = 0;
    const char *at = code_at(&code->relro, address, sizeof word);
    if (at)
        memcpy(&word, at, sizeof word);
    return word;
}

static uint64_t code_relative(const char *at, uint64_t next)
{
    int32_t offset;
    memcpy(&offset, at, sizeof offset);
    return next + (uint64_t)(int64_t)offset;
}

static bool code_section(const struct detect_elf *elf, const char *name, struct code_part *part)
{
    for (uint32_t i = 0; i < elf->section_n; i++) {
        if (elf->sections[i].sh_name < elf->section_names_n &&
            strcmp(elf->section_names + elf->sections[i].sh_name, name) == 0)
            part->address = elf->sections[i].sh_addr;
    }
    part->bytes = detect_elf_section(elf, name, &part->n);
    return part->bytes != NULL;
}

static int code_compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* The search table of .eh_frame_hdr has the start of every function. */
static void code_read_starts(struct task_code *code, const struct detect_elf *elf)
{
    enum { HEADER = 12, ENTRY = 8, UDATA4 = 0x03, DATAREL_SDATA4 = 0x3b };
    struct code_part table = {0};
    uint32_t count;
    if (!code_section(elf, ".eh_frame_hdr", &table))
        return;
    if (table.n >= HEADER && table.bytes[2] == UDATA4 && table.bytes[3] == DATAREL_SDATA4) {
        memcpy(&count, table.bytes + 8, sizeof count);
        for (size_t i = 0; i < count && HEADER + (i + 1) * ENTRY <= table.n; i++) {
            uint64_t start = code_relative(table.bytes + HEADER + i * ENTRY, table.address) -
                             code->text.address;
            if (start < code->text.n && !VEC_PUSH(&code->starts, CODE_STARTS_MAX, (uint32_t)start))
                break;
        }
    }
    free(table.bytes);
    if (code->starts.n)
        qsort(code->starts.at, code->starts.n, sizeof *code->starts.at, code_compare);
}

/* The text of the panic, and the constants that point to it. */
static void code_find_panic(struct task_code *code)
{
    static const char text[] = "`async fn` resumed after completion";
    enum { MOST = sizeof code->panic_text / sizeof *code->panic_text };
    const char *at = code->rodata.bytes, *end = at + code->rodata.n;
    while (at && at < end && code->panic_text_n < MOST / 2 &&
           (at = memmem(at, (size_t)(end - at), text, sizeof text - 1)) != NULL) {
        code->panic_text[code->panic_text_n++] =
                code->rodata.address + (uint64_t)(at - code->rodata.bytes);
        at += sizeof text - 1;
    }
    uint32_t text_n = code->panic_text_n;
    for (size_t i = 0; i + 8 <= code->relro.n && code->panic_text_n < MOST; i += 8) {
        uint64_t word = code_word(code, code->relro.address + i);
        for (uint32_t k = 0; k < text_n && code->panic_text_n < MOST; k++) {
            if (word == code->panic_text[k])
                code->panic_text[code->panic_text_n++] = code->relro.address + i;
        }
    }
}

struct task_code *task_code_open(const char *path)
{
    struct detect_elf elf;
    struct task_code *code = calloc(1, sizeof *code);
    if (!code || detect_elf_open(&elf, path) < 0) {
        free(code);
        return NULL;
    }
    size_t word_n;
    code->relro.bytes = (char *)detect_elf_constants(&elf, &word_n, &code->relro.address);
    code->relro.n = word_n * sizeof(uint64_t);
    if (code_section(&elf, ".rodata", &code->rodata))
        code_find_panic(code);
    if (code_section(&elf, ".text", &code->text))
        code_read_starts(code, &elf);
    detect_elf_done(&elf);
    if (code->starts.n)
        return code;
    task_code_close(code);
    return NULL;
}

void task_code_close(struct task_code *code)
{
    free(code->text.bytes);
    free(code->rodata.bytes);
    free(code->relro.bytes);
    vec_done(&code->starts);
    map_done(&code->is_panic);
    free(code);
}

/* The bytes of the function that begins at start; *ret_n 0: no function begins there. */
static const char *code_function(const struct task_code *code, uint64_t start, size_t *ret_n)
{
    uint64_t from = start - code->text.address;
    size_t low = 0, high = code->starts.n;
    *ret_n = 0;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (code->starts.at[middle] < from)
            low = middle + 1;
        else
            high = middle;
    }
    if (start < code->text.address || low == code->starts.n || code->starts.at[low] != from)
        return NULL;
    while (low < code->starts.n && code->starts.at[low] == from)
        low++;
    uint64_t to = low < code->starts.n ? code->starts.at[low] : code->text.n;
    *ret_n = to - from < CODE_FUNCTION_BYTES_MAX ? to - from : CODE_FUNCTION_BYTES_MAX;
    return code->text.bytes + from;
}

/* The function that the instruction at `at` calls or jumps to; 0: it is no such instruction. */
static uint64_t code_callee(const struct task_code *code, const unsigned char *at, size_t left,
                            uint64_t address)
{
    if (left >= 5 && (at[0] == 0xe8 || at[0] == 0xe9))
        return code_relative((const char *)at + 1, address + 5);
    if (left >= 6 && at[0] == 0x67 && at[1] == 0xe8)
        return code_relative((const char *)at + 2, address + 6);
    if (left >= 6 && at[0] == 0xff && (at[1] == 0x15 || at[1] == 0x25))
        return code_word(code, code_relative((const char *)at + 2, address + 6));
    return 0;
}

/* The address that the instruction computes: lea REG, [rip + n]; 0: it is none. */
static uint64_t code_lea(const unsigned char *at, size_t left, uint64_t address)
{
    if (left < 7 || (at[0] != 0x48 && at[0] != 0x4c) || at[1] != 0x8d || (at[2] & 0xc7) != 5)
        return 0;
    return code_relative((const char *)at + 3, address + 7);
}

/* True for the function that panics with the text. */
static bool code_is_panic(struct task_code *code, uint64_t start)
{
    int64_t known = map_find(&code->is_panic, start);
    if (known != MAP_NONE)
        return known == 1;
    size_t n;
    bool found = false;
    const char *bytes = code_function(code, start, &n);
    if (n > 256)
        n = 256; /* it does nothing but panic */
    for (size_t i = 0; bytes && i < n && !found; i++) {
        uint64_t address = code_lea((const unsigned char *)bytes + i, n - i, start + i);
        for (uint32_t k = 0; address && k < code->panic_text_n; k++)
            found = found || address == code->panic_text[k];
    }
    map_put(&code->is_panic, start, found);
    return found;
}

/* A source position: { path, length, line, column }. */
static const char *code_position(const struct task_code *code, uint64_t address, size_t *ret_n,
                                 uint32_t *ret_line, uint32_t *ret_column)
{
    uint64_t length = code_word(code, address + 8), place = code_word(code, address + 16);
    uint32_t line = (uint32_t)place, column = (uint32_t)(place >> 32);
    if (length < 4 || length > CODE_PATH_MAX || line == 0 || line > CODE_LINE_MAX || column == 0 ||
        column > CODE_LINE_MAX)
        return NULL;
    const char *path = code_at(&code->rodata, code_word(code, address), length);
    if (!path || memcmp(path + length - 3, ".rs", 3) != 0)
        return NULL;
    *ret_n = length;
    *ret_line = line;
    *ret_column = column;
    return path;
}

static void code_note(struct code_search *search, uint64_t position, uint32_t depth)
{
    size_t n;
    uint32_t line, column;
    if (!code_position(search->code, position, &n, &line, &column))
        return;
    for (uint32_t i = 0; i < search->found_n; i++) {
        if (search->found[i] == position)
            return;
    }
    if (search->found_n < CODE_NAMES_MAX)
        search->found[search->found_n++] = position;
    search->found_depth = depth;
}

static void code_visit_add(struct code_search *search, uint64_t start, uint32_t depth)
{
    size_t n;
    if (depth > CODE_DEPTH_MAX || search->queue_n == CODE_FUNCTIONS_MAX ||
        !code_function(search->code, start, &n))
        return;
    for (uint32_t i = 0; i < search->queue_n; i++) {
        if (search->queue[i].start == start)
            return;
    }
    search->queue[search->queue_n++] = (struct code_visit){start, depth};
}

/* Notes the positions that a function hands to the panic; queues what it calls. */
static void code_scan(struct code_search *search, const struct code_visit *visit)
{
    enum { BETWEEN_MOST = 16 }; /* bytes between the position and the call that takes it */
    struct task_code *code = search->code;
    size_t n;
    const unsigned char *bytes = (const unsigned char *)code_function(code, visit->start, &n);
    uint64_t position = 0;
    size_t position_at = 0;
    for (size_t i = 0; bytes && i < n; i++) {
        uint64_t address = code_lea(bytes + i, n - i, visit->start + i);
        if (address && code_at(&code->relro, address, 24)) {
            position = address;
            position_at = i + 7;
        }
        uint64_t callee = code_callee(code, bytes + i, n - i, visit->start + i);
        size_t callee_n;
        if (!callee || !code_function(code, callee, &callee_n))
            continue;
        if (!code_is_panic(code, callee))
            code_visit_add(search, callee, visit->depth + 1);
        else if (position && i - position_at <= BETWEEN_MOST)
            code_note(search, position, visit->depth);
    }
}

/* The path within a crate that cargo keeps the sources of; NULL: it is the program's own. */
static const char *code_in_registry(const char *path, size_t *n)
{
    static const char registry[] = "/registry/src/";
    const char *at = memmem(path, *n, registry, sizeof registry - 1);
    const char *end = path + *n;
    const char *slash = NULL;
    if (at) {
        at += sizeof registry - 1;
        slash = memchr(at, '/', (size_t)(end - at));
    }
    if (!slash)
        return NULL;
    *n = (size_t)(end - slash - 1);
    return slash + 1;
}

bool task_code_name(struct task_code *code, uint64_t entry, struct text *text)
{
    struct code_search search = {.code = code};
    code_visit_add(&search, entry, 0);
    for (uint32_t i = 0; i < search.queue_n; i++) {
        /* Bodies further down belong to what the task awaits. */
        if (search.found_n && search.queue[i].depth > search.found_depth)
            break;
        struct code_visit visit = search.queue[i];
        code_scan(&search, &visit);
    }
    bool own = false;
    for (uint32_t i = 0; i < search.found_n; i++) {
        size_t n;
        uint32_t line, column;
        const char *path = code_position(code, search.found[i], &n, &line, &column);
        const char *crate = code_in_registry(path, &n);
        /* What the program's own body has inlined of its crates says nothing more. */
        if (i && own && crate)
            continue;
        own = own || !crate;
        text_printf(text, "%s%.*s:%u:%u", i ? " | " : "", (int)n, crate ? crate : path, line,
                    column);
    }
    return search.found_n != 0;
}

uint32_t task_code_reach(struct task_code *code, uint64_t entry, uint64_t *ret_starts,
                         uint32_t most)
{
    struct code_search search = {.code = code};
    uint32_t n = 0;
    code_visit_add(&search, entry, 0);
    for (uint32_t i = 0; i < search.queue_n && n < most; i++) {
        struct code_visit visit = search.queue[i];
        code_scan(&search, &visit);
        ret_starts[n++] = visit.start;
    }
    return n;
}
