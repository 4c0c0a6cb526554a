/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler's class for work that nobody waits for. A drain that wakes thousands of times in a
 * second would otherwise push the program off its processor each time that the two meet there.
 */
#include "collect/priority.h"

#include <sched.h>

void priority_step_back(void)
{
    const struct sched_param none = {0};
    if (sched_getscheduler(0) == SCHED_OTHER)
        sched_setscheduler(0, SCHED_BATCH, &none);
}
