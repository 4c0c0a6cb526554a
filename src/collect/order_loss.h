/* SPDX-License-Identifier: Apache-2.0 */
/* Events that there was no memory for: none is passed over without being counted as lost. */
#ifndef MEMSCOPE_COLLECT_ORDER_LOSS_H
#define MEMSCOPE_COLLECT_ORDER_LOSS_H

#include "collect/order.h"

/* What the model said of an event; below 0: it has not taken it. */
static inline void order_fed(struct order *order, int outcome)
{
    if (__builtin_expect(outcome < 0, 0))
        order->model->loss.event_n++;
}

/* A record of this kind, without its flags, that is not fed. */
void order_lose(struct order *order, unsigned kind);

/* All records of a run: of a lane, or of a process, that nothing is known of. */
void order_lose_run(struct order *order, const struct intake_run *run);

#endif
