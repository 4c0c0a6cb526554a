/* SPDX-License-Identifier: Apache-2.0 */
/* Symbols for the model's locations, resolved by the limited helper while the program runs. */
#ifndef MEMSCOPE_COLLECT_SYMBOLS_H
#define MEMSCOPE_COLLECT_SYMBOLS_H

#include <stdint.h>

#include "base/diag.h"
#include "base/vec.h"
#include "heap/model.h"
#include "symbol/client.h"

struct symbols {
    struct model *model;
    struct symbol_client *client; /* NULL: symbols are not to be had */
    VEC(uint32_t) client_module;  /* by module of the model; MODEL_NONE: not known to the client */
    VEC(uint32_t) model_module;   /* the other way */
    size_t submitted_n;           /* locations asked for so far */
    VEC(uint64_t) offsets;        /* scratch */
};

/* Forks the helper: call it before memory grows. A failure leaves a usable, silent one. */
void symbols_init(struct symbols *symbols, struct model *model);
void symbols_done(struct symbols *symbols);

/* A module was loaded; fd is its file or -1. */
void symbols_module(struct symbols *symbols, uint32_t module, const char *path, int fd);

/* Asks for the locations that are new, takes what answers there are; never waits. */
void symbols_step(struct symbols *symbols);

/* Processor time of the helpers that live. */
uint64_t symbols_cpu_ns(const struct symbols *symbols);

/* Asks for the rest and waits until all are answered, or for at most wait_ns. */
void symbols_finish(struct symbols *symbols, uint64_t wait_ns);

#endif
