/* SPDX-License-Identifier: Apache-2.0 */
/* Touches 24 MiB that the executable itself asks for, uninitialised, and rests a moment. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BSS_BYTES = 24 << 20 };

static char bytes[BSS_BYTES];

int main(void)
{
    memset(bytes, 1, sizeof bytes);
    usleep(600000);
    return bytes[BSS_BYTES / 2] - 1;
}
