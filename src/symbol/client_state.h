/* SPDX-License-Identifier: Apache-2.0 */
/* The client's own state, shared by its files. */
#ifndef MEMSCOPE_SYMBOL_CLIENT_STATE_H
#define MEMSCOPE_SYMBOL_CLIENT_STATE_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/vec.h"
#include "symbol/cache.h"
#include "symbol/protocol.h"
#include "symbol/worker.h"

enum {
    CLIENT_BATCHES_MAX = 2, /* in flight: one at work, one waiting */
    CLIENT_STRINGS_MAX = 1 << 24,
    CLIENT_FAILURES_MAX = 256, /* of helpers; after them no more are started */
};

#define CLIENT_NOT_SENT UINT32_MAX

struct client_module {
    struct symbol_module what; /* strings and descriptor are its own */
    enum symbol_level level;
    uint32_t flags;
    uint32_t number; /* at the present helper; CLIENT_NOT_SENT */
    VEC(uint64_t) pending;
    VEC(uint64_t) hits;        /* submitted, and answered by the cache */
    struct cache_file *cached; /* NULL: not cached */
    bool cache_tried;
};

/* Offsets, ascending, that the helper was asked for. */
struct client_batch {
    uint32_t module;
    uint32_t n;
    uint32_t answered_n;
    uint64_t offsets[PROTOCOL_BATCH_MAX];
};

struct symbol_client {
    struct worker_setup setup;
    symbol_client_sink *sink;
    void *context;
    VEC(struct client_module *) modules;
    struct map by_identity; /* hash of path and build-id -> module */
    uint32_t current;       /* module that is asked for at present */
    size_t pending_n;       /* not yet answered, with those in flight */
    size_t hit_n;           /* of pending_n, those that the cache answers */
    int cache_folder;       /* -1: none */
    size_t answered_n;      /* since the current poll began */

    pid_t keeper;
    int keeper_socket; /* -1: none */
    int socket;        /* to the helper; -1: none */
    pid_t helper;
    bool idle; /* helpers run at idle priority */
    uint32_t sent_module_n;
    struct client_batch batches[CLIENT_BATCHES_MAX];
    size_t batch_n;

    /* Strings that the present helper sent. */
    struct arena arena;
    VEC(const char *) strings;

    /* When the helper last answered, and last was seen using the processor. */
    uint64_t answer_cpu_ns, seen_cpu_ns, seen_wall_ns;

    uint32_t failure_n;
    struct diag failure;
    bool given_up;
    unsigned char packet[PROTOCOL_PACKET_BYTES_MAX];
};

uint64_t client_now_ns(void);

/* Processor time that the helper has used. */
uint64_t client_helper_cpu_ns(const struct symbol_client *client);

/* Starts a helper if there is none. False: not possible, the client has given up. */
bool client_link_start(struct symbol_client *client);

/*
 * Ends the helper for cause: what it still owed is asked again, with less of the module at work
 * when `blame` is set.
 */
void client_link_fail(struct symbol_client *client, const char *cause, bool blame);

/* Ends a helper that has been silent for too long. */
void client_link_check(struct symbol_client *client);
void client_link_done(struct symbol_client *client);

/* Notes that the helper gave a sign of life. */
void client_link_heard(struct symbol_client *client);

/* Without a folder for it there is no cache. */
void client_cache_open(struct symbol_client *client);

/* True when the cache knows the offset and will answer it at client_cache_deliver. */
bool client_cache_take(struct symbol_client *client, struct client_module *module, uint64_t offset);
void client_cache_deliver(struct symbol_client *client);

/* Keeps an answer of the helper for later sessions, if it is worth that. */
void client_cache_keep(struct client_module *module, uint64_t offset,
                       const struct symbol_frame *frames, size_t n);

/* Writes what was kept and frees it. */
void client_cache_done(struct symbol_client *client);

/* Gives the records of a packet to the sink; false: it is not what an honest helper sends. */
bool client_answers_take(struct symbol_client *client, const unsigned char *bytes, size_t n);

#endif
