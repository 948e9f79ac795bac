"""The mps2-an505 image in Unicorn, for constant time: which instructions it executes with one secret, and with another.

    counts.py IMAGE FLASH LINE MONITOR

Makes two sockets. LINE is the device's serial line. MONITOR takes orders, a line each, before a frame:

    device SECRETS      a fresh device, with this seed of the entropy and, after it, this unique secret, in hexadecimal
    count FRAMES NAME   the answers to so many frames are followed, instruction by instruction; then MONITOR brings a line
                        `COUNT DIGEST NAME` for each and for each call of the functions below, and an empty line

COUNT is the number of executed instructions. DIGEST is a hash of their addresses in their order, and of the operands of each division among
them, whose time depends on these: equal digests are equal times on a processor without caches. What is public is left out of both:
see PUBLIC. Where a digest is not that of the first call of its name, the first place where they part is said on the error output.
"""

import array
import hashlib
import re
import subprocess
import sys

from board import (
    CODE,
    CODE_SIZE,
    FLASH,
    RAM,
    Board,
    functions,
    listen,
    receive_frame,
)
from unicorn import UC_HOOK_BLOCK, UC_HOOK_CODE
from unicorn.arm_const import UC_ARM_REG_LR, UC_ARM_REG_R0, UC_ARM_REG_SP

# Behind the flash: see firmware/src/boards/mps/bench.rs.
SECRETS = FLASH + 0x10_4010

# An answer, without its framing, whose length depends on the bytes of the ciphertext.
ANSWER = re.compile(r"hsm::channel::Device<.*>::(open|close|sealed)")

# Functions with secrets, each call of which is also counted on its own.
SECRET = {
    "hsm::users::pin_key": "key of a PIN",
    "hsm::users::User::knows": "compare",
    "hsm::store::Sealed::open": "unseal",
    "crypto::x25519::multiply": "X25519",
    "crypto::ed25519::SecretKey::sign_message": "Ed25519",
    "crypto::p256::SecretKey::sign": "P-256",
    "crypto::ml_dsa::SecretKey::sign_in_place": "ML-DSA-87",
    "crypto::ml_dsa::SecretKey::public_key": "public key of ML-DSA-87",
}

# Functions whose time may depend on what they are given: it is public.
PUBLIC = [
    # Check a signature before it is released.
    "crypto::ed25519::verify",
    "crypto::p256::verify",
    "crypto::ml_dsa::verify",
    "crypto::ml_dsa::verify_mu",
    # The matrix A from its public seed, by rejection.
    "crypto::ml_dsa::rows::add_column",
    # The secret vectors by rejection: a refused candidate says nothing of the others (FIPS 204, algorithm 31).
    "crypto::ml_dsa::sample::pack_short",
    # The challenge from the hash of a commitment, by rejection, whether or not the attempt is rejected.
    "crypto::ml_dsa::sample::challenge",
    # The hints of a signature that is released.
    "crypto::ml_dsa::sign::pack_hints",
]

# What those call with secrets.
SECRET_IN_PUBLIC = ["crypto::ml_dsa::rows::add_four"]

# An attempt of ML-DSA begins its checks behind its challenge; before each check stands one product with it.
CHALLENGE = "crypto::ml_dsa::sample::challenge"
PRODUCT = "crypto::ml_dsa::sign::times_challenge"


class Counter:
    """Follows what a board executes."""

    def __init__(self, board, image):
        self.uc = board.uc
        self.names = functions(image)
        self.entries, self.silent = {}, set()
        for start, _, name in self.names:
            plain = name.replace("qenex_core::", "")
            if ANSWER.fullmatch(plain):
                self.entries[start] = ""
            elif plain in SECRET:
                self.entries[start] = SECRET[plain]
            elif plain in PUBLIC or plain in SECRET_IN_PUBLIC:
                self.entries[start] = None
            if plain in PUBLIC:
                self.silent.add(start)
            if plain == CHALLENGE:
                self.challenge = start
            elif plain == PRODUCT:
                self.product = start
        expected = len(SECRET) + len(PUBLIC) + len(SECRET_IN_PUBLIC) + 3
        if len(self.entries) != expected:
            sys.exit(f"{len(self.entries)} functions of {expected} are in the image: the others were inlined")
        self.addresses, self.divisions = instructions(image)
        self.sizes = {}
        # What each name's first call executed.
        self.first = {}

    def follow(self, label, act):
        """What `act` returns; and count, digest and name of what it has the board execute."""
        self.label, self.report = label, []
        self.trace = array.array("q")
        self.attempts = []
        # The calls that are under way: where they return to, with which stack, their name, and where they begin in the trace.
        self.calls = []
        self.returns, self.muted = None, True
        hooks = [self.uc.hook_add(UC_HOOK_BLOCK, self.block)]
        hooks += [self.uc.hook_add(UC_HOOK_CODE, self.division, begin=at, end=at) for at in self.divisions]
        # What was translated before knows nothing of them.
        self.uc.ctl_remove_cache(CODE, CODE + CODE_SIZE)
        result = act()
        for hook in hooks:
            self.uc.hook_del(hook)
        self.uc.ctl_remove_cache(CODE, CODE + CODE_SIZE)
        return result, self.report

    def block(self, uc, address, size, _data):
        if address == self.returns and uc.reg_read(UC_ARM_REG_SP) == self.calls[-1][1]:
            self.end()
        if address in self.entries:
            self.begin(uc, address)
        if not self.muted:
            self.trace.append(address)
            self.sizes[address] = size

    def division(self, uc, address, _size, _data):
        if not self.muted:
            self.trace.extend(-1 - uc.reg_read(UC_ARM_REG_R0 + register) for register in self.divisions[address])

    def begin(self, uc, address):
        self.returns = uc.reg_read(UC_ARM_REG_LR) & ~1
        self.muted = address in self.silent
        if address == self.challenge:
            self.attempts.append(len(self.trace))
        self.calls.append((self.returns, uc.reg_read(UC_ARM_REG_SP), self.entries[address], len(self.trace), self.muted))

    def end(self):
        returns, _, name, start, _ = self.calls.pop()
        if name == "ML-DSA-87":
            self.note_attempts(start)
        elif name:
            # Where the caller has its values decides how they are copied: it is part of the name.
            self.note(f"{name} in {self.function(returns).rsplit('::', 1)[-1]}", self.trace[start:])
        elif name == "" and self.label:
            self.note(self.label, self.trace[start:])
        self.returns, _, _, _, self.muted = self.calls[-1] if self.calls else (None, 0, None, 0, True)

    def note_attempts(self, start):
        """A signature of ML-DSA in parts, each named by how many products there were: that says which check ended an attempt."""
        starts = [start, *self.attempts]
        stages = []
        for number, (start, end) in enumerate(zip(starts, [*self.attempts, len(self.trace)])):
            trace = self.trace[start:end]
            stages.append(trace.count(self.product))
            if number == 0:
                part = "expanding the key and the first commitment"
            elif number < len(self.attempts):
                part = f"an attempt that ends after product {stages[-1]}, and the next commitment"
            else:
                part = f"the last attempt, of {stages[-1]} products"
            self.note(f"ML-DSA-87, {part}", trace)
        self.note(f"ML-DSA-87, {len(self.attempts)} attempts, products {stages[1:]}", self.trace[starts[0] :])
        self.attempts.clear()
        # The whole answer is as long as its attempts are.
        self.label = None

    def function(self, address):
        return next((name for start, end, name in self.names if start <= address < end), "?")

    def note(self, name, trace):
        sizes, addresses = self.sizes, self.addresses
        count = sum(addresses[at + sizes[at]] - addresses[at] for at in trace if at >= 0)
        first = self.first.setdefault(name, trace)
        if trace != first:
            at = next((i for i, (a, b) in enumerate(zip(first, trace)) if a != b), min(len(first), len(trace)))
            before = next((place for place in reversed(trace[:at]) if place >= 0), 0)
            print(f"{name}: parts from the first after {before:x} in {self.function(before)}", file=sys.stderr)
        self.report.append((count, hashlib.sha256(trace.tobytes()).hexdigest(), name))


def instructions(image):
    """How many instructions lie before each address, and the registers that each division reads."""
    output = subprocess.run(["arm-none-eabi-objdump", "-d", image], check=True, capture_output=True, text=True).stdout
    before, divisions = {}, {}
    lines = re.findall(r"^ *([0-9a-f]+):\t([0-9a-f ]+)\t(\S+)(.*)", output, re.M)
    for number, (address, raw, mnemonic, operands) in enumerate(lines):
        start = int(address, 16)
        before[start] = number
        before.setdefault(start + len(bytes.fromhex(raw)), number + 1)
        if re.match("[us]div", mnemonic):
            names = {"ip": 12, "lr": 14, "sl": 10, "fp": 11} | {f"r{n}": n for n in range(13)}
            divisions[start] = [names[name] for name in re.findall(r"\w+", operands)[-2:]]
    return before, divisions


def main():
    image, flash, line_path, monitor_path = sys.argv[1:]
    line_listener, monitor_listener = listen(line_path), listen(monitor_path)
    board = Board(image, flash)
    board.used_ram = (RAM, 0x1_8000)
    counter = Counter(board, image)
    reset = board.save()
    line, monitor = line_listener.accept()[0], monitor_listener.accept()[0]
    monitor.setblocking(False)
    left, label, number = 0, "", 0
    while True:
        frame = receive_frame(line)
        try:
            orders = monitor.recv(4096).decode()
        except BlockingIOError:
            orders = ""
        for order in orders.splitlines():
            word, rest = order.split(" ", 1)
            if word == "device":
                board.restore(reset)
                board.uc.mem_write(SECRETS, bytes.fromhex(rest))
                if not board.run():
                    sys.exit(f"the device does not start: it stands at {board.pc:x}")
                board.sent.clear()
            elif word == "count":
                frames, label = rest.split(" ", 1)
                number, left = 0, int(frames)
        if not left:
            line.sendall(board.answer(frame))
            continue
        number, left = number + 1, left - 1
        answer, report = counter.follow(f"{label}, frame {number}", lambda: board.answer(frame))
        line.sendall(answer)
        lines = [f"{count} {digest} {name}\n" for count, digest, name in report]
        monitor.setblocking(True)
        monitor.sendall("".join(lines).encode() + b"\n" * (not left))
        monitor.setblocking(False)


if __name__ == "__main__":
    main()
