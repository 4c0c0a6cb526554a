/* SPDX-License-Identifier: Apache-2.0 */
/* How the collector shares the processors with the program. */
#ifndef MEMSCOPE_COLLECT_PRIORITY_H
#define MEMSCOPE_COLLECT_PRIORITY_H

/*
 * The calling thread, and those that it starts from now on, push no other thread off its processor
 * when they wake. They get their share all the same. Where the user has chosen a policy it stands.
 */
void priority_step_back(void);

#endif
