#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The memory budget as an outside observer sees it: what recording holds in the program, every 10 ms.

Counted are the session's shared memory (its blocks, whether mapped or not) and the library's own
memory in the target: mappings that are left out of core dumps, and the private pages of its file.
The budget holds at every look, and the totals are exact.
"""
import argparse
import array
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time

LIMIT = 16 * 10 ** 6


def memfd_of(pid):
    """The path of the shared memory that the process (the collector) holds open."""
    try:
        for name in os.listdir(f'/proc/{pid}/fd'):
            path = f'/proc/{pid}/fd/{name}'
            try:
                if os.readlink(path).startswith('/memfd:memscope'):
                    return path
            except OSError:
                pass
    except OSError:
        pass
    return None


def memfd_bytes(path):
    try:
        return os.stat(path).st_blocks * 512 if path else 0
    except OSError:
        return 0


def own_ranges(pid):
    """The library's own memory in the target: what is left out of core dumps, and its file's."""
    ranges, entry = [], ''
    try:
        with open(f'/proc/{pid}/smaps', encoding='utf-8', errors='replace') as file:
            for line in file:
                word = line.split(None, 1)
                if re.match(r'[0-9a-f]+-[0-9a-f]+$', word[0]):
                    entry = line
                elif word[0] == 'VmFlags:':
                    own = 'dd' in word[1].split() and 'memfd:memscope' not in entry and '[v' not in entry
                    if own or 'libmemscope' in entry:
                        start, end = entry.split(None, 1)[0].split('-')
                        ranges.append((int(start, 16), int(end, 16), 'libmemscope' in entry))
    except OSError:
        pass
    return ranges


def private_bytes(pid, ranges):
    """Of these ranges, what is in memory; of files, only pages of the process's own."""
    present, of_file, total = 1 << 63, 1 << 61, 0
    try:
        with open(f'/proc/{pid}/pagemap', 'rb', buffering=0) as file:
            for start, end, is_file in ranges:
                file.seek(start // 4096 * 8)
                pages = array.array('Q', file.read((end - start) // 4096 * 8))
                total += sum(1 for page in pages if page & present and not (is_file and page & of_file))
    except OSError:
        pass
    return total * 4096


class Ranges(threading.Thread):
    """smaps of a program with a thousand threads takes longer than 10 ms: it is read beside."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.ranges, self.looks, self.over = pid, own_ranges(pid), 0, False
        self.start()

    def run(self):
        while not self.over:
            self.ranges = own_ranges(self.pid)
            self.looks += 1
            time.sleep(0.02)


def children(pid):
    try:
        with open(f'/proc/{pid}/task/{pid}/children', encoding='ascii') as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def observe(memscope, target, mode, n, extra):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, 'out.json')
        command = [memscope, 'run', '--max-overhead', '16', '--summary', 'none', '-q', '--no-recording',
                   '-e', 'json', '-o', out] + extra + ['--', target, mode, str(n)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        most, looks, made, gap = 0, 0, None, 0
        shared, targets, last = None, {}, time.monotonic()
        os.set_blocking(process.stdout.fileno(), False)
        while True:
            # The last look is at a program that has made all and waits.
            over = made is not None
            if not shared or not targets or looks % 100 == 0 or over:
                # The collector and the target are children of the launcher, or of its child.
                family = children(process.pid)
                family += [grand for child in family for grand in children(child)]
                found = [memfd_of(pid) for pid in family + [process.pid]]
                shared = next((path for path in found if path), shared)
                for pid in family:
                    if pid not in targets and os.path.basename(os.path.realpath(
                            f'/proc/{pid}/exe')) == os.path.basename(target):
                        targets[pid] = Ranges(pid)
            if over:
                for ranges in targets.values():
                    ranges.ranges = own_ranges(ranges.pid)
            private = sum(private_bytes(pid, ranges.ranges) for pid, ranges in targets.items())
            most = max(most, memfd_bytes(shared) + private)
            looks += 1
            now = time.monotonic()
            gap, last = max(gap, now - last), now
            if over:
                break
            line = process.stdout.readline()
            made = int(line) if line else None
            if process.poll() is not None and made is None:
                sys.exit(f'{mode}: the program ended with {process.returncode}')
            time.sleep(0.008)
        for ranges in targets.values():
            ranges.over = True
        process.stdin.write(b'\n')
        process.stdin.close()
        status = process.wait()
        with open(out, encoding='utf-8', errors='replace') as file:
            result = json.load(file)
    own = result['totals']['allocations'] - made
    print(f'{mode} {n} {" ".join(extra)}: {most / 1e6:.2f} of 16 MB at most in {looks} looks, {1000 * gap:.0f} ms '
          f'apart at most, {made} '
          f'allocations and {own} of libc, status {status}')
    faults = []
    if most == 0:
        faults.append(f'{mode}: nothing was seen')
    if most > LIMIT:
        faults.append(f'{mode}: {most} bytes')
    # Standard output's buffer and what threads need: a few a thread.
    if status != 0 or not 0 <= own <= 20 + (2 * n if mode == 'threads' else 0):
        faults.append(f'{mode}: {result["totals"]["allocations"]} allocations were counted, {made} made')
    if result['loss']['events'] or result['loss']['abandoned_records']:
        faults.append(f'{mode}: {result["loss"]}')
    return faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--memscope', required=True)
    parser.add_argument('--target', required=True)
    parser.add_argument('--scale', type=int, default=1, help='1 = 1 000 threads, 10^6 stacks and tasks')
    options = parser.parse_args()
    faults = []
    for mode, n in (('threads', 1000), ('stacks', 1000000), ('tasks', 1000000)):
        for extra in ([], ['--sample-rate', '0.1']):
            faults += observe(options.memscope, options.target, mode, max(n // options.scale, 100), extra)
    for fault in faults:
        print('FAULT', fault)
    print(f'{max(6 - len(faults), 0)} passed, {len(faults)} failed')
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
