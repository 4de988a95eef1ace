#!/usr/bin/env python3
"""Runs workloads against proxies and prints one table row per run.

The server under test has core 0 for itself; mock and load client share core 1.
The exit status is 1 if any answer was wrong or any run failed; timings never matter to it.
"""

import argparse
import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import targets
from workloads import WORKLOADS

SERVER_CORE, LOAD_CORE = 0, 1


def run_load(build, url, target, mock, workload, extra):
    command = ["taskset", "-c", str(LOAD_CORE), f"{build}/load_client", "--url", url, "--model", targets.MODEL]
    command += ["--watch", f"mock={mock.pids[0]}"]
    if target:
        command += ["--watch", "server=" + ",".join(map(str, target.pids))]
        for header in target.headers:
            command += ["--header", header]
    result = subprocess.run(command + workload["load"] + extra, capture_output=True, text=True)
    if not result.stdout:
        raise RuntimeError(result.stderr)
    return json.loads(result.stdout)


def busy_seconds():
    with open("/proc/stat") as stat:
        user, nice, system, _, _, irq, softirq = map(int, stat.readline().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def wait_until_quiet(limit, seconds):
    """Waits until the machine's other work uses fewer than `limit` cores."""
    end = time.time() + seconds
    while time.time() < end:
        before = busy_seconds()
        time.sleep(1)
        if busy_seconds() - before < limit:
            return


@contextlib.contextmanager
def exclusive(path):
    """Holds a lock file, so that two benchmarks never run at once."""
    if not path:
        yield
        return
    with open(path, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Attached:
    """A server that already runs, from NAME=URL,PID[,PID...]."""

    def __init__(self, spec, headers):
        self.name, rest = spec.split("=", 1)
        self.address, *pids = rest.split(",")
        self.pids = [int(pid) for pid in pids]
        self.headers = headers

    def url(self, tls=False):
        return self.address

    def problems(self, sent):
        return []

    def stop(self):
        pass


def row(name, workload, data):
    server = data["watched"].get("server", {})
    rss = server.get("rss_peak_kib", 0) - server.get("rss_launch_kib", 0)
    latency, transit, ttft = data["latency_us"], data["chunk_transit_us"], data["ttft_us"]
    return (f"{workload:14} {name:14} {data['rps']:9.0f} {data['chunks_per_s']:9.0f} "
            f"{server.get('cpu_us_per_request', 0):9.1f} {server.get('cpu_us_per_chunk', 0):8.2f} "
            f"{server.get('cpu_cores', 0):5.2f} {latency['p50']:8} {latency['p99']:8} "
            f"{ttft['p50']:8} {ttft['p99']:8} {transit['p50']:7} {transit['p99']:7} "
            f"{server.get('rss_launch_kib', 0):8} {rss:8} {data['peak_in_flight']:6} "
            f"{'NO' if data['problems'] else 'yes':4} {data['other_cpu_cores']:5.2f}")


HEADER = (f"{'workload':14} {'target':14} {'rps':>9} {'chunks/s':>9} {'us/req':>9} {'us/chnk':>8} "
          f"{'cores':>5} {'lat50':>8} {'lat99':>8} {'ttft50':>8} {'ttft99':>8} {'trn50':>7} "
          f"{'trn99':>7} {'rss0KiB':>8} {'+rssKiB':>8} {'flight':>6} {'ok':4} {'other':>5}")


def supported(name, workload):
    """Only some of the reference servers speak TLS; attached ones are taken as they are."""
    return not WORKLOADS[workload].get("tls") or name in targets.WITH_TLS or name not in targets.STARTERS


def problems(data, server):
    """What was wrong with a run, judged by the load client, the mock and the server."""
    found = []
    if not data["lossless"]:
        found.append(f"answers: {data['outcomes']}")
    seen = targets.mock_stats()
    found += [f"the mock counts {seen[name]} {name}" for name in ("corrupt", "aborted") if seen[name]]
    return found + (server.problems(data["started"]) if server else [])


def measure(args, directory, name, starter, workload_name):
    workload = WORKLOADS[workload_name]
    mock = targets.mock(args.build, LOAD_CORE, workload.get("mock", ""))
    server = None
    try:
        server = starter(directory, SERVER_CORE)
        url = (server or mock).url(workload.get("tls", False))
        data = run_load(args.build, url, server, mock, workload, args.extra.split())
        data["problems"] = problems(data, server)
        return data
    except (RuntimeError, OSError) as error:
        print(f"{workload_name} {name}: {error}", file=sys.stderr)
        return None
    finally:
        if server:
            server.stop()
        mock.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, help="directory with the two programs")
    parser.add_argument("--targets", default="direct,nginx_proxy,haproxy")
    parser.add_argument("--workloads", default="w1")
    parser.add_argument("--attach", action="append", default=[], help="NAME=URL,PID[,PID...]")
    parser.add_argument("--header", action="append", default=[], help="for attached servers")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--quiet", type=float, default=0.1,
                        help="repeat a run while other processes used more cores than this")
    parser.add_argument("--wait", type=float, default=60, help="seconds to wait for a quiet machine")
    parser.add_argument("--tries", type=int, default=5)
    parser.add_argument("--lock", help="lock file to hold during each run")
    parser.add_argument("--nice", type=int, default=0, help="priority of everything that is measured")
    parser.add_argument("--extra", default="", help="further load client options")
    parser.add_argument("--out", default="results.jsonl")
    args = parser.parse_args()

    starters = {name: targets.STARTERS[name] for name in args.targets.split(",") if name}
    for spec in args.attach:
        server = Attached(spec, args.header)
        starters[server.name] = lambda directory, core, server=server: server
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.nice(args.nice)
    directory = tempfile.mkdtemp(prefix="gateway_bench_")
    targets.prepare(directory)
    failed = False
    print(HEADER, flush=True)
    with open(args.out, "a") as out:
        for repeat in range(args.repeat):
            for workload in args.workloads.split(","):
                for name, starter in starters.items():
                    if not supported(name, workload):
                        continue
                    for attempt in range(args.tries):
                        wait_until_quiet(args.quiet, args.wait)
                        with exclusive(args.lock):
                            data = measure(args, directory, name, starter, workload)
                        if data is None or data["other_cpu_cores"] <= args.quiet:
                            break
                    if data is None:
                        failed = True
                        continue
                    data.update(target=name, workload=workload, repeat=repeat, time=time.time())
                    out.write(json.dumps(data) + "\n")
                    out.flush()
                    print(row(name, workload, data), flush=True)
                    for problem in data["problems"]:
                        failed = True
                        print(f"{workload} {name}: {problem}", file=sys.stderr)
    shutil.rmtree(directory)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
