/* SPDX-License-Identifier: Apache-2.0 */
/* Threads step back, unless the user has chosen how they are scheduled. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collect/priority.h"

static void *policy_here(void *ret_policy)
{
    *(int *)ret_policy = sched_getscheduler(0);
    return NULL;
}

/* On a thread of its own: the others are as they were. */
static void *step_back(void *ret_policies)
{
    int *policies = ret_policies;
    pthread_t child;
    priority_step_back();
    policy_here(&policies[0]);
    if (pthread_create(&child, NULL, policy_here, &policies[1]) == 0)
        pthread_join(child, NULL);
    sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){0});
    priority_step_back();
    policy_here(&policies[2]);
    return NULL;
}

static void test_step_back(void **state)
{
    int policies[3] = {-1, -1, -1};
    pthread_t thread;
    int before = sched_getscheduler(0);
    assert_int_equal(pthread_create(&thread, NULL, step_back, policies), 0);
    pthread_join(thread, NULL);
    assert_int_equal(sched_getscheduler(0), before);
    if (before != SCHED_OTHER)
        skip();
    assert_int_equal(policies[0], SCHED_BATCH);
    assert_int_equal(policies[1], SCHED_BATCH);
    assert_int_equal(policies[2], SCHED_IDLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_step_back)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
