/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a process that was not launched by memscope gets a collector of its own: it makes a
 * SOCK_SEQPACKET pair, starts `memscope collect -- OPTIONS` with one end as descriptor BEGIN_FD,
 * and gets one struct begin_reply. It keeps its end open until it has mapped the segment.
 */
#ifndef MEMSCOPE_WIRE_BEGIN_H
#define MEMSCOPE_WIRE_BEGIN_H

#include <stdint.h>

#define BEGIN_MAGIC UINT32_C(0x6e67424d) /* "MBgn" */

enum { BEGIN_VERSION = 1, BEGIN_FD = 3, BEGIN_TEXT_MAX = 480, BEGIN_WAIT_S = 10 };

struct begin_reply {
    uint32_t magic, version;
    uint32_t failed; /* 1: text is the sentence that says why; else it is the door's value */
    uint32_t pad;
    char text[BEGIN_TEXT_MAX]; /* ends with a 0 */
};

#endif
