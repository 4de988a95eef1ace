#!/usr/bin/env python3
"""One line per workload and server: median CPU per request, and how many times nginx_proxy's it is.

usage: ratio.py RESULTS.jsonl

A ratio compares two runs of one round; the line shows the median of the rounds and their spread. Workloads of
streams show the CPU per event too.
"""

import json
import statistics
import sys
from collections import defaultdict

BASELINE = "nginx_proxy"


def cost(run, what="cpu_us_per_request"):
    return run["watched"].get("server", {}).get(what, 0)


def line(workload, target, rounds, base):
    text = f"{workload}  {target}  {statistics.median(map(cost, rounds.values())):.1f} us/request"
    if any(run["config"]["stream"] for run in rounds.values()):
        text += f"  {statistics.median(cost(run, 'cpu_us_per_chunk') for run in rounds.values()):.2f} us/event"
    ratios = [cost(run) / cost(base[key]) for key, run in rounds.items() if key in base and cost(base[key])]
    if target == BASELINE or not ratios:
        return text
    return f"{text}  {statistics.median(ratios):.2f} x {BASELINE} (spread {min(ratios):.2f}-{max(ratios):.2f})"


def main():
    runs = defaultdict(lambda: defaultdict(dict))
    with open(sys.argv[1]) as results:
        for run in map(json.loads, results):
            runs[run["workload"]][run["target"]][run["repeat"]] = run
    for workload, by_target in runs.items():
        for target, rounds in by_target.items():
            print(line(workload, target, rounds, by_target.get(BASELINE, {})))


if __name__ == "__main__":
    main()
