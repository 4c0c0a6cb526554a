/* SPDX-License-Identifier: Apache-2.0 */
/* Short names of functions: what is left of a demangled name when types and hashes are gone. */
#ifndef MEMSCOPE_ANALYZE_NAME_H
#define MEMSCOPE_ANALYZE_NAME_H

#include "base/text.h"

/*
 * Appends the short form: no parameters, no template or generic arguments, no return type, no
 * Rust hash, no compiler's suffix. "<A as B>::f" becomes "A::f". Never empty for a non-empty
 * name; names of any shape and length are taken.
 */
void name_add_short(struct text *text, const char *name);

/*
 * True when wanted is how a user may write this name: whole or from any of its scopes on, with or
 * without parameters and return type. Template arguments are compared as they stand.
 */
bool name_answers_to(const char *name, const char *wanted);

/*
 * True for functions that only pass an allocation on: allocators, `operator new`, standard
 * containers, language runtimes. short_name is a short form, module the base name of its object
 * file, file its source file or "".
 */
bool name_is_plumbing(const char *short_name, const char *module, const char *file);

#endif
