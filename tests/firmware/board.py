"""The mps2-an505 image in Unicorn, for faults: every instruction of one answer is skipped, one in each run.

    board.py IMAGE FLASH LINE MONITOR

Makes two sockets. LINE is the device's serial line. A line on MONITOR starts a campaign: `sample N K` and `all`,
or parts of names of functions, separated by commas, in which alone instructions are skipped, every N-th of them. The next frame is the attacked one; of the
K frames after it the last asks what came of it. All are answered as if nothing happened. Then MONITOR brings a line for each instruction that was executed
for the attacked frame: its address, what the device answers to the first and the last frame if it was skipped, in hexadecimal without
framing, `-` where it answers nothing (a fault, or no end), `lost` where the emulator itself dies of it; before them, with the address 0, the answers if none is. The last line is empty.

Cryptographic primitives are left out: what they yield is checked by those who call them, and faults in them are another subject.
"""

import os
import re
import socket
import struct
import subprocess
import sys

from unicorn import UC_ARCH_ARM, UC_HOOK_CODE, UC_MODE_MCLASS, UC_MODE_THUMB, Uc, UcError
from unicorn.arm_const import UC_ARM_REG_MSP, UC_ARM_REG_PC, UC_CPU_ARM_CORTEX_M33

CODE, CODE_SIZE = 0x1000_0000, 0x5_0000
# Behind the loader, which is not run here: what it would hand over is written to its place.
IMAGE = 0x1001_0000
RAM, RAM_SIZE = 0x3800_0000, 0x40_0000
FLASH, FLASH_SIZE = 0x8000_0000, 0x10_6000
# What the service changes: its records and what it notes of the slots; and the page that only emulators have.
CHANGED = ((FLASH, 0x8_4000), (FLASH + 0x10_4000, 0x1000))
HANDOVER = RAM
SYSTEM, SYSTEM_SIZE = 0xE000_0000, 0x10_0000
TIMER = 0x5000_0000
LINE, PANEL, LOG = 0x5020_0000, 0x5020_1000, 0x5020_2000

NOP, NOP_W = bytes.fromhex("00bf"), bytes.fromhex("aff30080")

# The longest answer takes a tenth of it.
LIMIT_US = 3_000_000

# How many skips are tried at the same time.
CHILDREN = 2

# Functions that are not attacked, by their demangled names: primitives, and what carries frames from and to the line.
PRIMITIVES = re.compile(
    r"keccak|sha3|sha2|sha512|compress|aes|ghash|polyval|curve25519|edwards|montgomery|scalar|field|ml_dsa|p256|elliptic|crypto_bigint"
    r"|x25519|__cortex_m_rt_main|boards::mps::receive|mem(cpy|set|move|cmp)|__aeabi|cobs|uart|defmt|boards::mps::log|compiler_builtins",
    re.I,
)


class Board:
    """The machine, its ports, and who stands at its panel."""

    def __init__(self, image, flash):
        with open(image, "rb") as file:
            elf = file.read()
        self.uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        self.uc.ctl_set_cpu_model(UC_CPU_ARM_CORTEX_M33)
        for start, size in ((CODE, CODE_SIZE), (RAM, RAM_SIZE), (FLASH, FLASH_SIZE), (SYSTEM, SYSTEM_SIZE)):
            self.uc.mem_map(start, size)
        offset, = struct.unpack_from("<I", elf, 28)
        entry_size, count = struct.unpack_from("<HH", elf, 42)
        for index in range(count):
            kind, start, _, physical, size = struct.unpack_from("<IIIII", elf, offset + index * entry_size)
            if kind == 1 and size:
                self.uc.mem_write(physical, elf[start : start + size])
        with open(flash, "rb") as file:
            self.uc.mem_write(FLASH, file.read(FLASH_SIZE))
        # The first image, from the first slot.
        self.uc.mem_write(HANDOVER, struct.pack("<4sIII64x", b"QXH1", 1, 0, 1))
        for port in (LINE, PANEL, LOG):
            self.uc.mmio_map(port, 0x1000, self.read_port, port, self.write_port, port)
        self.uc.mmio_map(TIMER, 0x1000, self.read_timer, None, self.write_timer, None)
        waits, self.blocks = disassemble(image)
        self.conditional = {address for block in self.blocks.values() for address, _ in block}
        for wait in waits:
            self.uc.hook_add(UC_HOOK_CODE, self.sleep, begin=wait, end=wait)
        for start, _, name in functions(image):
            if re.fullmatch("HardFault_?|DefaultHandler_?|UsageFault|BusFault|SecureFault|MemoryManagement", name):
                self.uc.hook_add(UC_HOOK_CODE, self.fault, begin=start, end=start)
        self.received = {LINE: bytearray(), PANEL: bytearray(), LOG: bytearray()}
        self.sent = bytearray()
        self.panel = bytearray()
        self.ticks = 0
        self.idle = False
        stack, start = struct.unpack("<II", self.uc.mem_read(IMAGE, 8))
        self.uc.reg_write(UC_ARM_REG_MSP, stack)
        self.pc = start | 1

    def read_port(self, _uc, offset, _size, port):
        if offset == 0:
            queue = self.received[port]
            return queue.pop(0) if queue else 0
        if offset == 4:
            return bool(self.received[port]) << 1
        return 0

    def write_port(self, _uc, offset, _size, value, port):
        if offset != 0:
            return
        if port == LINE:
            self.sent.append(value & 0xFF)
        elif port == PANEL:
            self.panel.append(value & 0xFF)
            if self.panel.endswith(b"Confirm? y/n\r\n"):
                self.received[PANEL] += b"y"
                self.panel.clear()

    def read_timer(self, _uc, offset, _size, _data):
        # A tick for each look at it: nothing that is examined here depends on how fast time goes.
        self.ticks += 20_000
        return 0xFFFF_FFFF - self.ticks if offset == 4 else 0

    def sleep(self, uc, *_):
        self.idle = True
        uc.emu_stop()

    def fault(self, uc, *_):
        uc.emu_stop()

    def write_timer(self, *_):
        pass

    def run(self, limit_us=0):
        """Runs until the device waits for its line. Returns whether it came to that within so much time."""
        self.idle = False
        try:
            self.uc.emu_start(self.pc, 0xFFFF_FFFE, timeout=limit_us)
        except UcError:
            return False
        finally:
            # What it waited for has come when it is started again: then it is behind the wait.
            self.pc = (self.uc.reg_read(UC_ARM_REG_PC) + 2 * self.idle) | 1
        return self.idle

    def answer(self, frame, limit_us=0):
        """What the device answers to a frame, framing included; nothing where it does not."""
        self.sent.clear()
        self.received[LINE] += frame
        return bytes(self.sent) if self.run(limit_us) else None

    def patch(self, address, code):
        self.uc.mem_write(address, code)
        self.uc.ctl_remove_cache(address, address + len(code))

    def save(self):
        memory = [(start, bytes(self.uc.mem_read(start, size))) for start, size in (self.used_ram, *CHANGED)]
        queues = {port: bytes(queue) for port, queue in self.received.items()}
        return self.uc.context_save(), memory, queues, bytes(self.sent), bytes(self.panel), self.ticks, self.pc

    def restore(self, state):
        context, memory, queues, sent, panel, self.ticks, self.pc = state
        for start, content in memory:
            self.uc.mem_write(start, content)
        self.uc.context_restore(context)
        self.received = {port: bytearray(queue) for port, queue in queues.items()}
        self.sent, self.panel = bytearray(sent), bytearray(panel)


def disassemble(image):
    """Where an image waits for an interrupt, for it has nothing to do; and for each IT instruction those that it makes conditional."""
    output = subprocess.run(["arm-none-eabi-objdump", "-d", image], check=True, capture_output=True, text=True).stdout
    lines = re.findall(r"^ *([0-9a-f]+):\t([0-9a-f ]+)\t(\S+)", output, re.M)
    code = [(int(address, 16), len(bytes.fromhex(raw)), mnemonic) for address, raw, mnemonic in lines]
    waits, blocks = [], {}
    for index, (address, _, mnemonic) in enumerate(code):
        if mnemonic == "wfi":
            waits.append(address)
        elif re.fullmatch("it[te]{0,3}", mnemonic):
            blocks[address] = [(place, size) for place, size, _ in code[index + 1 : index + len(mnemonic)]]
    return waits, blocks


def functions(image):
    """The functions of an image in the order of their addresses: where each begins and ends, and its name."""
    output = subprocess.run(["arm-none-eabi-nm", "-C", "--print-size", image], check=True, capture_output=True, text=True).stdout
    found = set()
    for line in output.splitlines():
        parts = line.split(" ", 3)
        if len(parts) == 4 and parts[2] in ("t", "T", "w", "W") and int(parts[1], 16):
            start = int(parts[0], 16) & ~1
            found.add((start, start + int(parts[1], 16), plain(parts[3])))
    return sorted(found)


def plain(name):
    """A function's name as older compilers write it, too: `<a::B<C>>::d::<E>` is `a::B<C>::d`."""
    depth, begins = 0, 0
    for place, letter in enumerate(name):
        if letter == "<":
            begins = place if depth == 0 else begins
            depth += 1
        elif letter == ">" and name[place - 1] != "-":
            depth -= 1
            inner = name[begins + 1 : place]
            if depth == 0 and begins == 0 and " as " not in inner:
                return plain(inner + name[place + 1 :])
            if depth == 0 and place == len(name) - 1 and name[:begins].endswith("::"):
                return name[: begins - 2]
    return name


def unframed(frame):
    """A frame without its framing (Cheshire and Baker, "Consistent Overhead Byte Stuffing"), in hexadecimal."""
    if frame is None or not frame.endswith(b"\0"):
        return "-"
    plain, rest = bytearray(), frame[:-1]
    while rest:
        code, rest = rest[0], rest[1:]
        plain += rest[: code - 1]
        rest = rest[code - 1 :]
        if rest and code < 0xFF:
            plain.append(0)
    return plain.hex() or "-"


def campaign(board, places, attacked, probes, every, report):
    """Skips each instruction of the answer to a frame, once, and reports what it and the last frame are answered with."""
    at, children = [], []

    def stop(uc, address, size, _data):
        # Unicorn cannot stop in the middle of an IT block.
        if board.stepping and address not in board.conditional:
            # The one that was stopped at before is executed now.
            if board.passed == address:
                board.passed = None
                return
            at[:] = [address, size]
            uc.emu_stop()

    def skip(address, size):
        """Goes on without the instruction, up to the next place where it may stop: only once is it not executed."""
        code = bytes(board.uc.mem_read(address, size))
        board.patch(address, NOP if size == 2 else NOP_W)
        ended = board.run(LIMIT_US)
        board.patch(address, code)
        board.stepping = False
        ended = ended or board.run(LIMIT_US)
        answer = bytes(board.sent) if ended else None
        after = None
        for probe in probes:
            after = board.answer(probe, LIMIT_US) if ended else None
            ended = after is not None
        return f"{address:x} {unframed(answer)} {unframed(after)}\n"

    def collect():
        """The report of the oldest child. Where the emulator itself dies of what it is made to run, nobody knows the answers."""
        address, child, pipe = children.pop(0)
        with open(pipe, "rb") as pipe:
            said = pipe.read()
        os.waitpid(child, 0)
        report(said.decode() or f"{address:x} lost lost\n")

    def try_without(address, size):
        """Skips in a copy of this process: it leaves nothing behind, and runs beside the next ones."""
        if len(children) == CHILDREN:
            collect()
        ours, theirs = os.pipe()
        child = os.fork()
        if child == 0:
            said = skip(address, size).encode()
            while said:
                said = said[os.write(theirs, said) :]
            os._exit(0)
        os.close(theirs)
        children.append((address, child, ours))

    board.stepping, board.passed = True, None
    hooks = [board.uc.hook_add(UC_HOOK_CODE, stop, begin=start, end=end - 1) for start, end, _ in places]
    # What was translated before knows nothing of them.
    board.uc.ctl_remove_cache(CODE, CODE + CODE_SIZE)
    board.sent.clear()
    board.received[LINE] += attacked
    number = 0
    while not board.run() and at:
        address, size = at
        at.clear()
        for place in [(address, size), *board.blocks.get(address, [])]:
            number += 1
            if number % every == 0:
                board.passed = address
                try_without(*place)
        board.passed = address
    while children:
        collect()
    for hook in hooks:
        board.uc.hook_del(hook)
    board.uc.ctl_remove_cache(CODE, CODE + CODE_SIZE)
    return bytes(board.sent)


def receive_frame(line):
    frame = bytearray()
    while not frame.endswith(b"\0"):
        byte = line.recv(1)
        if not byte:
            sys.exit(0)
        frame += byte
    return bytes(frame)


def listen(path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)
    return listener


def main():
    image, flash, line_path, monitor_path = sys.argv[1:]
    line_listener, monitor_listener = listen(line_path), listen(monitor_path)
    board = Board(image, flash)
    names = functions(image)
    board.used_ram = (RAM, 0x1_8000)
    if not board.run():
        sys.exit(f"the device does not start: it stands at {board.pc:x}")
    board.sent.clear()
    line, monitor = line_listener.accept()[0], monitor_listener.accept()[0]
    monitor.setblocking(False)
    orders = b""
    while True:
        frame = receive_frame(line)
        try:
            orders += monitor.recv(4096)
        except BlockingIOError:
            pass
        if b"\n" not in orders:
            line.sendall(board.answer(frame) or b"")
            continue
        order, orders = orders.split(b"\n", 1)
        words = order.decode().split()
        every, count = int(words[1]), int(words[2])
        chosen = words[-1].split(",")
        places = [
            place
            for place in names
            if not PRIMITIVES.search(place[2]) and (chosen == ["all"] or any(name in place[2] for name in chosen))
        ]
        before = board.save()
        first = last = board.answer(frame)
        probes = []
        for _ in range(count):
            line.sendall(last or b"")
            probes.append(receive_frame(line))
            last = board.answer(probes[-1])
        after = board.save()
        board.restore(before)
        monitor.setblocking(True)
        monitor.sendall(f"0 {unframed(first)} {unframed(last)}\n".encode())
        again = campaign(board, places, frame, probes, every, lambda line: monitor.sendall(line.encode()))
        if again != first:
            print(len(again), first and len(first), hex(board.pc), board.idle, file=sys.stderr)
            sys.exit("stopping at each instruction changes the answer: the emulator is not to be trusted")
        monitor.sendall(b"\n")
        monitor.setblocking(False)
        board.restore(after)
        line.sendall(last or b"")


if __name__ == "__main__":
    main()
