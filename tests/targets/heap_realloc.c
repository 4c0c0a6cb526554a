/* SPDX-License-Identifier: Apache-2.0 */
/* Hazards 27, 28, 29, 31, 34: realloc in all its outcomes, errno kept, huge refusals, NULL. */
#include <errno.h>

#include "ground.h"

int main(int argc, char **argv)
{
    ground_open(argc > 1 ? argv[1] : NULL);
    volatile size_t zero = 0, huge = SIZE_MAX / 2;
    for (size_t i = 1; i < 1000; i++) {
        char *block = ground_malloc(i);
        memset(block, (int)i, i);
        block = ground_realloc(block, i);      /* of equal size */
        block = ground_realloc(block, i * 10); /* grown, often moved */
        EXPECT(block[0] == (char)i && block[i - 1] == (char)i);
        errno = 0;
        EXPECT(ground_keep(realloc(block, huge)) == NULL && errno == ENOMEM);
        EXPECT(block[0] == (char)i && block[i - 1] == (char)i);
        errno = 0;
        EXPECT(reallocarray(block, huge, 16) == NULL && errno == ENOMEM);
        block = ground_realloc(block, i / 2 + 1); /* shrunk in place */
        if (i % 2)
            ground_free(block);
        else
            EXPECT(ground_realloc(block, zero) == NULL);
        block = ground_realloc(NULL, zero); /* a live block of no size */
        EXPECT(block != NULL);
        ground_free(block);
    }
    char *big = ground_malloc((size_t)5 << 30);
    if (big) {
        big[0] = 1;
        big = ground_realloc(big, (size_t)6 << 30); /* mremap moves it */
        EXPECT(big[0] == 1);
        ground_free(big);
    }
    for (int number = 1; number < 130; number++) {
        errno = number;
        ground_free(NULL);
        EXPECT(errno == number);
        void *block = ground_malloc((size_t)number * 3000); /* some are mmapped, free unmaps */
        EXPECT(errno == number);
        block = ground_realloc(block, (size_t)number * 5000);
        EXPECT(errno == number);
        ground_free(block);
        EXPECT(errno == number);
    }
    say("realloc: %s\n", big ? "5 GiB too" : "no 5 GiB here");
    return 0;
}
