/* SPDX-License-Identifier: Apache-2.0 */
/* A C program to be symbolized: inlined calls, nested ones, static and cold code. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shape {
    int width, height;
    struct shape *next;
};

static inline __attribute__((always_inline)) struct shape *shape_new(int width, int height)
{
    struct shape *shape = malloc(sizeof *shape);
    if (!shape)
        abort();
    shape->width = width;
    shape->height = height;
    return shape;
}

static inline __attribute__((always_inline)) struct shape *shape_square(int side)
{
    struct shape *shape = shape_new(side, side);
    shape->next = NULL;
    return shape;
}

static __attribute__((noinline)) struct shape *shape_list(int n)
{
    struct shape *head = NULL;
    for (int i = 0; i < n; i++) {
        struct shape *shape = i % 3 ? shape_square(i) : shape_new(i, 2 * i);
        shape->next = head;
        head = shape;
    }
    return head;
}

static long shape_area(const struct shape *shape)
{
    long area = 0;
    for (; shape; shape = shape->next)
        area += (long)shape->width * shape->height;
    return area;
}

static int shape_compare(const void *left, const void *right)
{
    const int *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

static __attribute__((noinline, cold)) void shape_complain(const char *what)
{
    fprintf(stderr, "shapes: %s\n", what);
    exit(1);
}

static __attribute__((noinline)) void shape_free(struct shape *shape)
{
    while (shape) {
        struct shape *next = shape->next;
        free(shape);
        shape = next;
    }
}

int main(int argc, char **argv)
{
    if (argc > 3)
        shape_complain(argv[3]);
    struct shape *list = shape_list(argc + 10);
    int sides[8];
    for (int i = 0; i < 8; i++)
        sides[i] = (i * 5) % 8;
    qsort(sides, 8, sizeof *sides, shape_compare);
    char *text = strdup(argv[0]);
    printf("%ld %d %zu\n", shape_area(list), sides[0], text ? strlen(text) : 0);
    free(text);
    shape_free(list);
    return 0;
}
