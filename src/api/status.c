/* SPDX-License-Identifier: Apache-2.0 */
/* The library's version, and the names of statuses and strategies. */
#include <stdbool.h>

#include "api/strategy.h"
#include "memscope/memscope.h"

#define STATUS_TEXT_OF(x) #x
#define STATUS_TEXT(x) STATUS_TEXT_OF(x)

const char *memscope_version(void)
{
    return STATUS_TEXT(MEMSCOPE_VERSION_MAJOR) "." STATUS_TEXT(MEMSCOPE_VERSION_MINOR) ".0";
}

static const char *const status_texts[] = {
        [-MEMSCOPE_OK] = "done",
        [-MEMSCOPE_E_INVALID] = "an argument is out of its range",
        [-MEMSCOPE_E_NOT_HOOKED] = "the program's allocations do not pass through memscope",
        [-MEMSCOPE_E_BUSY] = "a recording with another strategy or rate is under way",
        [-MEMSCOPE_E_NO_COLLECTOR] = "the memscope executable is missing or does not start",
        [-MEMSCOPE_E_DENIED] = "the system refuses it",
        [-MEMSCOPE_E_COLLECTOR_LOST] = "the collector is gone",
        [-MEMSCOPE_E_TIMEOUT] = "no answer in time",
        [-MEMSCOPE_E_MEMORY] = "no memory",
        [-MEMSCOPE_E_IO] = "a file cannot be read or written",
        [-MEMSCOPE_E_ENDED] = "the session has ended",
        [-MEMSCOPE_E_NOT_TRACKING] = "nothing is recorded",
        [-MEMSCOPE_E_FORMAT] = "there is no such format",
        [-MEMSCOPE_E_NOT_FOUND] = "there is no such entry",
        [-MEMSCOPE_E_LIMIT] = "a table is full",
        [-MEMSCOPE_E_ABSENT] = "the library is not in this process",
        [-MEMSCOPE_E_UNSUPPORTED] = "this build cannot do it",
};

const char *memscope_status_text(int status)
{
    enum { STATUS_N = sizeof status_texts / sizeof *status_texts };
    return status <= 0 && status > -(int)STATUS_N ? status_texts[-status] : "unknown status";
}

/* As outputs, and as the command line spell them. */
static const char *const status_strategies[STRATEGY_N][2] = {
        [MEMSCOPE_STRATEGY_AUTO] = {"Auto", "auto"},
        [MEMSCOPE_STRATEGY_SINGLE_THREAD] = {"SingleThread", "single-thread"},
        [MEMSCOPE_STRATEGY_THREAD_LOCAL] = {"ThreadLocal", "thread-local"},
        [MEMSCOPE_STRATEGY_ASYNC] = {"AsyncOptimized", "async"},
        [MEMSCOPE_STRATEGY_HYBRID] = {"Hybrid", "hybrid"},
        [MEMSCOPE_STRATEGY_LEGACY] = {"Legacy", "legacy"},
};

const char *memscope_strategy_name(int strategy)
{
    return strategy >= 0 && strategy < STRATEGY_N ? status_strategies[strategy][0] : "";
}

static bool status_same(const char *a, const char *b)
{
    for (;; a++, b++) {
        unsigned char x = (unsigned char)*a, y = (unsigned char)*b;
        x = x >= 'A' && x <= 'Z' ? x | 0x20 : x;
        y = y >= 'A' && y <= 'Z' ? y | 0x20 : y;
        if (x != y)
            return false;
        if (!x)
            return true;
    }
}

int memscope_strategy_find(const char *name)
{
    for (int i = 0; name && i < STRATEGY_N; i++) {
        if (status_same(name, status_strategies[i][0]) ||
            status_same(name, status_strategies[i][1]))
            return i;
    }
    return MEMSCOPE_E_NOT_FOUND;
}
