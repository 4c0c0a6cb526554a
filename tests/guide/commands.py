# SPDX-License-Identifier: Apache-2.0
"""The command lines of the user's specification, block by block, and what each must leave behind.

A block is a name and lines; a line is the command, the formats of the files it must write and the
strategy that its recording must name (None: any). `cargo` in a line marks those that need crates.
"""

from collections import namedtuple

Line = namedtuple("Line", "words exports strategy", defaults=((), None))

BLOCKS = [
    (
        "basic usage",
        [
            Line("memscope analyze --mode auto your_program", ("html",)),
            Line("memscope run --track-async cargo run --bin your_async_app"),
        ],
    ),
    (
        "analyze",
        [
            Line("memscope analyze --mode auto cargo run --bin my_app", ("html",)),
            Line("memscope analyze --strategy async --export html tokio_app", ("html",), "AsyncOptimized"),
            Line("memscope analyze --sample-rate 1.0 --export json intensive_app", ("json",)),
            Line(
                "memscope analyze --strategy thread-local parallel_app --jobs 4",
                ("html",),
                "ThreadLocal",
            ),
        ],
    ),
    (
        "run",
        [
            Line("memscope run --track-async --detailed-tracking cargo run --bin async_server"),
            Line("memscope run --performance-monitoring --max-overhead 32 cargo test"),
            Line(
                "memscope run --track-async --detailed-tracking --performance-monitoring my_program"
            ),
        ],
    ),
    (
        "sampling rates",
        [
            Line("memscope analyze --sample-rate 1.0 performance_critical_app", ("html",)),
            Line("memscope analyze --sample-rate 0.8 regular_app", ("html",)),
            Line("memscope analyze --sample-rate 0.2 production_app", ("html",)),
        ],
    ),
    (
        "memory limits",
        [
            Line("memscope run --max-overhead 16 memory_constrained_app"),
            Line("memscope run --max-overhead 128 analysis_target_app"),
        ],
    ),
    (
        "troubleshooting",
        [
            Line("memscope run --sample-rate 0.5 my_program"),
            Line("memscope run --max-overhead 32 my_program"),
            Line("memscope run --track-async tokio_app"),
            Line("memscope run --strategy async tokio_app", (), "AsyncOptimized"),
            Line("memscope run --strategy thread-local parallel_app --jobs 4", (), "ThreadLocal"),
        ],
    ),
    (
        "debug logging",
        [
            Line("RUST_LOG=debug memscope analyze your_program", ("html",)),
            Line("RUST_LOG=trace memscope run --detailed-tracking your_program"),
        ],
    ),
    (
        "migration",
        [
            Line("memscope analyze my_program", ("html",)),
            Line("memscope analyze --mode unified my_program", ("html",)),
            Line("memscope analyze --mode legacy my_program", ("html",), "Legacy"),
        ],
    ),
    (
        "every option in its other spellings",
        [
            Line("memscope analyze --mode unified --strategy single-thread my_program", ("html",), "SingleThread"),
            Line("memscope analyze --strategy hybrid parallel_app --jobs 4", ("html",), "Hybrid"),
            Line("memscope analyze --strategy auto my_program", ("html",)),
            Line("memscope analyze -e svg -o picture.svg my_program", ("svg",)),
            Line("memscope run -e json -o result.json my_program", ("json",)),
        ],
    ),
]

PLAIN = (
    "your_program my_program intensive_app parallel_app performance_critical_app regular_app "
    "production_app memory_constrained_app analysis_target_app your_server"
).split()
ASYNC = {"tokio_app": "tokio_app", "your_async_app": "tokio_app", "async_server": "async_server"}
