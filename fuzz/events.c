/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the packed events of --detailed-tracking: decoding ends, and never reads past the bytes.
 */
#include "target.h"

#include <stdlib.h>

#include "recording/events.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct events_in in;
    struct events_event event;
    size_t event_n = 0;
    events_in_init(&in, bytes, n);
    while (events_next(&in, &event) == 0)
        event_n++;
    if (event_n > n) /* an event takes at least a byte */
        abort();
    return 0;
}
