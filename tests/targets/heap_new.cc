/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards 36, 37: operator new and delete in all their forms, new_handler, bad_alloc. Built with
 * -DREPLACED the program brings its own operators, which must go on being the ones that run.
 */
#include <new>

extern "C" {
#include "ground.h"
}

static int handler_calls, replaced_calls;

#ifdef REPLACED
void *operator new(size_t size_bytes)
{
    replaced_calls++;
    void *block = malloc(size_bytes ? size_bytes : 1);
    if (!block)
        throw std::bad_alloc();
    return block;
}

void operator delete(void *block) noexcept
{
    replaced_calls++;
    free(block);
}

void operator delete(void *block, size_t) noexcept
{
    replaced_calls++;
    free(block);
}
#endif

struct alignas(128) wide {
    char bytes[300];
};

static void forms_use(size_t size_bytes)
{
    void *block = ground_made(::operator new(size_bytes), size_bytes);
    ::operator delete(block);
    block = ground_made(::operator new[](size_bytes), size_bytes);
    ::operator delete[](block);
    block = ground_made(::operator new(size_bytes, std::nothrow), size_bytes);
    ::operator delete(block, std::nothrow);
    block = ground_made(::operator new(size_bytes), size_bytes);
    ::operator delete(block, size_bytes);
    block = ground_made(::operator new(size_bytes, std::align_val_t(256)), size_bytes);
    EXPECT(reinterpret_cast<uintptr_t>(block) % 256 == 0);
    ::operator delete(block, std::align_val_t(256));
    wide *one = new wide;
    ground_made(one, sizeof *one);
    delete one;
    wide *many = static_cast<wide *>(ground_made(new wide[7], sizeof(wide) * 7));
    delete[] many;
    ground_add(&ground->free_n, 7);
}

static void handler_give_up()
{
    if (++handler_calls == 3)
        std::set_new_handler(nullptr);
}

int main(int argc, char **argv)
{
    ground_open(argc > 1 ? argv[1] : nullptr);
    for (size_t i = 1; i < 200; i++)
        forms_use(i * 16);
    volatile size_t huge = SIZE_MAX / 4;
    int refused = 0;
    std::set_new_handler(handler_give_up);
    for (int i = 0; i < 10; i++) {
        try {
            ground_keep(::operator new(huge));
        } catch (const std::bad_alloc &) {
            refused++;
        }
        refused += ::operator new(huge, std::nothrow) == nullptr;
    }
    say("new: refused %d, handler %d, own operators %s\n", refused, handler_calls,
        replaced_calls > 1000 ? "ran" : "none");
    return 0;
}
