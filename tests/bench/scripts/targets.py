"""Servers under test: how each one is configured, started and found in /proc."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOCK_PORT = 9100
HUB_PORT = 9210
KEY = "sk-bench-0500"
ADMIN_TOKEN = "bench-admin-token"
MODEL = "gpt-4o"  # one whose tokens the hub counts exactly; the mock and the other proxies take any
KEYS = 1000       # of the hub; those of nginx's map are as many
SMALL_JSON = ('{"id":"chatcmpl-0","object":"chat.completion","choices":[{"index":0,"message":'
              '{"role":"assistant","content":"%s"}}]}' % ("x" * 600))


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for_port(port, process, seconds=20):
    end = time.time() + seconds
    while time.time() < end:
        if process.poll() is not None:
            raise RuntimeError(f"server exited with {process.returncode}")
        if listens(port):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}")


def children(pid):
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()]


class Target:
    """A running server. `pids` are the processes whose cost is measured."""

    def __init__(self, name, command, port, core=None, tls_port=None, headers=(),
                 path="/v1/chat/completions", workers_only=False, env=None, log=None):
        self.name, self.port, self.tls_port = name, port, tls_port
        self.headers, self.path = list(headers), path
        prefix = ["taskset", "-c", str(core)] if core is not None else []
        if listens(port):
            raise RuntimeError(f"port {port} is in use")
        out = open(log, "w") if log else subprocess.DEVNULL
        self.process = subprocess.Popen(prefix + command, stdout=out, stderr=subprocess.STDOUT,
                                        env={**os.environ, **(env or {})})
        try:
            wait_for_port(port, self.process)
        except RuntimeError:
            self.stop()
            raise
        pid = self.process.pid
        self.pids = children(pid) if workers_only else [pid] + children(pid)

    def url(self, tls=False):
        scheme, port = ("https", self.tls_port) if tls else ("http", self.port)
        return f"{scheme}://127.0.0.1:{port}{self.path}"

    def problems(self, sent):
        """What the server itself recorded wrongly of the `sent` requests: sentences, best none."""
        return []

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def fill(template, directory, **values):
    """Writes a configuration file from conf/NAME.in and returns its path."""
    text = (ROOT / "conf" / f"{template}.in").read_text()
    for key, value in {"DIR": directory, "MOCK_PORT": MOCK_PORT, **values}.items():
        text = text.replace(f"@{key}@", str(value))
    path = Path(directory) / template
    path.write_text(text)
    return str(path)


def prepare(directory):
    """Certificate, static file and key table that the configurations refer to."""
    directory = Path(directory)
    (directory / "www").mkdir(parents=True, exist_ok=True)
    (directory / "www" / "small.json").write_text(SMALL_JSON)
    (directory / "keys.map").write_text(
        "".join(f'"Bearer sk-bench-{i:04d}" "client-{i}";\n' for i in range(1000)))
    if not (directory / "both.pem").exists():
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "30", "-subj", "/CN=localhost",
             "-keyout", directory / "key.pem", "-out", directory / "cert.pem"],
            check=True, capture_output=True)
        both = (directory / "cert.pem").read_text() + (directory / "key.pem").read_text()
        (directory / "both.pem").write_text(both)


def mock(build, core, default=""):
    command = [f"{build}/mock_upstream", "--listen", f"127.0.0.1:{MOCK_PORT}"]
    if default:
        command += ["--default", default]
    return Target("mock", command, MOCK_PORT, core)


def mock_stats():
    with urllib.request.urlopen(f"http://127.0.0.1:{MOCK_PORT}/mock/stats", timeout=10) as answer:
        return json.load(answer)


def direct(directory, core):
    """No proxy at all: the load client talks to the mock."""
    return None


def nginx(name, port, tls_port=None, headers=()):
    def start(directory, core):
        conf = fill(f"{name}.conf", directory, PORT=port, TLS_PORT=tls_port or 0)
        binary = shutil.which("nginx") or "/usr/sbin/nginx"
        return Target(name, [binary, "-c", conf], port, core, tls_port, headers, workers_only=True,
                      log=f"{directory}/{name}.log")
    return start


def haproxy(directory, core):
    conf = fill("haproxy.cfg", directory, PORT=9204, TLS_PORT=9205)
    binary = shutil.which("haproxy") or "/usr/sbin/haproxy"
    return Target("haproxy", [binary, "-db", "-f", conf], 9204, core, 9205,
                  log=f"{directory}/haproxy.log")


def nginx_lua(directory, core):
    """Needs Debian's libnginx-mod-http-lua and lua-cjson."""
    conf = fill("nginx_lua.conf", directory, PORT=9208, MODULES="/usr/lib/nginx/modules")
    binary = shutil.which("nginx") or "/usr/sbin/nginx"
    return Target("nginx_lua", [binary, "-c", conf], 9208, core, workers_only=True,
                  headers=[f"Authorization: Bearer {KEY}"], log=f"{directory}/nginx_lua.log")


def caddy(directory, core):
    conf = fill("caddy.json", directory, PORT=9209)
    return Target("caddy", ["caddy", "run", "--config", conf], 9209, core,
                  env={"GOMAXPROCS": "1"}, log=f"{directory}/caddy.log")


def portkey(directory, core):
    """npm package @portkey-ai/gateway, installed where PORTKEY_DIR points."""
    script = Path(os.environ["PORTKEY_DIR"]) / "node_modules/@portkey-ai/gateway/build/start-server.js"
    headers = ["Authorization: Bearer sk-upstream", "x-portkey-provider: openai",
               f"x-portkey-custom-host: http://127.0.0.1:{MOCK_PORT}/v1"]
    return Target("portkey", ["node", str(script), "--port=9206", "--headless"], 9206, core,
                  headers=headers, env={"NODE_ENV": "production"}, log=f"{directory}/portkey.log")


def call(method, url, body=None):
    """One call of the hub's control plane; returns the decoded answer."""
    request = urllib.request.Request(url, method=method, data=json.dumps(body).encode() if body else None)
    request.add_header("Authorization", f"Bearer {ADMIN_TOKEN}")
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{method} {url}: {error.code} {error.read().decode(errors='replace')}") from error
    except OSError as error:
        raise RuntimeError(f"{method} {url}: {error}") from error


def spend_without_end(name):
    """A key under every kind of limit, none of which a benchmark reaches."""
    return {"name": name, "limits": {"requests_per_minute": 10**9, "tokens_per_minute": 10**12,
                                     "concurrent_requests": 10**6,
                                     "budget": {"unit": "tokens", "amount": 10**15, "period": "month"}}}


class Hub(Target):
    """NexusAI Hub with everything on; NEXUS_HUB is the path of its binary. Each run starts from a copy of one store
    with KEYS keys under limits and a budget."""

    ADDRESS = f"http://127.0.0.1:{HUB_PORT}"

    def __init__(self, directory, core):
        template = Path(directory) / "hub_store"
        if not template.exists():
            self.prepare(template, directory, core)
        data = tempfile.mkdtemp(prefix="hub_", dir=directory)
        shutil.copytree(template, data, dirs_exist_ok=True)
        self.launch(data, directory, core)
        self.headers = [f"Authorization: Bearer {(Path(data) / 'bench_key').read_text()}"]
        self.recorded = self.rounds()

    def launch(self, data, directory, core):
        command = [os.environ["NEXUS_HUB"], "serve", "--listen", f"127.0.0.1:{HUB_PORT}", "--data-dir", str(data),
                   "--threads", "1", "--no-web"]
        super().__init__("hub", command, HUB_PORT, core,
                         env={"NEXUS_ADMIN_TOKEN": ADMIN_TOKEN, "NEXUS_DEMO_ENABLED": "false"},
                         log=f"{directory}/hub.log")

    def prepare(self, template, directory, core):
        template.mkdir()
        self.launch(template, directory, core)
        try:
            provider = call("POST", f"{self.ADDRESS}/providers",
                            {"name": "mock", "server_url": f"http://127.0.0.1:{MOCK_PORT}", "server_key": "sk-upstream",
                             "description": "the bench's mock"})
            call("POST", f"{self.ADDRESS}/provider_models",
                 {"provider_id": provider["id"], "model_name": MODEL, "description": ""})
            for number in range(KEYS):
                made = call("POST", f"{self.ADDRESS}/keys", spend_without_end(f"key {number}"))
                if number == KEYS // 2:
                    (template / "bench_key").write_text(made["key"])
        finally:
            self.stop()

    def rounds(self):
        return call("GET", f"{self.ADDRESS}/stats/total")["total_rounds"]

    def problems(self, sent):
        """Every request sent must be a round on record, and the ledger must agree with every sum kept of it."""
        end = time.time() + 5
        while (rounds := self.rounds() - self.recorded) != sent:
            if time.time() > end:
                return [f"{rounds} rounds on record, {sent} requests sent"]
            time.sleep(0.1)
        audit = call("GET", f"{self.ADDRESS}/stats/audit")
        return [] if audit["consistent"] else [f"the audit found {audit['differences']}"]


STARTERS = {
    "hub": Hub,
    "direct": direct,
    "nginx_proxy": nginx("nginx_proxy", 9202, 9203),
    "nginx_gateway": nginx("nginx_gateway", 9207, headers=[f"Authorization: Bearer {KEY}"]),
    "haproxy": haproxy,
    "nginx_lua": nginx_lua,
    "caddy": caddy,
    "portkey": portkey,
}

WITH_TLS = ("nginx_proxy", "haproxy")
