/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints the events of a recording made with --detailed-tracking, for the checker of tests/windows:
 * kind, time, process, thread, old address, address, size, weight; fields separated by blanks.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "recording/events.h"
#include "recording/reader.h"

static int print_chunk(const struct recording_chunk *chunk)
{
    struct events_in in;
    struct events_event event;
    int err;
    events_in_init(&in, chunk->bytes, chunk->n);
    while ((err = events_next(&in, &event)) == 0)
        printf("%d %" PRIu64 " %u %u %" PRIu64 " %" PRIu64 " %" PRIu64 " %u\n", (int)event.kind,
               event.at_ns, event.process, event.thread, event.old_address, event.address,
               event.size_bytes, event.weight);
    return err == EVENTS_END ? 0 : err;
}

int main(int argc, char **argv)
{
    struct diag diag = {""};
    struct recording_reader *reader;
    struct recording_chunk chunk;
    if (argc != 2 || recording_open(&reader, argv[1], &diag) < 0) {
        fprintf(stderr, "windows_events: %s\n",
                argc == 2 ? diag.text : "usage: windows_events FILE");
        return EXIT_FAILURE;
    }
    int err = recording_rewind(reader, UINT64_MAX, &diag);
    while (err == 0 && (err = recording_next(reader, &chunk, &diag)) == 0) {
        if (chunk.type == RECORDING_EVENTS)
            err = print_chunk(&chunk);
    }
    recording_reader_close(reader);
    if (err < 0)
        fprintf(stderr, "windows_events: %s\n", diag.text);
    return err < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
