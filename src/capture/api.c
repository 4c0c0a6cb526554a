/* SPDX-License-Identifier: Apache-2.0 */
/* The public C API: what a program may ask the library for. */
#include "memscope/memscope.h"

#define API_TEXT_OF(x) #x
#define API_TEXT(x) API_TEXT_OF(x)

const char *memscope_version(void)
{
    return API_TEXT(MEMSCOPE_VERSION_MAJOR) "." API_TEXT(MEMSCOPE_VERSION_MINOR) ".0";
}
