# SPDX-License-Identifier: Apache-2.0
"""Holds a recording to what a ground-truth program says of itself: exact to the byte, or it fails.

The program's allocations are known by their sizes (base + task * 256 + step; the program says its
base if it is not 100 000), so neither names nor symbols are needed. For each of them the recording
must name one task of the model, the same for all allocations of one task of the program, another
one for every other.
"""
import subprocess
from collections import defaultdict

BASE, STEPS = 100_000, 256


class Expected:
    def __init__(self, text):
        self.tasks = {}
        self.base = BASE
        for line in text.splitlines():
            fields = line.split()
            if len(fields) == 2 and fields[0] == "base":
                self.base = int(fields[1])
            if len(fields) == 5 and fields[0] == "task":
                self.tasks[int(fields[1])] = tuple(int(field) for field in fields[2:])


class Recorded:
    def __init__(self, dump, recording):
        text = subprocess.run([dump, recording], check=True, capture_output=True).stdout
        self.tasks, self.cells = {}, []
        for line in text.decode(errors="replace").splitlines():
            kind, *fields = line.split("\t")
            if kind == "task":
                numbers = [int(field) for field in fields[:9]]
                self.tasks[numbers[0]] = dict(zip(
                    ("index", "process", "group", "parent", "id", "cell_bytes", "polls", "busy_ns",
                     "ended"), numbers), runtime=fields[9], name=fields[10])
            elif kind == "cell":
                self.cells.append(tuple(int(field) for field in fields))


def numbers_of(cell, base):
    """The program's task numbers at both ends of a cell's sizes; None for other allocations."""
    least, most = cell[7], cell[8]
    if least < base:
        return None
    return (least - base) // STEPS, (most - base) // STEPS


def check(expected, recorded, runtime, parents=True):
    """Sentences that say what is wrong; none when everything is exact."""
    wrong = []
    sums = defaultdict(lambda: [0, 0])
    for cell in recorded.cells:
        numbers = numbers_of(cell, expected.base)
        if numbers is None:
            continue
        if numbers[0] != numbers[1]:
            wrong.append(f"task {cell[2]} holds allocations of {numbers[0]} and of {numbers[1]}")
            continue
        sum_of = sums[numbers[0], cell[2]]
        sum_of[0] += cell[3]
        sum_of[1] += cell[4]
    task_of = {}
    for (number, task), (count, size) in sorted(sums.items()):
        if number in task_of:
            wrong.append(f"allocations of {number} are with task {task_of[number]} and {task}")
        task_of[number] = task
        if (count, size) != expected.tasks.get(number, (0, 0, 0))[:2]:
            wrong.append(f"task {number}: {count} allocations of {size} bytes recorded, "
                         f"{expected.tasks.get(number)} made")
    for number, (count, _, _) in expected.tasks.items():
        if count and number not in task_of:
            wrong.append(f"no allocation of task {number} was recorded")
    wrong += check_tasks(expected, recorded, task_of, runtime, parents)
    return wrong, sum(count for count, _, _ in expected.tasks.values())


def check_tasks(expected, recorded, task_of, runtime, parents):
    wrong = []
    seen = {}
    for number, task in task_of.items():
        if number == 0:
            if task != 0:
                wrong.append(f"what no task allocated is with task {task}")
            continue
        if task == 0:
            wrong.append(f"task {number} was not seen")
        elif task in seen:
            wrong.append(f"tasks {seen[task]} and {number} are one in the recording")
        seen[task] = number
        entry = recorded.tasks[task]
        if entry["runtime"] != runtime:
            wrong.append(f"task {number}: runtime {entry['runtime']!r}")
        parent = expected.tasks[number][2]
        if parents and parent >= 0 and task and entry["parent"] != task_of.get(parent, 0):
            wrong.append(f"task {number}: parent {entry['parent']}, made by {parent}, "
                         f"which is {task_of.get(parent, 0)}")
    ids = [recorded.tasks[task]["id"] for task in seen if task]
    if runtime == "tokio" and len(set(ids)) != len(ids):
        wrong.append("two tasks have the same id of the runtime")
    return wrong
