/* SPDX-License-Identifier: Apache-2.0 */
/* `ulimit -St 10` ends a program after ten seconds, of which its report should tell. */
#include "collect/own_limits.h"

#include <stddef.h>
#include <sys/resource.h>

void own_limits_raise(void)
{
    static const int raised[] = {RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_NOFILE, RLIMIT_AS, RLIMIT_DATA};
    for (size_t i = 0; i < sizeof raised / sizeof *raised; i++) {
        struct rlimit limit;
        if (getrlimit((__rlimit_resource_t)raised[i], &limit) != 0 ||
            limit.rlim_cur == limit.rlim_max)
            continue;
        limit.rlim_cur = limit.rlim_max;
        setrlimit((__rlimit_resource_t)raised[i], &limit);
    }
}
