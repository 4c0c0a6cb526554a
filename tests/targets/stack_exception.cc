/* SPDX-License-Identifier: Apache-2.0 */
/* Hazards 8, 52: exceptions and longjmp through frames that have just used the heap. */
#include <csetjmp>
#include <stdexcept>
#include <string>
#include <vector>

extern "C" {
#include "ground.h"
}

static jmp_buf back;

struct guard {
    void *block;
    explicit guard(size_t size_bytes) : block(ground_malloc(size_bytes))
    {
    }
    guard(const guard &) = delete;
    guard &operator=(const guard &) = delete;
    ~guard()
    {
        ground_free(block);
    }
};

static int dig(int depth)
{
    guard held(static_cast<size_t>(depth) * 10);
    if (depth == 0)
        throw std::runtime_error("the bottom");
    return dig(depth - 1) + 1;
}

static void jump(int depth)
{
    ground_free(ground_malloc(static_cast<size_t>(depth)));
    if (depth == 0)
        longjmp(back, 1);
    jump(depth - 1);
    ground_keep(&depth);
}

int main()
{
    int caught = 0;
    for (int i = 0; i < 2000; i++) {
        try {
            dig(i % 50);
        } catch (const std::runtime_error &error) {
            caught += std::string(error.what()) == "the bottom";
        }
        try {
            std::vector<int> none;
            caught += none.at(static_cast<size_t>(i));
        } catch (const std::out_of_range &) {
            caught++;
        }
    }
    for (volatile int i = 0; i < 1000; i++)
        if (setjmp(back) == 0)
            jump(i % 30);
    say("exceptions: %d caught\n", caught);
    return 0;
}
