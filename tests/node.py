"""A node with accounts in custody, as a process of its own, for tests that ask it from outside.

    with Node(command(), port=7_800) as node:
        node.ask("/api/v1/status")

Nothing is public unless scopes are named; `node.key` is the key of an administrator for all accounts, without a limit of requests unless one is given."""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 60


def command():
    """The `qenex` command: the one that the first argument names, else it is built."""
    if len(sys.argv) > 1:
        return Path(sys.argv[1]).resolve()
    subprocess.run([ROOT / "tests" / "command"], check=True)
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "debug" / "qenex"


class Node:
    def __init__(self, qenex, port, requests_per_minute=0, public=(), settings=None, interface=None):
        """One whose network listens on this port, its interface on the next one; `public` are the scopes of everybody, `settings` is what its configuration
        says more, `interface` what its part of that name does."""
        self.qenex, self.port, self.requests_per_minute, self.public = qenex, port, requests_per_minute, list(public)
        self.settings, self.interface = settings or {}, interface or {}
        self.url = f"http://127.0.0.1:{port + 1}"

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        chain = Path(self.folder.name) / "chain"
        subprocess.run([self.qenex, "testnet", "new", "--data", chain, "--validators", "1", "--clients", "2", "--custody", "3",
                        "--base-port", str(self.port)], check=True, capture_output=True)
        config = chain / "validator-1" / "config.json"
        settings = json.loads(config.read_text())
        settings["interface"].update(public=self.public, requests_per_minute=self.requests_per_minute, **self.interface)
        config.write_text(json.dumps(settings | self.settings))
        with open(Path(self.folder.name) / "log", "w") as log:
            self.process = subprocess.Popen([self.qenex, "node", "--config", config], stdout=subprocess.PIPE, stderr=log, text=True)
        self.wait()
        first = self.process.stdout.readline().split()[-1]
        self.key = self.ask("/api/v1/keys", {"name": "root", "role": "admin", "accounts": "*"}, key=first)["key"]
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()

    def ask(self, path, body=None, key=None):
        """What is answered, in JSON, to GET, or to POST with a body."""
        key = key or getattr(self, "key", None)
        headers = {"authorization": f"Bearer {key}"} if key else {}
        data = None
        if body is not None:
            headers["content-type"] = "application/json"
            data = json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data, headers), timeout=10) as answer:
            return json.load(answer)

    def metric(self, name):
        """The value of a metric without labels; nothing while there is none."""
        request = urllib.request.Request(self.url + "/metrics", headers={"authorization": f"Bearer {self.key}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            lines = [line.split() for line in answer.read().decode().splitlines()]
        return next((float(line[1]) for line in lines if line[:1] == [name]), None)

    def order(self, path, body):
        """Sends an order of custody, and waits until it is final."""
        start = time.monotonic()
        sent = None
        while time.monotonic() - start < PATIENCE_S:
            try:
                sent = sent or self.ask(path, body)["id"]
                return self.ask(f"/api/v1/transaction/{sent}")
            except urllib.error.HTTPError as error:
                # The device lets it wait for a block, or it waits itself.
                if error.code not in (404, 503):
                    raise
                time.sleep(0.05)
        raise SystemExit(f"{path}: not final in {PATIENCE_S} s")

    def wait(self):
        """Waits until it answers."""
        start = time.monotonic()
        while True:
            self.check()
            try:
                return self.ask("/health")
            except OSError:
                if time.monotonic() - start > PATIENCE_S:
                    raise SystemExit("the node does not answer") from None
                time.sleep(0.1)

    def check(self):
        """Says so if it ended."""
        if self.process.poll() is not None:
            raise SystemExit(f"the node ended: {(Path(self.folder.name) / 'log').read_text()[-2_000:]}")
