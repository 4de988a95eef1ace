#!/usr/bin/env python3
"""Medians over the rounds of a results file, as ratios to one of the servers.

usage: summary.py RESULTS.jsonl [BASELINE, default nginx_proxy]

"added" is the latency, for streams the time to the first content piece, less
that of the "direct" runs.
"""

import json
import statistics
import sys
from collections import defaultdict


def median(runs, value):
    return statistics.median(value(run) for run in runs)


def delay(run, quantile):
    return run["ttft_us" if run["config"]["stream"] else "latency_us"][quantile]


def main():
    baseline = sys.argv[2] if len(sys.argv) > 2 else "nginx_proxy"
    groups = defaultdict(lambda: defaultdict(list))
    with open(sys.argv[1]) as results:
        for line in results:
            run = json.loads(line)
            groups[run["workload"]][run["target"]].append(run)

    print(f"{'workload':14} {'target':14} {'rounds':>6} {'us/req':>9} {'spread':>6} {'ratio':>6} {'us/chunk':>8} "
          f"{'added p50':>9} {'added p99':>9} {'KiB/conn':>8} {'ok':4}")
    for workload, by_target in groups.items():
        def cpu(run):
            return run["watched"].get("server", {}).get("cpu_us_per_request", 0)

        base = median(by_target[baseline], cpu) if by_target.get(baseline) else 0
        for target, runs in by_target.items():
            cost = median(runs, cpu)
            spread = (max(map(cpu, runs)) - min(map(cpu, runs))) / cost if cost else 0
            direct = by_target.get("direct", [])
            added = [median(runs, lambda run, q=q: delay(run, q)) -
                     (median(direct, lambda run, q=q: delay(run, q)) if direct else 0) for q in ("p50", "p99")]
            chunk = median(runs, lambda run: run["watched"].get("server", {}).get("cpu_us_per_chunk", 0))
            memory = median(runs, lambda run: (
                run["watched"].get("server", {}).get("rss_peak_kib", 0) -
                run["watched"].get("server", {}).get("rss_launch_kib", 0)) / run["config"]["connections"])
            print(f"{workload:14} {target:14} {len(runs):6} {cost:9.1f} {spread:6.0%} {cost / base if base else 0:6.2f} "
                  f"{chunk:8.2f} {added[0]:9.0f} {added[1]:9.0f} {memory:8.1f} "
                  f"{'yes' if all(not run['problems'] for run in runs) else 'NO':4}")


if __name__ == "__main__":
    main()
