#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The memory budget as an outside observer sees it: what recording holds in the program, every 10 ms.

Counted are the session's shared memory (its blocks, whether mapped or not) and the library's own
memory in the target: mappings that are left out of core dumps, and the private pages of its file.
The budget holds at every look, and the totals are exact.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time

LIMIT = 16 * 10 ** 6


def memfd_bytes(pid):
    """Of the shared memory that the process (the collector) holds open."""
    most = 0
    try:
        for name in os.listdir(f'/proc/{pid}/fd'):
            path = f'/proc/{pid}/fd/{name}'
            try:
                if os.readlink(path).startswith('/memfd:memscope'):
                    most = max(most, os.stat(path).st_blocks * 512)
            except OSError:
                pass
    except OSError:
        pass
    return most


def private_bytes(pid):
    """Of the library in the target."""
    total, entry, rss, private = 0, '', 0, 0
    try:
        with open(f'/proc/{pid}/smaps', encoding='utf-8', errors='replace') as file:
            for line in file:
                word = line.split(None, 1)
                if re.match(r'[0-9a-f]+-[0-9a-f]+$', word[0]):
                    entry, rss, private = line, 0, 0
                elif word[0] == 'Rss:':
                    rss = int(word[1].split()[0]) * 1024
                elif word[0] in ('Private_Dirty:', 'Anonymous:'):
                    private = max(private, int(word[1].split()[0]) * 1024)
                elif word[0] == 'VmFlags:':
                    if 'libmemscope' in entry:
                        total += private
                    elif 'memfd:memscope' not in entry and 'dd' in word[1].split() and '[v' not in entry:
                        total += rss
    except OSError:
        pass
    return total


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
        most, looks, made = 0, 0, None
        os.set_blocking(process.stdout.fileno(), False)
        while True:
            # The last look is at a program that has made all and waits.
            over = made is not None
            # The collector and the target are children of the launcher, or of its child.
            family = children(process.pid)
            family += [grand for child in family for grand in children(child)]
            shared = max([memfd_bytes(pid) for pid in family + [process.pid]] + [0])
            private = sum(private_bytes(pid) for pid in family if os.path.basename(
                os.path.realpath(f'/proc/{pid}/exe')) == os.path.basename(target))
            most = max(most, shared + private)
            looks += 1
            if over:
                break
            line = process.stdout.readline()
            made = int(line) if line else None
            if process.poll() is not None and made is None:
                sys.exit(f'{mode}: the program ended with {process.returncode}')
            time.sleep(0.01)
        process.stdin.write(b'\n')
        process.stdin.close()
        status = process.wait()
        with open(out, encoding='utf-8', errors='replace') as file:
            result = json.load(file)
    own = result['totals']['allocations'] - made
    print(f'{mode} {n} {" ".join(extra)}: {most / 1e6:.2f} of 16 MB at most in {looks} looks, {made} '
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
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
