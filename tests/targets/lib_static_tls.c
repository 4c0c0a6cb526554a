/* SPDX-License-Identifier: Apache-2.0 */
/* Part of tls_reserve: a plug-in that needs SIZE bytes of static thread-local storage. */
static __thread char block[SIZE] __attribute__((tls_model("initial-exec"), aligned(16)));

__attribute__((visibility("default"))) char *static_tls(void);

char *static_tls(void)
{
    return block;
}
