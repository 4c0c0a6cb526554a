# SPDX-License-Identifier: Apache-2.0
"""Programs that use the API: alone they start a recorder, under memscope they join its recording.

Each checks for itself that the recording says what it counted; see tests/targets/api_*.
"""

from case import Case

CASES = (
    Case("api-count", ("{targets}/api_count",), stdout=b"counted\n", timeout_s=60),
    Case("api-measured", ("{targets}/api_measured",), stdout=b"measured\n", timeout_s=60),
    Case("api-measured-legacy", ("{targets}/api_measured", "legacy"), stdout=b"measured\n", timeout_s=60),
    Case("api-new", ("{targets}/api_new",), stdout=b"counted\n", timeout_s=60),
    Case("api-many", ("{targets}/api_many",), stdout=b"all at once\n", timeout_s=120),
    Case("api-legacy", ("{targets}/api_legacy",), stdout=b"legacy\n", timeout_s=60),
    Case("api-optional", ("{targets}/api_optional",), stdout=b"optional\n", timeout_s=60),
)
