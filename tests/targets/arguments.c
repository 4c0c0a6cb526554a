/* SPDX-License-Identifier: Apache-2.0 */
/* Hazards 78-82, 87: prints its arguments in hex, its own name and what it reads from stdin. */
#include <errno.h>
#include <sys/auxv.h>

#include "ground.h"

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        say("%d:", i);
        for (const unsigned char *at = (unsigned char *)argv[i]; *at; at++)
            say(" %02x", *at);
        say("\n");
    }
    say("names agree: %d %d\n", !strcmp(program_invocation_name, argv[0]),
        !strcmp((char *)getauxval(AT_EXECFN), argv[0]));
    say("secure: %lu\n", getauxval(AT_SECURE));
    size_t sum = 0, length = 0;
    char bytes[5000];
    ssize_t n;
    while ((n = read(0, bytes, sizeof bytes)) > 0) {
        length += (size_t)n;
        for (ssize_t i = 0; i < n; i++)
            sum = sum * 31 + (unsigned char)bytes[i];
        free(ground_keep(malloc((size_t)n)));
    }
    say("stdin: %zu bytes, sum %zx, terminal %d\n", length, sum, isatty(0));
    return 0;
}
