"""Says how much stack the linked image can take at most, by its call graph, and the calls that lead there.

Usage: stack.py IMAGE [FUNCTION...]

A function's frame is all that it takes from the stack pointer anywhere, as if every branch were taken. An edge is every branch to the
start of a function. The only calls through pointers that the image has are those of formatting: each may go to every function whose
address the image holds, and may nest NESTING deep. Other calls through pointers, recursion, and changes of the stack pointer that
are not understood are refused. Functions named on the command line are starting points of their own.
"""

import bisect
import re
import struct
import subprocess
import sys

# A line of the panel, a value in it, a part of that value, and the writing of its characters.
NESTING = 4
FORMATTING = re.compile(r"core::fmt::|core::str::|fmt::num|as core::fmt::")
HASH = re.compile(r"::h[0-9a-f]{16}$|\[[0-9a-f]{16}\]")


def run(*command, text=None):
    return subprocess.run(command, input=text, check=True, capture_output=True, text=True).stdout


def fail(message):
    sys.exit(f"FAILED: {message}")


def functions(image):
    """Start, end and name of every function, in order; names that share a start count as one."""
    rows = [line.split() for line in run("arm-none-eabi-readelf", "-sW", image).splitlines()]
    rows = [row for row in rows if len(row) == 8 and row[3] == "FUNC"]
    names = run("c++filt", text="\n".join(row[7] for row in rows) + "\n").splitlines()
    found = {}
    for row, name in zip(rows, names, strict=True):
        start = int(row[1], 16) & ~1
        found.setdefault(start, (start + int(row[2]), HASH.sub("", name)))
    return found


def registers(text):
    """Bytes of a list of registers."""
    total = 0
    for part in text.split(","):
        ends = [end.strip() for end in part.split("-")]
        size = 8 if ends[0].startswith("d") else 4
        order = {"sl": 10, "fp": 11, "ip": 12, "lr": 14, "pc": 15}
        low, high = (order.get(end) if end in order else int(re.sub(r"\D", "", end)) for end in (ends[0], ends[-1]))
        total += size * (high - low + 1)
    return total


class Function:
    def __init__(self, name):
        self.name, self.frame, self.calls, self.indirect = name, 0, set(), False


def examine(image, table):
    """Frames and calls of all functions, and the addresses that the code makes."""
    starts = sorted(table)
    graph = {start: Function(table[start][1]) for start in starts}
    made, halves = set(), {}
    for line in run("arm-none-eabi-objdump", "-d", "--no-show-raw-insn", image).splitlines():
        found = re.match(r"\s*([0-9a-f]+):\t(\S+)\s*([^@;]*)", line)
        if not found:
            continue
        at, operation, operands = int(found[1], 16), found[2].split(".")[0], found[3].strip()
        place = bisect.bisect_right(starts, at) - 1
        if place < 0 or at >= table[starts[place]][0]:
            continue
        start = starts[place]
        function = graph[start]
        if operation == "":
            made.add(int(operands.split()[-1], 16) if operands else 0)
        elif operation in ("push", "vpush"):
            function.frame += registers(operands.strip("{}"))
        elif found := re.match(r"sp!, \{(.*)\}", operands):
            if operation in ("stmdb", "vstmdb"):
                function.frame += registers(found[1])
        elif found := re.search(r"\[sp, #-(\d+)\]!", operands):
            function.frame += int(found[1])
        elif operation in ("sub", "subw") and operands.startswith("sp"):
            found = re.fullmatch(r"sp, (?:sp, )?#(\d+)", operands) or fail(f"{function.name}: {operation} {operands}")
            function.frame += int(found[1])
        elif operation in ("bfc", "bic") and (found := re.fullmatch(r"r\d+, #0, #(\d+)", operands)):
            # The stack pointer, aligned in a register.
            function.frame += 1 << int(found[1])
        elif operation in ("movw", "mov", "movt") and (found := re.match(r"(\w+), #(\d+)", operands)):
            register, value = found[1], int(found[2])
            if operation == "movt":
                made.add(value << 16 | halves.get((start, register), 0))
            else:
                halves[start, register] = value
        if operation in ("blx", "bx") and operands != "lr":
            function.indirect = True
        elif found := re.match(r"b|cbn?z", operation):
            target = re.search(r"(?:^|, )([0-9a-f]{7,8}) <", operands)
            if target and (to := int(target[1], 16)) != start:
                if to in graph:
                    function.calls.add(to)
                elif not start <= to < table[start][0]:
                    fail(f"{function.name} branches into the middle of a function at {to:#x}")
                # A branch to its own middle is a loop.
            elif target and operation.startswith("bl"):
                fail(f"{function.name} calls itself")
    return graph, made


def held(image):
    """All words of the constants."""
    words = set()
    for section in (".rodata", ".data"):
        raw = subprocess.run(
            ["arm-none-eabi-objcopy", "-O", "binary", "-j", section, image, "/dev/stdout"], capture_output=True, check=True
        ).stdout
        words.update(word for (word,) in struct.iter_unpack("<I", raw[: len(raw) // 4 * 4]))
    return words


class Bounds:
    def __init__(self, graph, pointed):
        self.graph, self.pointed = graph, pointed
        self.known, self.path = {}, []

    def of(self, start, nesting=NESTING):
        """Bytes of stack and the chain of calls below a function."""
        if (start, nesting) in self.known:
            return self.known[start, nesting]
        if (start, nesting) in self.path:
            fail("recursion: " + " > ".join(self.graph[at].name for at, _ in self.path) + f" > {self.graph[start].name}")
        self.path.append((start, nesting))
        function = self.graph[start]
        below = [self.of(to, nesting) for to in function.calls]
        if function.indirect:
            if not FORMATTING.search(function.name):
                fail(f"{function.name} calls through a pointer")
            if nesting > 0:
                below += [self.of(to, nesting - 1) for to in self.pointed]
        deepest, chain = max(below, default=(0, []), key=lambda bound: bound[0])
        self.path.pop()
        self.known[start, nesting] = deepest + function.frame, [(function.name, function.frame), *chain]
        return self.known[start, nesting]


def main():
    sys.setrecursionlimit(10_000)
    image, wanted = sys.argv[1], sys.argv[2:] or ["Reset"]
    table = functions(image)
    graph, made = examine(image, table)
    taken = {word & ~1 for word in made | held(image) if word & 1}
    bounds = Bounds(graph, sorted(start for start in graph if start in taken))
    for name in wanted:
        starts = [start for start in graph if graph[start].name.endswith(name)] or fail(f"there is no {name}")
        for start in starts:
            bytes, chain = bounds.of(start)
            print(bytes, graph[start].name)
            for callee, frame in chain:
                print(f"{frame:8} {callee}")


if __name__ == "__main__":
    main()
