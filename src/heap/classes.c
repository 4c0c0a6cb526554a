/* SPDX-License-Identifier: Apache-2.0 */
/* Classes of sizes and lifetimes: what a histogram's bars stand for. */
#include "heap/classes.h"

unsigned model_size_class(uint64_t bytes)
{
    return classes_size(bytes);
}

uint64_t model_size_class_least(unsigned size_class)
{
    if (size_class < 2)
        return size_class;
    unsigned power = (size_class - 2) / 4 + 1;
    uint64_t quarters = 4 + (size_class - 2) % 4;
    return ((quarters << power) + 3) >> 2;
}

unsigned model_life_class(uint64_t ns)
{
    return classes_life(ns < UINT64_MAX ? ns : ns - 1);
}

uint64_t model_life_class_least(unsigned life_class)
{
    return classes_life_least[life_class < MODEL_LIFE_CLASSES ? life_class
                                                              : MODEL_LIFE_CLASSES - 1];
}

unsigned model_cell_life_class(uint64_t ns)
{
    return classes_cell_life(model_life_class(ns));
}

uint64_t model_cell_life_class_least(unsigned cell_life_class)
{
    return cell_life_class ? model_life_class_least(cell_life_class * 2 - 1) : 0;
}

unsigned model_slice_size_class(uint64_t bytes)
{
    return classes_slice_size(bytes);
}
