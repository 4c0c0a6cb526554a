#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A deterministic program at several rates: totals are the same at each, and a seed repeats a run.

Half-way also: with more threads, and with rates at which full recording costs less (0.8, 0.5).
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

EXACT = ('allocations', 'allocated_bytes', 'frees', 'reallocs')


def run(memscope, rate, seed, command):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, 'out.json')
        done = subprocess.run([memscope, 'run', '--sample-rate', rate, '--summary', 'none', '-q', '--no-recording',
                               '-e', 'json', '-o', out, '--'] + command, input=b'\n', stdout=subprocess.DEVNULL,
                              env=dict(os.environ, MEMSCOPE_SEED=seed))
        if done.returncode != 0:
            sys.exit(f'{command} at {rate}: status {done.returncode}')
        with open(out, encoding='utf-8', errors='replace') as file:
            return json.load(file)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--memscope', required=True)
    parser.add_argument('--target', required=True)
    options = parser.parse_args()
    faults = []
    for mode, n in (('tasks', '60000'), ('threads', '40')):
        command = [options.target, mode, n]
        full = run(options.memscope, '1.0', '1', command)
        for rate in ('0.8', '0.5', '0.2', '0.01', '0'):
            sampled = run(options.memscope, rate, '1', command)
            for key in EXACT:
                if sampled['totals'][key] != full['totals'][key]:
                    faults.append(f'{mode} at {rate}: {key} {sampled["totals"][key]}, not {full["totals"][key]}')
            if (rate in ('0.8', '0.5')) != ('sampling' not in sampled):
                faults.append(f'{mode} at {rate}: sampled where it should not be, or not where it should')
            least = float(rate) * 0.7
            if rate in ('0.2', '0.01') and not least <= sampled['sampling']['effective_rate'] <= 2 * float(rate) + 0.05:
                faults.append(f'{mode} at {rate}: effective rate {sampled["sampling"]["effective_rate"]}')
            if sampled['loss']['events'] or sampled['totals']['unknown_frees']:
                faults.append(f'{mode} at {rate}: {sampled["loss"]}')
    command = [options.target, 'tasks', '60000']
    first, again, other = (run(options.memscope, '0.05', seed, command)['sampling']['samples']
                           for seed in ('7', '7', '8'))
    if first != again or first == other:
        faults.append(f'samples with seeds 7, 7, 8: {first}, {again}, {other}')
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
