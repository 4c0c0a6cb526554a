/* SPDX-License-Identifier: Apache-2.0 */
/* run and analyze: record a program, then say what was seen, then end as it did. */
#include "cli/cli.h"

int verb_run(const struct cli *cli, const struct settings *settings)
{
    return verb_later(cli, settings);
}

int verb_report(const struct cli *cli, const struct settings *settings)
{
    return verb_later(cli, settings);
}

int verb_info(const struct cli *cli, const struct settings *settings)
{
    return verb_later(cli, settings);
}
