/* SPDX-License-Identifier: Apache-2.0 */
/* Classes of sizes and lifetimes, inline for the feed. Private to heap/. */
#ifndef MEMSCOPE_HEAP_CLASSES_H
#define MEMSCOPE_HEAP_CLASSES_H

#include "heap/model.h"

/* Quarter decades from 1 us to 1 h, rounded to whole nanoseconds. */
static const uint64_t classes_life_least[MODEL_LIFE_CLASSES + 1] = {
        0,
        1000,
        1778,
        3162,
        5623,
        10000,
        17783,
        31623,
        56234,
        100000,
        177828,
        316228,
        562341,
        1000000,
        1778279,
        3162278,
        5623413,
        10000000,
        17782794,
        31622777,
        56234133,
        100000000,
        177827941,
        316227766,
        562341325,
        1000000000,
        1778279410,
        3162277660,
        5623413252,
        10000000000,
        17782794100,
        31622776602,
        56234132519,
        100000000000,
        177827941004,
        316227766017,
        562341325190,
        1000000000000,
        1778279410039,
        3162277660168,
        UINT64_MAX,
};

/* The class of 2^(bits - 1), where a search for a number of that many bits begins. */
static const uint8_t classes_life_of_bits[65] = {
        0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  1,  2,  3,  4,  5,  7,  8,  9,  10, 11, 13,
        14, 15, 16, 17, 19, 20, 21, 22, 23, 25, 26, 27, 28, 29, 31, 32, 33, 34, 35, 37, 38, 39,
        39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39, 39,
};

static inline unsigned classes_bits(uint64_t value)
{
    return value ? 64 - (unsigned)__builtin_clzll(value) : 0;
}

static inline unsigned classes_size(uint64_t bytes)
{
    if (bytes < 2)
        return (unsigned)bytes;
    unsigned power = classes_bits(bytes) - 1;
    unsigned quarter = (unsigned)(power >= 2 ? bytes >> (power - 2) : bytes << (2 - power)) & 3;
    unsigned size_class = 2 + (power - 1) * 4 + quarter;
    return size_class < MODEL_SIZE_CLASSES ? size_class : MODEL_SIZE_CLASSES - 1;
}

static inline unsigned classes_life(uint64_t ns)
{
    unsigned life_class = classes_life_of_bits[classes_bits(ns)];
    /* At most two classes begin within a power of two. */
    life_class += ns >= classes_life_least[life_class + 1];
    return life_class + (ns >= classes_life_least[life_class + 1]);
}

/* The class of a cell's lifetimes that holds this one: two of them make one. */
static inline unsigned classes_cell_life(unsigned life_class)
{
    unsigned half = (life_class + 1) / 2;
    return half < MODEL_CELL_LIFE_CLASSES ? half : MODEL_CELL_LIFE_CLASSES - 1;
}

static inline unsigned classes_slice_size(uint64_t bytes)
{
    unsigned bits = classes_bits(bytes);
    return bits < MODEL_SLICE_SIZE_CLASSES ? bits : MODEL_SLICE_SIZE_CLASSES - 1;
}

#endif
