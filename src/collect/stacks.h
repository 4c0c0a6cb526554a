/* SPDX-License-Identifier: Apache-2.0 */
/* The stack log of one image, decoded into nodes of the model as it arrives. */
#ifndef MEMSCOPE_COLLECT_STACKS_H
#define MEMSCOPE_COLLECT_STACKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"
#include "collect/intake.h"
#include "heap/model.h"

enum {
    STACKS_LOG_MAX = 1 << 28, /* slots of one log */
    STACKS_MODULES_MAX = 1 << 16,
    STACKS_DEPTH_MAX = UINT16_MAX,
};

/* Code in [base, end) of the image, newest definition last. */
struct stacks_module {
    uint64_t base, end;
    uint64_t bias;   /* address - bias = ELF virtual address */
    uint32_t module; /* of the model */
};

/* Told of each module that a log defines, with a descriptor of its file (-1: none), not kept. */
struct stacks_sink {
    void (*module)(void *context, uint32_t module, const char *path, int fd);
    void *context;
};

struct stacks {
    struct stacks_sink sink;
    struct model *model;
    int pid;                /* host pid: for /proc/PID/root */
    uint64_t place;         /* log slots read so far */
    VEC(uint32_t) node_at;  /* by place of the defining record; MODEL_NONE elsewhere */
    VEC(uint16_t) depth_at; /* frames of node_at's */
    VEC(struct stacks_module) modules;
    struct map location_of; /* return address -> location, for this module set */
    uint64_t bad_n;         /* records that made no sense */
};

/* model and the sink's context outlive it; the sink is copied. */
void stacks_init(struct stacks *stacks, struct model *model, int pid,
                 const struct stacks_sink *sink);
void stacks_done(struct stacks *stacks);

/* Reads a run of the log. */
void stacks_read(struct stacks *stacks, const struct intake_run *run);

/* The newest module that holds an address of the image; NULL: none is known. */
const struct stacks_module *stacks_module_of(const struct stacks *stacks, uint64_t address);

/*
 * The node of a stack id. 0 (the empty stack) for id 0 and for ids that were never defined;
 * MODEL_NONE: the log has not been read that far yet.
 */
static inline uint32_t stacks_node(const struct stacks *stacks, uint64_t id)
{
    if (id == 0)
        return 0;
    if (id > stacks->place)
        return id > STACKS_LOG_MAX ? 0 : MODEL_NONE;
    uint32_t node = stacks->node_at.at[id - 1];
    return node == MODEL_NONE ? 0 : node;
}

#endif
