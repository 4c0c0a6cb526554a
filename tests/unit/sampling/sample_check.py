#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Judges sampling: do 95 % intervals hold the truth, and are estimates right on average?

A program is recorded with --detailed-tracking: the truth. Its events then pass through the
library's own sampler for many seeds (sample_replay). Coverage below 95 % is told from chance by
exact binomial tails, shared among all figures (1 % for the family); the mean error has to lie
within what chance allows for so many figures, and within 3 standard errors for the totals. Figures
that rest on under 10 samples for most seeds are not judged: outputs say "few samples" there. With --live the program is run
ten times under sampling, and its totals must lie in the intervals that each run states.
"""
import argparse
import json
import math
import os
import subprocess
import sys
import tempfile

PROGRAMS = {
    'python3': ['python3', '-c', 'import json, re, argparse; x = [str(i) * 3 for i in range(20000)]'],
    'sqlite3': ['sqlite3', ':memory:', 'create table t(a, b); with recursive c(x) as (select 1 union '
                'all select x + 1 from c where x < 30000) insert into t select x, hex(x * 7919) from c; '
                'create index i on t(b); select count(*), max(b) from t group by a % 100;'],
    'git': ['git', '-c', 'core.pager=cat', 'log', '--stat', '-n', '40'],
}
RATES = ['0.5', '0.2', '0.05', '0.01']
FAMILY = 0.01


def tail(n, k, p):
    """P(X <= k) for X binomial."""
    total = 0.0
    for i in range(k + 1):
        total += math.exp(math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1)
                          + i * math.log(p) + (n - i) * math.log(1 - p))
    return min(total, 1.0)


def record(memscope, command, folder):
    path = os.path.join(folder, 'truth.mscope')
    env = dict(os.environ, PYTHONMALLOC='malloc', PYTHONHASHSEED='0')
    done = subprocess.run([memscope, 'run', '--detailed-tracking', '--summary', 'none', '-q', '-o', path,
                           '--'] + command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if not os.path.exists(path):
        sys.exit('no recording: ' + done.stderr.decode(errors='replace'))
    return path


def judge(name, text):
    rows = [line.split() for line in text.splitlines()]
    judged = [r for r in rows if float(r[4]) < 0.5]
    faults, low, worst = [], 1.0, 0.0
    for rate, group, figure, truth, few, held, seeds, error in judged:
        held, seeds, error = int(held), int(seeds), abs(float(error))
        chance = tail(seeds, held, 0.95)
        low, worst = min(low, held / seeds), max(worst, error)
        where = f'{name} rate {rate} site {group} {figure} (truth {truth}, few in {few})'
        if chance < FAMILY / len(judged):
            faults.append(f'{where}: held in {held} of {seeds}')
        # Two-sided, shared among all figures.
        if math.erfc(error / math.sqrt(2)) < FAMILY / len(judged):
            faults.append(f'{where}: mean error {error:.2f} standard errors')
    total = [r for r in judged if r[1] == '-1']
    print(f'{name}: {len(judged)} figures judged, {len(rows) - len(judged)} with few samples; lowest '
          f'coverage {low:.3f}, largest mean error {worst:.2f} standard errors '
          f'({max((abs(float(r[7])) for r in total), default=0):.2f} of totals)')
    return faults


def live(memscope, command, folder, truth):
    """Ten sampled runs: their exact totals and their intervals against the full recording's."""
    faults = 0
    for seed in range(10):
        path = os.path.join(folder, 'live.json')
        env = dict(os.environ, PYTHONMALLOC='malloc', PYTHONHASHSEED='0', MEMSCOPE_SEED=str(seed + 1))
        subprocess.run([memscope, 'run', '--sample-rate', '0.05', '--summary', 'none', '-q', '--no-recording',
                        '-e', 'json', '-o', path, '--'] + command, env=env,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(path, encoding='utf-8', errors='replace') as file:
            run = json.load(file)
        drift = abs(run['totals']['allocations'] - truth['totals']['allocations'])
        if drift > 0.002 * truth['totals']['allocations']:
            print(f'live run {seed}: {run["totals"]["allocations"]} allocations, not '
                  f'{truth["totals"]["allocations"]}')
            faults += 1
        for key in ('allocations', 'allocated_bytes'):
            least, most = run['sampling']['interval95'][key]
            slack = 0.002 * truth['totals'][key]
            if not least - slack <= truth['totals'][key] <= most + slack:
                print(f'live run {seed}: {key} {truth["totals"][key]} outside [{least}, {most}]')
                faults += 0.34  # two in twenty are expected to miss
    return ['live runs differ from the recording'] if faults >= 2 else []


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--memscope', required=True)
    parser.add_argument('--replay', required=True)
    parser.add_argument('--seeds', default='1000')
    parser.add_argument('--quick', action='store_true', help='one small program')
    parser.add_argument('--live', action='store_true')
    options = parser.parse_args()
    programs = {'python3': ['python3', '-S', '-c', 'pass']} if options.quick else PROGRAMS
    faults = []
    for name, command in programs.items():
        with tempfile.TemporaryDirectory() as folder:
            path = record(options.memscope, command, folder)
            done = subprocess.run([options.replay, path, options.seeds] + RATES, stdout=subprocess.PIPE,
                                  check=True)
            faults += judge(name, done.stdout.decode())
            if options.live:
                out = os.path.join(folder, 'truth.json')
                subprocess.run([options.memscope, 'report', path, '-e', 'json', '-o', out],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
                with open(out, encoding='utf-8', errors='replace') as file:
                    faults += live(options.memscope, command, folder, json.load(file))
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
