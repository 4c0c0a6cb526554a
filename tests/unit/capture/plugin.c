/* SPDX-License-Identifier: Apache-2.0 */
/* A module that is loaded and unloaded under the unwinder's feet. Built twice, with frames of
 * different size but code of the same length, so that one may take the other's addresses. */
#ifndef PLUGIN_FRAME
#define PLUGIN_FRAME "40"
#define PLUGIN_CFA "48"
#endif

void plugin_call(void (*next)(void *), void *argument);

__asm__(".text\n"
        ".globl plugin_call\n"
        ".type plugin_call, @function\n"
        "plugin_call:\n"
        ".cfi_startproc\n"
        "sub $" PLUGIN_FRAME ", %rsp\n"
        ".cfi_def_cfa_offset " PLUGIN_CFA "\n"
        "mov %rdi, %rax\n"
        "mov %rsi, %rdi\n"
        "call *%rax\n"
        "add $" PLUGIN_FRAME ", %rsp\n"
        ".cfi_def_cfa_offset 8\n"
        "ret\n"
        ".cfi_endproc\n"
        ".size plugin_call, . - plugin_call\n");
