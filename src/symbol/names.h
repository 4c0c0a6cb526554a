/* SPDX-License-Identifier: Apache-2.0 */
/* The symbol tables of a module as one sorted index: address to name. */
#ifndef MEMSCOPE_SYMBOL_NAMES_H
#define MEMSCOPE_SYMBOL_NAMES_H

#include "base/vec.h"
#include "symbol/object.h"

enum { NAMES_MAX = 64 << 20 };

struct names_entry {
    uint64_t low;
    uint64_t high;
    const char *name; /* in the object's string table */
    uint32_t outer;   /* the nearest earlier entry that reaches beyond low; NAMES_NONE */
    uint8_t rank;     /* less is better among names of one address */
    bool unsized;     /* high is a guess until names_finish */
};

#define NAMES_NONE UINT32_MAX

/* Zeroed = empty. The names live as long as the objects that were added. */
struct names {
    VEC(struct names_entry) entries;
};

/* One entry of a symbol table. */
struct names_symbol {
    const char *name;
    uint64_t value, bytes;
    uint64_t section_end; /* of the code section that holds it; 0: none does */
    uint8_t info;         /* st_info */
};

/* Adds it if it names code. Returns 0 or ERR_MEMORY. */
int names_offer(struct names *names, const struct names_symbol *symbol);

/* Adds the functions of .symtab (or, dynamic: .dynsym). Returns 0 or ERR_MEMORY. */
int names_add(struct names *names, const struct object *object, bool dynamic);

/* Sorts; must come between the last names_add and the first names_find. */
void names_finish(struct names *names);

/* The innermost function at address, or NULL. */
const struct names_entry *names_find(const struct names *names, uint64_t address);
void names_done(struct names *names);

#endif
