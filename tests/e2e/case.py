# SPDX-License-Identifier: Apache-2.0
"""What a case is: a command, what must hold bare, and what memscope must report about it."""

from dataclasses import dataclass, field
from typing import Callable, Optional


@dataclass(frozen=True)
class Ground:
    """What the target itself counted, in the page that {counts} names (tests/targets/ground.h).

    extra_n and extra_bytes allow for what libc allocates beside the target's own calls: the upper
    edge only, nothing may ever be missing. in_flight allows for calls that a sudden death cut
    between the real call and the target's own counter.
    """

    extra_n: int = 0
    extra_bytes: int = 0
    in_flight: int = 0
    frees: bool = True
    oracle: bool = True  # False: valgrind cannot say, it counts failed calls or sees one process


@dataclass(frozen=True)
class Case:
    """One program, run bare and watched; both runs must look the same from outside."""

    name: str
    command: tuple
    stdin: bytes = b""
    env: dict = field(default_factory=dict)
    timeout_s: float = 30.0
    slow: bool = False  # left out of --quick
    needs: tuple = ()  # names of requirements.py
    status: Optional[int] = 0  # expected bare; negative is a signal, None is any
    stdout: Optional[bytes] = None  # expected bare, where the target does not check itself
    ground: Optional[Ground] = None
    processes: Optional[int] = None  # recorded processes at least
    exact: Optional[dict] = None  # totals known from outside, e.g. {"alloc_n": 0}
    recorded: bool = True  # False: memscope cannot see into it, it must only stay unharmed
    may_lose: bool = False  # a loss is allowed where it is stated
    crowded: bool = False  # processes come faster than the memory of ended ones: no stacks for some
    quiet: bool = True  # False: without -q, memscope's own lines are taken off stderr
    options: tuple = ()  # more options of memscope run
    modes: tuple = ("", "legacy")  # the modes that a full run tries
    through: tuple = ()  # words before the memscope command (and before the bare one)
    prepare: Optional[Callable] = None  # prepare(Work): makes files before each run
    drive: Optional[Callable] = None  # drive(Running): acts on the running program
    clean: Optional[Callable] = None  # clean(bytes) -> bytes: takes off what differs by nature
    judge: Optional[Callable] = None  # judge(Outcome bare, Outcome watched) -> list of faults
    oracle: bool = False  # deterministic: its totals must be valgrind's, in every run
    within: float = 0.0  # as a part of one; where a program is nearly deterministic
    alone: bool = False  # the command is words for memscope itself; there is no bare run
    verb: str = "run"
    dashes: bool = True  # False: nothing but the command's first word ends the options
    leaves: bool = False  # the bare program leaves processes behind
