/* SPDX-License-Identifier: Apache-2.0 */
/* The debugger's list of modules, for a libc without _dl_find_object. */
#ifndef MEMSCOPE_CAPTURE_MODULE_LIST_H
#define MEMSCOPE_CAPTURE_MODULE_LIST_H

#include "capture/module.h"

/* As _dl_find_object: true and *ret_object when a listed module covers `address`. The list is
 * only read while the linker calls it consistent. */
bool module_list_find(const struct module_config *config, uintptr_t address,
                      struct module_object *ret_object);

/* As _dl_find_object, for the executable alone, whose headers need no list. */
bool module_exe_find(const struct module_config *config, uintptr_t address,
                     struct module_object *ret_object);

#endif
