#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Judges sampling: do 95 % intervals hold the truth, and are estimates right on average?

Programs of the bench are recorded with --detailed-tracking: the truth. Their events then pass
through the library's own sampler for many seeds (sample_replay). Coverage below 95 % is told from
chance by exact binomial tails, shared among all figures of all programs (1 % for the family). The
mean error has to lie within 3 standard errors; of a thousand figures some pass that by chance, so
one that does is looked at again over four times as many other seeds. Seeds in which a figure says
"few samples" promise nothing; where that is most of them the figure is not judged. With --live each
program is also run ten times under sampling, and those runs are held against the recording.
"""
import argparse
import json
import math
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '../../../bench'))

import programs as bench  # noqa: E402  (the path must be set first)

PROGRAMS = ('sqlite', 'python', 'cc1plus', 'perl')
RATES = ['0.5', '0.2', '0.05', '0.01']
LIVE_RATES = ['0.2', '0.05', '0.01']  # above 0.25 a live run records all
LIVE_RUNS = 10
FAMILY = 0.01
ERRORS_MOST = 3  # standard errors
DRIFT = 0.003    # of one live run from another


def tail(n, k, p):
    """P(X <= k) for X binomial."""
    total = 0.0
    for i in range(k + 1):
        total += math.exp(math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1)
                          + i * math.log(p) + (n - i) * math.log(1 - p))
    return min(total, 1.0)


class Figure:
    """What sample_replay says of one figure."""

    def __init__(self, program, line):
        self.program = program
        self.rate, self.group, self.kind, self.truth, few, held, seeds, error = line.split()
        self.few, self.held, self.seeds, self.error = int(few), int(held), int(seeds), float(error)
        self.promised = self.seeds - self.few

    def key(self):
        return self.rate, self.group, self.kind

    def is_judged(self):
        return 2 * self.promised > self.seeds

    def __str__(self):
        group = 'total' if self.group == '-1' else 'site ' + self.group
        return f'{self.program} at {self.rate}, {group}, {self.kind} {self.truth}'


def replay(options, program, path, first, seeds, rates):
    words = [options.replay, path, str(first), str(seeds)] + rates
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True)
    return [Figure(program, line) for line in done.stdout.decode().splitlines()]


def record(memscope, command, env, folder):
    path = os.path.join(folder, 'truth.mscope')
    done = subprocess.run([memscope, 'run', '--detailed-tracking', '--summary', 'none', '-q', '-o', path,
                           '--'] + command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if not os.path.exists(path):
        sys.exit('no recording: ' + done.stderr.decode(errors='replace'))
    return path


def biased(options, program, path, judged):
    """The figures whose mean error is no chance."""
    rates = sorted({f.rate for f in judged if abs(f.error) > ERRORS_MOST})
    if not rates:
        return []
    suspect = {f.key() for f in judged if abs(f.error) > ERRORS_MOST}
    again = replay(options, program, path, options.seeds + 1, 4 * options.seeds, rates)
    return [f'{f}: mean error {f.error:.2f} standard errors over {f.seeds} seeds'
            for f in again if f.key() in suspect and abs(f.error) > ERRORS_MOST]


def uncovered(judged):
    faults = []
    for figure in judged:
        if tail(figure.promised, figure.held, 0.95) < FAMILY / len(judged):
            faults.append(f'{figure}: held in {figure.held} of {figure.promised}')
    return faults


def sites_of(run):
    """{names of a stack: site}; stacks that occur twice are left out."""
    found = {}
    for site in run['sites']:
        frames = [run['frames'][i] for i in site['stack']]
        key = tuple((f.get('function'), f.get('line')) for f in frames)
        found[key] = None if key in found else site
    return found


def holds(interval, truth):
    return interval[0] * (1 - DRIFT) - 1 <= truth <= interval[1] * (1 + DRIFT) + 1


def exact_faults(run, truth):
    """Totals that are exact at every rate, and figures that should say how weak they are."""
    faults = []
    for key in ('allocations', 'allocated_bytes'):
        if not holds(run['sampling']['interval95'][key], truth['totals'][key]):
            faults.append(f'{key} {truth["totals"][key]} outside {run["sampling"]["interval95"][key]}')
    for site in run['sites']:
        if 'interval95' in site and site['samples'] < 10 and not site['few_samples']:
            low, high = site['interval95']['allocations']
            if low != high:
                faults.append(f'a site with {site["samples"]} samples does not say so')
    return faults


def live(memscope, program, folder, truth):
    """Ten sampled runs: their intervals of totals and of the top 20 sites against the recording."""
    sites = sites_of(truth)
    top = sorted((key for key in sites if sites[key]), key=lambda key: -sites[key]['allocated_bytes'])[:20]
    held, seen, totals_missed = {}, {}, []
    for seed in range(LIVE_RUNS):
        path = os.path.join(folder, 'live.json')
        env = dict(os.environ, **program.env, MEMSCOPE_SEED=str(seed + 1))
        rate = LIVE_RATES[seed % len(LIVE_RATES)]
        subprocess.run([memscope, 'run', '--sample-rate', rate, '--summary', 'none', '-q', '--no-recording',
                        '-e', 'json', '-o', path, '--'] + program.words, env=env,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(path, encoding='utf-8', errors='replace') as file:
            run = json.load(file)
        totals_missed += [f'{program.name} live at {rate}: {fault}' for fault in exact_faults(run, truth)]
        found = sites_of(run)
        for key in top:
            site = found.get(key)
            if not site or 'interval95' not in site or site['few_samples']:
                continue
            for kind in ('allocations', 'allocated_bytes', 'peak_bytes', 'leaked_bytes'):
                low, high = site['interval95'][kind]
                if sites[key][kind] and low != high:
                    seen[kind] = seen.get(kind, 0) + 1
                    held[kind] = held.get(kind, 0) + holds((low, high), sites[key][kind])
    print(f'{program.name}: {LIVE_RUNS} live runs, sites held '
          + ', '.join(f'{kind} {held[kind]} of {seen[kind]}' for kind in seen))
    # One total in twenty is expected to miss.
    faults = totals_missed if len(totals_missed) > 4 else []
    for kind, n in seen.items():
        if tail(n, held[kind], 0.95) < FAMILY / 16:
            faults.append(f'{program.name} live: {kind} of sites held in {held[kind]} of {n}')
    return faults


def check(options, program):
    """Returns the figures that are judged, and faults."""
    with tempfile.TemporaryDirectory() as folder:
        env = dict(os.environ, **program.env)
        path = record(options.memscope, program.words, env, folder)
        figures = replay(options, program.name, path, 1, options.seeds, RATES)
        judged = [f for f in figures if f.is_judged()]
        faults = biased(options, program.name, path, judged)
        print(f'{program.name}: {len(judged)} figures judged, {len(figures) - len(judged)} with few samples; '
              f'lowest coverage {min(f.held / f.promised for f in judged):.3f}, largest mean error '
              f'{max(abs(f.error) for f in judged):.2f} standard errors', flush=True)
        if options.live:
            out = os.path.join(folder, 'truth.json')
            subprocess.run([options.memscope, 'report', path, '-e', 'json', '-o', out],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
            with open(out, encoding='utf-8', errors='replace') as file:
                faults += live(options.memscope, program, folder, json.load(file))
    return judged, faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--memscope', required=True)
    parser.add_argument('--replay', required=True)
    parser.add_argument('--seeds', type=int, default=1000)
    parser.add_argument('--quick', action='store_true', help='one small program')
    parser.add_argument('--live', action='store_true')
    parser.add_argument('--only', action='append', metavar='PROGRAM')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.quick:
            words = [bench.interpreter(), '-S', '-c', 'pass']
            chosen = [bench.Program('python-start', words, {'PYTHONMALLOC': 'malloc'}, False, ())]
        else:
            chosen = [p for p in bench.real_programs(folder) if p.name in (options.only or PROGRAMS)]
        judged, faults = [], []
        for program in chosen:
            found, wrong = check(options, program)
            judged, faults = judged + found, faults + wrong
    faults += uncovered(judged)
    for fault in faults:
        print(fault)
    print(f'{len(judged)} passed, {len(faults)} failed')
    return 1 if faults or (len(chosen) < 3 and not options.quick and not options.only) else 0


if __name__ == '__main__':
    sys.exit(main())
