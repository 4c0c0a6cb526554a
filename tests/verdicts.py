# SPDX-License-Identifier: Apache-2.0
"""What suites of cases have in common: how a case is judged, and how all of them are told."""

import traceback


def judge(case, *arguments):
    """("pass", "FAIL" or "skip", why): a case returns why it was skipped, or raises what is wrong."""
    try:
        skipped = case(*arguments)
    except Exception:  # one test's failure is not the next one's
        return "FAIL", traceback.format_exc()
    return ("skip", skipped) if skipped else ("pass", "")


def tell(results):
    """Prints each (name, result, why) as it comes, and the counts last; returns them by result."""
    counts = {"pass": 0, "FAIL": 0, "skip": 0}
    for name, result, why in results:
        counts[result] += 1
        print(f"{result}  {name}  {why}".rstrip(), flush=True)
    print(f"{counts['pass']} passed, {counts['FAIL']} failed, {counts['skip']} skipped")
    return counts
