/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPython's asyncio: the C tasks of _asyncio, which uvloop's loops run, too.
 *
 * Up to 3.11 the module has static type objects, from 3.12 on the specifications that its types are
 * made from. Both are found by the names in them: when the interpreter looks up the module's first
 * function, none of which has run by then, or at start, where it has the module built in. Entered
 * are the call that does a step of a task, the wake-up, the initialisation, which tells the name,
 * and the deallocation, which ends the task: tasks lie in the interpreter's own pool, where no free
 * would tell.
 *
 * No Python runs here. Where an object keeps its name differs from version to version: the places
 * are learnt from the first coroutine by the types of what lies there, each address being asked of
 * the kernel before it is read, and are constant from then on.
 */
#include <stdatomic.h>
#include <stddef.h>

#include "capture/cpu/x86_64/cpu.h"
#include "capture/process.h"
#include "capture/task_rule.h"
#include "capture/task_table.h"
#include "wire/event.h"

/* Words of objects: of any, of a type, a tuple, a method definition, and what makes a type. */
enum {
    PY_TYPE = 1,
    PY_TUPLE_N = 2,
    PY_TUPLE_FIRST = 3,
    PY_TUPLE_FIRST_NEW = 4, /* since 3.14, which has a hash before it */
    PY_TYPE_NAME = 3,
    PY_TYPE_DEALLOC = 6,
    PY_TYPE_CALL = 16,
    PY_TYPE_INIT = 37,
    PY_TYPE_WORDS = 40,
    PY_METHOD_CALL = 1,
    PY_METHOD_WORDS = 4,
    PY_SPEC_SLOTS = 3,
    PY_SPEC_WORDS = 4,
    PY_SLOT_CALL = 50,
    PY_SLOT_DEALLOC = 52,
    PY_SLOT_INIT = 60,
    PY_SLOTS_MOST = 32,
    PY_WRAPPER_TASK = 2, /* the word of a step or wake-up that points to the task */
    PY_STRING_LENGTH = 2,
    PY_STRING_OLD = 48, /* bytes before the text: to 3.11, which has a null pointer before it, */
    PY_STRING_NEW = 40, /* and since */
};

enum {
    ASYNCIO_NAME_MOST = 64, /* of a type */
    ASYNCIO_COROUTINE_WORDS = 12,
    ASYNCIO_CODE_WORDS = 24,
    ASYNCIO_LESSONS = 64, /* tries to learn where names lie */
    ASYNCIO_TEXT_MOST = 120
};

/* What was learnt. The places are in words, 0 = not known; the type is set last. */
static struct {
    _Atomic uintptr_t coroutine; /* the type object of coroutines */
    uint32_t name, code, file;
    uint32_t first; /* of a tuple */
    _Atomic uint32_t lessons;
    _Atomic uint32_t verified; /* bit per kind of slot */
} asyncio;

static bool asyncio_same(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

/* Whether text ends with the words. */
static bool asyncio_ends(const char *text, size_t n, const char *words, size_t words_n)
{
    for (size_t i = 0; i < words_n; i++) {
        if (n < words_n || text[n - words_n + i] != words[i])
            return false;
    }
    return true;
}

/* A type object as it lies in the module's data: a small size, and a destructor. */
static bool asyncio_is_type(const struct task_scan *scan, const uintptr_t *name,
                            const uintptr_t *to)
{
    const uintptr_t *type = name - PY_TYPE_NAME;
    return to - type >= PY_TYPE_WORDS && name[1] && name[1] < CPU_PAGE_BYTES && !name[2] &&
           task_scan_is_code(scan, type[PY_TYPE_DEALLOC]);
}

static bool asyncio_patch_type(struct task_scan *scan, uintptr_t *type, uint16_t task_type,
                               bool is_task)
{
    if (!is_task)
        return task_scan_is_code(scan, type[PY_TYPE_CALL]) &&
               task_scan_patch(scan, &type[PY_TYPE_CALL], task_type, TASK_SLOT_ASYNCIO_STEP);
    return task_scan_is_code(scan, type[PY_TYPE_INIT]) &&
           task_scan_patch(scan, &type[PY_TYPE_INIT], task_type, TASK_SLOT_ASYNCIO_INIT) &&
           task_scan_patch(scan, &type[PY_TYPE_DEALLOC], task_type, TASK_SLOT_ASYNCIO_DEALLOC);
}

/* { int slot; void *function }, ended by a zero. */
static bool asyncio_patch_spec(struct task_scan *scan, const uintptr_t *spec, uint16_t task_type,
                               bool is_task)
{
    uintptr_t *slots = (uintptr_t *)spec[PY_SPEC_SLOTS];
    bool patched = false;
    for (int i = 0; i < PY_SLOTS_MOST; i++, slots += 2) {
        if (!task_scan_is_readable(scan, (uintptr_t)slots, 2 * sizeof *slots) || !*slots)
            break;
        int kind = -1;
        if (!is_task && *slots == PY_SLOT_CALL)
            kind = TASK_SLOT_ASYNCIO_STEP;
        else if (is_task && *slots == PY_SLOT_INIT)
            kind = TASK_SLOT_ASYNCIO_INIT;
        else if (is_task && *slots == PY_SLOT_DEALLOC)
            kind = TASK_SLOT_ASYNCIO_DEALLOC;
        if (kind >= 0 && task_scan_is_code(scan, slots[1]))
            patched = task_scan_patch(scan, &slots[1], task_type, (uint8_t)kind) || patched;
    }
    return patched;
}

/* Patches what the word, which points to a name, belongs to. */
static bool asyncio_patch(struct task_scan *scan, uintptr_t *at, const uintptr_t *to,
                          uint16_t task_type)
{
    const char *name = (const char *)*at;
    if (asyncio_same(name, "task_wakeup"))
        return to - at >= PY_METHOD_WORDS && task_scan_is_code(scan, at[PY_METHOD_CALL]) &&
               task_scan_patch(scan, &at[PY_METHOD_CALL], task_type, TASK_SLOT_ASYNCIO_WAKEUP);
    bool is_task = asyncio_same(name, "_asyncio.Task");
    if (!is_task && !asyncio_same(name, "TaskStepMethWrapper") &&
        !asyncio_same(name, "TaskWakeupMethWrapper") &&
        !asyncio_same(name, "_asyncio.TaskStepMethWrapper"))
        return false;
    if (asyncio_is_type(scan, at, to))
        return asyncio_patch_type(scan, at - PY_TYPE_NAME, task_type, is_task);
    return to - at >= PY_SPEC_WORDS && asyncio_patch_spec(scan, at, task_type, is_task);
}

static bool asyncio_may_be_name(char first)
{
    return first == '_' || first == 'T' || first == 't';
}

bool asyncio_scan(struct task_scan *scan, uintptr_t *from, const uintptr_t *to, uint16_t *type)
{
    bool found = false;
    for (uintptr_t *at = from; at < to; at++) {
        if (!task_scan_is_readable(scan, *at, sizeof "_asyncio.TaskStepMethWrapper") ||
            task_scan_is_code(scan, *at) || !asyncio_may_be_name(*(const char *)*at))
            continue;
        if (!*type)
            *type = task_scan_add_type(scan, &task_rule_asyncio, (uintptr_t)at);
        found = (*type && asyncio_patch(scan, at, to, *type)) || found;
    }
    return found;
}

const struct task_rule task_rule_asyncio = {
        .runtime = "asyncio",
        .number = WIRE_RULE_ASYNCIO,
        .id_offset_word = TASK_NO_ID,
};

/* The word of an object, asked of the kernel; 0 where none can be read. */
static uintptr_t asyncio_word(uintptr_t object, uint32_t word)
{
    uintptr_t at = object + word * sizeof(uintptr_t);
    if (!object || object % sizeof(uintptr_t) || at >> CPU_ADDRESS_BITS || !cpu_readable(at))
        return 0;
    return *(const uintptr_t *)at;
}

/* The name of the object's type; "" where it is no object. */
static const char *asyncio_type_name(uintptr_t object)
{
    uintptr_t name = asyncio_word(asyncio_word(object, PY_TYPE), PY_TYPE_NAME);
    return name && !(name >> CPU_ADDRESS_BITS) && cpu_readable(name) &&
                           cpu_readable(name + ASYNCIO_NAME_MOST)
                   ? (const char *)name
                   : "";
}

static bool asyncio_is(uintptr_t object, const char *type)
{
    return asyncio_same(asyncio_type_name(object), type);
}

/* The text of a str object, which is not ended; *ret_n 0: it cannot be told. */
static const char *asyncio_text(uintptr_t string, size_t *ret_n)
{
    const char *text = (const char *)string + PY_STRING_NEW;
    *ret_n = ((const uintptr_t *)string)[PY_STRING_LENGTH];
    return *text ? text : (const char *)string + PY_STRING_OLD;
}

/* Where code objects keep the path of their source. */
static void asyncio_learn_file(uintptr_t code)
{
    for (uint32_t i = 2; i < ASYNCIO_CODE_WORDS && !asyncio.file; i++) {
        uintptr_t string = asyncio_word(code, i);
        size_t n;
        if (!asyncio_is(string, "str"))
            continue;
        const char *text = asyncio_text(string, &n);
        if (n > 3 && n < CPU_PAGE_BYTES && cpu_readable((uintptr_t)text + n) &&
            asyncio_ends(text, n, ".py", 3))
            asyncio.file = i;
    }
}

/* Since 3.14 references from frames have marks in their low bits, in some of them. */
static uintptr_t asyncio_untagged(uintptr_t reference)
{
    return reference & ~(uintptr_t)(sizeof(uintptr_t) - 1);
}

/* A coroutine keeps its code, and its name and qualified name next to each other. */
static void asyncio_learn(uintptr_t coroutine)
{
    uintptr_t type = asyncio_word(coroutine, PY_TYPE);
    uint32_t name = 0, code = 0;
    for (uint32_t i = 2; i < ASYNCIO_COROUTINE_WORDS; i++) {
        if (!code && asyncio_is(asyncio_untagged(asyncio_word(coroutine, i)), "code"))
            code = i;
        if (!name && asyncio_is(asyncio_word(coroutine, i), "str") &&
            asyncio_is(asyncio_word(coroutine, i + 1), "str"))
            name = i + 1;
    }
    if (!name)
        return;
    asyncio.name = name;
    asyncio.code = code;
    if (code)
        asyncio_learn_file(asyncio_untagged(asyncio_word(coroutine, code)));
    /* Release: whoever sees the type finds the places. */
    atomic_store_explicit(&asyncio.coroutine, type, memory_order_release);
}

static uint32_t asyncio_add(char *to, uint32_t at, uint32_t bytes, const char *text, size_t n)
{
    for (size_t i = 0; i < n && i < ASYNCIO_TEXT_MOST && at + 1 < bytes && text[i]; i++)
        to[at++] = text[i] > ' ' && text[i] <= '~' ? text[i] : '?';
    to[at] = 0;
    return at;
}

/* QUALNAME (FILE): where the coroutine is written. */
static void asyncio_coroutine_name(uintptr_t coroutine, char *ret_name, uint32_t bytes)
{
    const uintptr_t *words = (const uintptr_t *)coroutine;
    size_t n;
    const char *text = asyncio_text(words[asyncio.name], &n);
    uint32_t at = asyncio_add(ret_name, 0, bytes, text, n);
    if (!asyncio.code || !asyncio.file)
        return;
    const uintptr_t *code = (const uintptr_t *)asyncio_untagged(words[asyncio.code]);
    text = asyncio_text(code[asyncio.file], &n);
    size_t slash = n;
    while (slash && text[slash - 1] != '/')
        slash--;
    if (at + 3 < bytes) {
        ret_name[at++] = ' ';
        ret_name[at++] = '(';
    }
    at = asyncio_add(ret_name, at, bytes, text + slash, n - slash);
    asyncio_add(ret_name, at, bytes, ")", 1);
}

void asyncio_name(uintptr_t arguments, char *ret_name, uint32_t bytes)
{
    const uintptr_t *tuple = (const uintptr_t *)arguments;
    *ret_name = 0;
    bool quiet = atomic_load_explicit(&process.quiet, memory_order_relaxed);
    /* The first one: is it a tuple at all? */
    if (!(atomic_load_explicit(&asyncio.verified, memory_order_acquire) & 1)) {
        if (quiet || !asyncio_is(arguments, "tuple") || !tuple[PY_TUPLE_N])
            return;
        bool is_new = !*asyncio_type_name(tuple[PY_TUPLE_FIRST]);
        asyncio.first = is_new ? PY_TUPLE_FIRST_NEW : PY_TUPLE_FIRST;
        atomic_fetch_or_explicit(&asyncio.verified, 1, memory_order_release);
    }
    if (!tuple[PY_TUPLE_N])
        return;
    uintptr_t awaited = tuple[asyncio.first];
    uintptr_t type = ((const uintptr_t *)awaited)[PY_TYPE];
    bool known = type == atomic_load_explicit(&asyncio.coroutine, memory_order_acquire);
    if (!quiet && (!known || !asyncio.file) &&
        atomic_fetch_add_explicit(&asyncio.lessons, 1, memory_order_relaxed) < ASYNCIO_LESSONS &&
        asyncio_is(awaited, "coroutine")) {
        asyncio_learn(awaited);
        known = type == atomic_load_explicit(&asyncio.coroutine, memory_order_acquire);
    }
    if (known)
        asyncio_coroutine_name(awaited, ret_name, bytes);
    else
        asyncio_add(ret_name, 0, bytes, (const char *)((const uintptr_t *)type)[PY_TYPE_NAME],
                    ASYNCIO_NAME_MOST);
}

/* At the first call through a slot of this kind: it leads to an object of a type with a name. */
static bool asyncio_verify(uint8_t kind, uintptr_t argument)
{
    if (atomic_load_explicit(&asyncio.verified, memory_order_acquire) >> kind & 1)
        return true;
    if (atomic_load_explicit(&process.quiet, memory_order_relaxed))
        return false;
    if (!*asyncio_type_name(argument))
        return false;
    if (kind == TASK_SLOT_ASYNCIO_STEP &&
        !*asyncio_type_name(asyncio_word(argument, PY_WRAPPER_TASK)))
        return false;
    atomic_fetch_or_explicit(&asyncio.verified, 1u << kind, memory_order_release);
    return true;
}

uintptr_t asyncio_task(uint8_t kind, uintptr_t argument)
{
    if (!asyncio_verify(kind, argument))
        return 0;
    return kind == TASK_SLOT_ASYNCIO_STEP ? ((const uintptr_t *)argument)[PY_WRAPPER_TASK]
                                          : argument;
}
