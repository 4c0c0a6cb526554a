/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stack record names an earlier stack, how many of its root-most frames stand, and the frames
 * that follow. Ids, counts and addresses come from the target and are checked.
 */
#include "collect/stacks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect/elf_file.h"

enum { STACKS_SLOT_BYTES = WIRE_SLOT_WORDS * sizeof(uint64_t) };

void stacks_init(struct stacks *stacks, struct model *model, int pid,
                 const struct stacks_sink *sink)
{
    *stacks = (struct stacks){.model = model, .pid = pid, .sink = *sink};
}

void stacks_done(struct stacks *stacks)
{
    vec_done(&stacks->node_at);
    vec_done(&stacks->modules);
    vec_done(&stacks->depth_at);
    map_done(&stacks->location_of);
}

const struct stacks_module *stacks_module_of(const struct stacks *stacks, uint64_t address)
{
    for (size_t i = stacks->modules.n; i-- > 0;) {
        const struct stacks_module *module = &stacks->modules.at[i];
        if (address >= module->base && address < module->end)
            return module;
    }
    return NULL;
}

/* The location of a call, by its return address. */
static uint32_t stacks_location(struct stacks *stacks, uint64_t pc)
{
    int64_t known = map_find(&stacks->location_of, pc);
    if (known != MAP_NONE)
        return (uint32_t)known;
    const struct stacks_module *module = stacks_module_of(stacks, pc - 1);
    uint32_t location =
            module ? model_location_add(stacks->model, module->module, pc - 1 - module->bias)
                   : model_location_add(stacks->model, 0, pc - 1);
    if (location != MODEL_NONE)
        map_put(&stacks->location_of, pc, location);
    return location;
}

/* The ancestor of node, which has `depth` frames, that has `kept`. */
static uint32_t stacks_ancestor(const struct stacks *stacks, uint32_t node, uint32_t depth,
                                uint32_t kept)
{
    for (; depth > kept && node; depth--)
        node = stacks->model->nodes.at[node].parent;
    return node;
}

static uint64_t stacks_word(const struct intake_slot *slot, unsigned i)
{
    const struct intake_slot *at = &slot[i / WIRE_SLOT_WORDS];
    unsigned word = i % WIRE_SLOT_WORDS;
    return word == 0 ? at->a : word == 1 ? at->b : at->c;
}

/* How many slots follow `slot` as its continuation, at most `most`. */
static unsigned stacks_continued(const struct intake_slot *slot, unsigned most)
{
    unsigned n = 0;
    while (n < most && slot[1 + n].head == WIRE_CONTINUED)
        n++;
    return n;
}

/* Takes the stack that the record at `place` defines, unless it makes no sense. */
static void stacks_define(struct stacks *stacks, uint64_t place, const struct intake_slot *slot,
                          unsigned continued)
{
    unsigned n = slot->head >> 8 & 0xffff, flags = slot->head >> 24 & 0xff;
    uint32_t kept = (uint32_t)(slot->head >> 40), locations[WIRE_STACK_FRAMES_MAX];
    uint32_t previous = stacks_node(stacks, slot->a);
    uint32_t depth = previous && previous != MODEL_NONE ? stacks->depth_at.at[slot->a - 1] : 0;
    if (kept > depth)
        kept = depth;
    if (n > WIRE_STACK_FRAMES_MAX || 1 + n > (1 + continued) * WIRE_SLOT_WORDS ||
        kept + n > STACKS_DEPTH_MAX) {
        stacks->bad_n++;
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        locations[i] = stacks_location(stacks, stacks_word(slot, 1 + i));
        if (locations[i] == MODEL_NONE)
            return;
    }
    uint32_t node = kept ? stacks_ancestor(stacks, previous, depth, kept) : 0;
    stacks->node_at.at[place] = model_nodes_add(stacks->model, node, locations, n, flags);
    stacks->depth_at.at[place] = (uint16_t)(kept + n);
}

/* Copies n bytes of the payload from word `from` on. */
static void stacks_bytes(const struct intake_slot *slot, unsigned from, char *to, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        uint64_t word = stacks_word(slot, from + i / 8);
        to[i] = (char)(word >> i % 8 * 8);
    }
}

/*
 * The executable of the process: its name takes the place of what was executed, which is all that
 * is left when the process is gone. Returns a descriptor or -1.
 */
static int stacks_executable(int pid, char *name, size_t size)
{
    char link[64], found[4096];
    int fd = elf_file_open(pid, "");
    snprintf(link, sizeof link, "/proc/%d/exe", pid);
    ssize_t n = readlink(link, found, sizeof found - 1);
    if (n > 0) {
        found[n] = 0;
        snprintf(name, size, "%s", found);
        return fd;
    }
    /* A relative path is meant from where the program was started, as we were. */
    if (fd < 0 && name[0] && realpath(name, found)) {
        snprintf(name, size, "%s", found);
        fd = elf_file_open(pid, name);
    }
    return fd;
}

static void stacks_module(struct stacks *stacks, const struct intake_slot *slot, unsigned continued)
{
    unsigned name_bytes = slot->head >> 8 & 0xffff, build_id_bytes = slot->head >> 24 & 0xff;
    unsigned have = continued * STACKS_SLOT_BYTES;
    if (name_bytes > WIRE_NAME_MAX || build_id_bytes > STACKS_SLOT_BYTES ||
        STACKS_SLOT_BYTES + name_bytes > have || slot->b <= slot->a) {
        stacks->bad_n++;
        return;
    }
    char build_id[STACKS_SLOT_BYTES], name[4096];
    stacks_bytes(slot, WIRE_SLOT_WORDS, build_id, build_id_bytes);
    stacks_bytes(slot, 2 * WIRE_SLOT_WORDS, name, name_bytes);
    name[name_bytes] = 0;
    bool is_exe = slot->head >> 32 & WIRE_MODULE_EXE;
    int fd =
            is_exe ? stacks_executable(stacks->pid, name, sizeof name)
                   : elf_file_open_mapped(stacks->pid, name, slot->a, stacks->model->start_unix_ns);
    if (build_id_bytes > MODEL_BUILD_ID_BYTES)
        build_id_bytes = MODEL_BUILD_ID_BYTES;
    uint32_t path = model_string_add(stacks->model, name, strlen(name));
    struct stacks_module module = {
            .base = slot->a,
            .end = slot->b,
            .bias = elf_file_bias(fd, slot->a),
            .module = model_module_add(stacks->model, path, (const uint8_t *)build_id,
                                       build_id_bytes),
    };
    /* Its addresses may have meant another module before. */
    map_done(&stacks->location_of);
    if (module.module != MODEL_NONE) {
        if (VEC_PUSH(&stacks->modules, STACKS_MODULES_MAX, module))
            stacks->sink.module(stacks->sink.context, module.module, name, fd);
    }
    if (fd >= 0)
        close(fd);
}

void stacks_read(struct stacks *stacks, const struct intake_run *run)
{
    uint64_t end = run->place + run->n;
    if (end > STACKS_LOG_MAX)
        return;
    while (stacks->node_at.n < end) {
        if (!VEC_PUSH(&stacks->depth_at, STACKS_LOG_MAX, 0) ||
            !VEC_PUSH(&stacks->node_at, STACKS_LOG_MAX, MODEL_NONE))
            return;
    }
    for (unsigned i = 0; i < run->n;) {
        const struct intake_slot *slot = &run->slots[i];
        unsigned continued = stacks_continued(slot, run->n - i - 1);
        unsigned kind = slot->head & 0xff;
        if (kind == WIRE_STACK)
            stacks_define(stacks, run->place + i, slot, continued);
        else if (kind == WIRE_MODULE)
            stacks_module(stacks, slot, continued);
        i += 1 + continued;
        if (stacks->place < run->place + i)
            stacks->place = run->place + i;
    }
}
