#!/usr/bin/env python3
"""Four validators whose keys of votes and of checkpoints are in devices: the image, four times in QEMU. They decide on blocks with transfers, one of them and
its device are switched off and on again, and what they signed holds for a light client.

usage: validators.py COMMAND IMAGE LOADER MACHINE, image and loader as they were linked"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

COUNT = 4
PORT = 7_500
EPOCH_BLOCKS = 12
PATIENCE_S = 240


class Failed(Exception):
    pass


def get(index, path):
    url = f"http://127.0.0.1:{PORT + 2 * index + 1}/api/{path}"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)
    except OSError:
        return None


def wait(what, condition):
    start = time.monotonic()
    while time.monotonic() - start < PATIENCE_S:
        found = condition()
        if found:
            return time.monotonic() - start
        time.sleep(0.2)
    raise Failed(f"{what}: not in {PATIENCE_S} s")


def heights():
    return [(get(index, "status") or {}).get("height", -1) for index in range(COUNT)]


class Network:
    def __init__(self, folder, command, image, loader, machine):
        self.folder, self.command = folder, command
        self.new = ["--image", image, "--loader", loader]
        self.machine = machine
        self.devices, self.nodes = [None] * COUNT, [None] * COUNT

    def device(self, index):
        return self.folder / f"device-{index}"

    def socket(self, index):
        return self.folder / f"line-{index}"

    def start_device(self, index, new=()):
        self.socket(index).unlink(missing_ok=True)
        with open(self.folder / f"device-{index}.log", "ab") as log:
            self.devices[index] = subprocess.Popen(
                [self.command, "device", "run", *new, "--machine", self.machine, "--panel", "confirm",
                 "--dir", self.device(index), "--socket", self.socket(index)], stdout=log, stderr=log)
        process = self.devices[index]
        wait(f"device {index + 1} listens", lambda: self.socket(index).exists() or process.poll() is not None)
        if process.poll() is not None:
            raise Failed(f"device {index + 1} ended")

    def start_node(self, index):
        config = self.folder / "chain" / f"validator-{index + 1}" / "config.json"
        with open(self.folder / f"node-{index}.log", "ab") as log:
            self.nodes[index] = subprocess.Popen([self.command, "node", "--config", config], stdout=log, stderr=log)

    def stop(self, processes):
        for process in processes:
            if process:
                process.kill()
                process.wait()

    def make(self):
        for index in range(COUNT):
            self.start_device(index, self.new)
        sockets = ",".join(str(self.socket(index)) for index in range(COUNT))
        made = subprocess.run(
            [self.command, "testnet", "new", "--data", self.folder / "chain", "--validators", str(COUNT),
             "--clients", "100", "--epoch-blocks", str(EPOCH_BLOCKS), "--base-port", str(PORT), "--devices", sockets],
            capture_output=True, text=True)
        if made.returncode:
            raise Failed(f"testnet new: {made.stderr}{made.stdout}")

    def logs(self):
        for path in sorted(self.folder.glob("*.log")):
            print(f"-- {path.name}")
            print(path.read_text(errors="replace")[-3_000:])


steps = 0


def step(text, seconds):
    global steps
    steps += 1
    print(f"  {text} ({seconds:.1f} s)", flush=True)


def story(network):
    begun = time.monotonic()
    network.make()
    step("four devices have keys of votes and of checkpoints, and trust the genesis", time.monotonic() - begun)
    for index in range(COUNT):
        network.start_node(index)
    first = wait("block 1", lambda: min(heights()) >= 1)
    step("block 1 is final at all four", first)
    begun_sending = time.monotonic()
    sent = subprocess.run(
        [network.command, "testnet", "send", "--clients", "100", "--base-port", str(PORT)], capture_output=True, text=True)
    if sent.returncode:
        raise Failed(f"transfers: {sent.stderr}{sent.stdout}")
    step("a hundred transfers are final", time.monotonic() - begun_sending)
    # Blocks while all four vote.
    before, start = min(heights()), time.monotonic()
    wait("five blocks", lambda: min(heights()) >= before + 5)
    seconds = (time.monotonic() - start) / (min(heights()) - before)
    step(f"{seconds:.2f} s a block", time.monotonic() - start)
    # A device loses its power with its node; the others go on.
    network.stop([network.nodes[3], network.devices[3]])
    before = min(heights()[:3])
    went_on = wait("blocks of three", lambda: min(heights()[:3]) >= before + 3)
    step("one is switched off, the others go on", went_on)
    network.start_device(3)
    network.start_node(3)
    back = wait("the fourth is back", lambda: 0 <= heights()[0] <= heights()[3] + 3)
    step("it is back, with the votes that it remembers", back)
    wait("two epochs", lambda: min(heights()) > 2 * EPOCH_BLOCKS)
    for epoch in (1, 2):
        wait(f"checkpoint {epoch}", lambda: all(get(index, f"checkpoint/{epoch}") for index in range(COUNT)))
    height = min(heights())
    blocks = [get(index, f"block/{height}") for index in range(COUNT)]
    if len({block["id"] for block in blocks}) != 1:
        raise Failed(f"block {height} is not the same everywhere")
    step(f"two epochs have checkpoints that the devices signed; block {height} is the same at all four",
         time.monotonic() - begun)


def main():
    command, image, loader, machine = sys.argv[1:]
    folder = Path(tempfile.mkdtemp(prefix="qnx"))
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", image, folder / "image"], check=True)
    image = folder / "image"
    network = Network(folder, command, image, loader, machine)
    try:
        story(network)
        print(f"test result: ok. {steps} passed; 0 failed")
    except Failed as failed:
        network.logs()
        sys.exit(f"FAILED: {failed}")
    finally:
        network.stop(network.nodes)
        network.stop(network.devices)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
