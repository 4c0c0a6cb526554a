/* SPDX-License-Identifier: Apache-2.0 */
/* What the recording says of the session as a whole: facts, and what was lost. */
#ifndef MEMSCOPE_COLLECT_FACTS_H
#define MEMSCOPE_COLLECT_FACTS_H

#include "collect/drain.h"
#include "collect/order.h"
#include "collect/segment.h"
#include "heap/model.h"
#include "launch/request.h"

/* The command, the machine, the strategy and the budget. */
void facts_begin(struct model *model, const struct run_request *request,
                 const struct segment *segment);

/* Counters that live outside of the model, as they stand now. */
void facts_update(struct model *model, const struct segment *segment, const struct order *order,
                  const struct images *images, const struct drain *drain,
                  const struct ticks *ticks);

/* "SingleThread", "ThreadLocal", ... as the exports spell an enum wire_strategy. */
const char *facts_strategy_name(uint32_t strategy);

#endif
