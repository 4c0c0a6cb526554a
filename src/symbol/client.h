/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Symbols without risk: the symbolizer in a limited helper process, asked without waiting.
 *
 * symbol_client_new forks (without exec) a small keeper process, so call it early, before the
 * caller's memory grows; the keeper forks the helper that reads debug information, at idle
 * priority and with limits of memory and processor time. Answers are checked like any hostile
 * input. A helper that dies or hangs costs the module at work its debug information: it is tried
 * again with symbol tables alone, then given up; each address is answered once whatever happens.
 * A client belongs to one thread.
 */
#ifndef MEMSCOPE_SYMBOL_CLIENT_H
#define MEMSCOPE_SYMBOL_CLIENT_H

#include "base/diag.h"
#include "symbol/symbol.h"

enum {
    SYMBOL_CLIENT_PENDING_MAX = 1 << 24, /* addresses submitted and not yet answered */
};

/* Zeroed = the defaults. */
struct symbol_limits {
    uint64_t memory_bytes;   /* of the helper beyond what it starts with; 0: 4 GiB */
    bool sanitizer;          /* a sanitizer build: it reserves terabytes and reports to stderr */
    uint32_t silent_cpu_ms;  /* processor time without an answer that counts as a hang; 0: 20 s */
    uint32_t silent_wall_ms; /* time without an answer or processor time used; 0: 60 s */
};

/* The frames of one address of a module; n == 0: nothing is known. */
typedef void symbol_client_sink(void *context, uint32_t module, uint64_t offset,
                                const struct symbol_frame *frames, size_t n);

struct symbol_client;

int symbol_client_new(const struct symbol_options *options, const struct symbol_limits *limits,
                      symbol_client_sink *sink, void *context, struct symbol_client **ret_client,
                      struct diag *diag);

/* Processor time of what works for it now; that of helpers which ended is not in it. */
uint64_t symbol_client_cpu_ns(const struct symbol_client *client);

/* Ends the helper; addresses not yet answered never will be. */
void symbol_client_free(struct symbol_client *client);

/*
 * Makes a module known. A descriptor in it is duplicated, so that the file can be read when its
 * name and its process are gone. The same build-id and path give the same *ret_module.
 */
int symbol_client_module(struct symbol_client *client, const struct symbol_module *module,
                         uint32_t *ret_module);

/* Asks for n offsets; never waits. ERR_LIMIT: too much pending, poll first. */
int symbol_client_submit(struct symbol_client *client, uint32_t module, const uint64_t *offsets,
                         size_t n);

/* Readable when answers wait; changes when a helper is replaced: ask before each poll(2). */
int symbol_client_fd(const struct symbol_client *client);

/*
 * Sends what is queued and gives the answers that are there to the sink, waiting at most
 * timeout_ms for the first (0: not at all). Returns how many addresses were answered, or a
 * negative result.
 */
int symbol_client_poll(struct symbol_client *client, int timeout_ms);

/*
 * Waits until every address is answered, at normal priority now. Returns 0, or 1 at deadline_ns
 * (CLOCK_MONOTONIC) with the rest still pending, or a negative result.
 */
int symbol_client_drain(struct symbol_client *client, uint64_t deadline_ns);

size_t symbol_client_pending(const struct symbol_client *client);

/* SYMBOL_* flags of a module as far as known. */
uint32_t symbol_client_module_flags(const struct symbol_client *client, uint32_t module);

/* How often a helper died or was ended, and why the last time (diag stays empty if never). */
uint32_t symbol_client_failures(const struct symbol_client *client, struct diag *diag);

#endif
