/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether this is a sanitizer build: such a helper cannot live under a memory limit.
 *
 * A crash inside libdw is a signal, as in an ordinary build; what a sanitizer finds in our own
 * code ends the helper with TEST_SANITIZER_STATUS, and a test can tell them apart.
 */
#ifndef MEMSCOPE_TESTS_SYMBOL_SANITIZER_H
#define MEMSCOPE_TESTS_SYMBOL_SANITIZER_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TEST_IS_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TEST_IS_SANITIZED 1
#endif
#ifndef TEST_IS_SANITIZED
#define TEST_IS_SANITIZED 0
#endif

#define TEST_SANITIZER_STATUS 99

#endif
