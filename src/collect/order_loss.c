/* SPDX-License-Identifier: Apache-2.0 */
/* An event counts once: the first half of a realloc says nothing without the second. */
#include "collect/order_loss.h"

void order_lose(struct order *order, unsigned kind)
{
    order->model->loss.event_n += kind == WIRE_ALLOC || kind == WIRE_FREE || kind == WIRE_MAP ||
                                  kind == WIRE_UNMAP || kind == WIRE_REALLOC_END;
}

void order_lose_run(struct order *order, const struct intake_run *run)
{
    for (unsigned i = 0; i < run->n; i++)
        order_lose(order, run->slots[i].head & 0xff & ~(unsigned)WIRE_BY_OTHERS);
}
