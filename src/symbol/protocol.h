/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What client, keeper and helper say to each other over sequenced-packet sockets.
 *
 * A request is one packet. An answer packet is a row of records, each a header and its payload
 * padded to 8 bytes. Numbers are the machine's own: all three are one program.
 */
#ifndef MEMSCOPE_SYMBOL_PROTOCOL_H
#define MEMSCOPE_SYMBOL_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "symbol/symbol.h"

enum {
    PROTOCOL_BATCH_MAX = 2048, /* offsets of one request */
    PROTOCOL_PATH_BYTES_MAX = 8 << 10,
    PROTOCOL_PACKET_BYTES_MAX = 96 << 10, /* fits a socket's default buffer */
    PROTOCOL_FLUSH_BYTES = 16 << 10,      /* an answer packet this full is sent */
};

/* Client to helper. */
enum protocol_request_kind { REQUEST_MODULE = 1, REQUEST_RESOLVE };

/* Behind it: path, open path, build-id (module), or n offsets (resolve). */
struct protocol_request {
    uint32_t kind;
    uint32_t module; /* the helper's number: modules count up from 0 */
    uint32_t level;
    uint32_t n; /* offsets */
    uint32_t path_n;
    uint32_t open_path_n; /* 0: none */
    uint32_t build_id_n;
    uint32_t has_fd; /* a descriptor comes with the packet */
};

/* Helper to client. */
enum protocol_record_kind {
    RECORD_STRING = 1, /* its bytes; strings count up from 1 */
    RECORD_RESULT,     /* struct protocol_result and its frames */
    RECORD_FLAGS,      /* struct protocol_flags: of a module, before its first result */
    RECORD_DONE,       /* nothing: the oldest request is answered */
};

struct protocol_record {
    uint32_t kind;
    uint32_t n; /* payload bytes without padding */
};

struct protocol_result {
    uint64_t offset;
    uint32_t frame_n;
    uint32_t reserved;
};

struct protocol_frame {
    uint32_t function; /* string, 0 = unknown */
    uint32_t file;
    uint32_t line;
    uint32_t inlined;
};

struct protocol_flags {
    uint32_t module;
    uint32_t flags;
};

/* Client to keeper, and its answer, with the helper's socket when one was started. */
enum keeper_command_kind { KEEPER_START = 1, KEEPER_STOP };

struct keeper_command {
    uint32_t kind;
    uint32_t idle; /* the helper gets only time that nobody else wants */
};

struct keeper_answer {
    int32_t err;    /* errno of a helper that could not be started; 0 */
    int32_t pid;    /* of the helper that was started */
    int32_t status; /* wait status of the helper that was stopped */
    int32_t had_helper;
};

/* Sends one packet, with a descriptor if fd >= 0. Returns 0, 1: would block, or ERR_IO. */
int protocol_send(int socket, const void *bytes, size_t n, int fd);

/*
 * Receives one packet of at most capacity bytes and the descriptor that came with it (-1: none).
 * Returns its length, 0 at the end, or -1 with errno. A larger packet is EMSGSIZE.
 */
ssize_t protocol_receive(int socket, void *bytes, size_t capacity, int flags, int *ret_fd);

/* Payload bytes rounded up to the next record. */
static inline size_t protocol_padded(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

#endif
