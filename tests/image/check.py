"""Says which functions of the linked image can panic, allocate, or compute with floats. None may.

Usage: check.py IMAGE ROOT-OF-THE-PROJECT

A panic is a call of one of the standard library's functions that never return. Each such call is charged to
the innermost crate at that place that is not the standard library, inlined code included; calls within the standard library are
charged to the function that holds them.
"""

import re
import subprocess
import sys
from pathlib import Path

# What panics by contract: whoever calls these is the one who can panic.
ENTRY = re.compile(r"^(core::panicking::|core::(option|result)::.*(unwrap|expect)_failed|.*::\w*(_fail|_failed)(::.*)?$)")
FLOAT = re.compile(r"^__aeabi_[fd]|^__(add|sub|mul|div)[sd]f3|^__float|^__fix")
ALLOCATOR = re.compile(r"__rust_(alloc|realloc|dealloc|alloc_zeroed|no_alloc_shim)|^alloc::|^(malloc|free|calloc|realloc)$")
HASH = re.compile(r"::h[0-9a-f]{16}$|\[[0-9a-f]{16}\]")


def run(*command, text=None):
    return subprocess.run(command, input=text, check=True, capture_output=True, text=True).stdout


def demangle(names):
    lines = run("c++filt", text="\n".join(names) + "\n").splitlines()
    return [HASH.sub("", line) for line in lines]


def functions(image):
    """Address and demangled name of every function, without the bit that marks Thumb code."""
    rows = [line.split() for line in run("arm-none-eabi-readelf", "-sW", image).splitlines()]
    rows = [row for row in rows if len(row) == 8 and row[3] in ("FUNC", "NOTYPE") and not row[7].startswith("$")]
    names = demangle(row[7] for row in rows)
    return {int(row[1], 16) & ~1: name for row, name in zip(rows, names)}


def calls(disassembly, names):
    """Every branch to the start of a function: address of the branch, its function, the function it goes to."""
    inside = None
    for line in disassembly.splitlines():
        if found := re.match(r"([0-9a-f]{8}) <", line):
            inside = int(found[1], 16)
        elif found := re.match(r"\s*([0-9a-f]+):\s+(?:bl?|blx|b\w\w|cbn?z)(?:\.[nw])?\s+(?:r\d+, )?([0-9a-f]+) <", line):
            at, to = (int(part, 16) for part in found.groups())
            if to in names and to != inside:
                yield at, names.get(inside, "?"), names[to]


def crate_of(path, root):
    """The crate that a source file belongs to; nothing for the standard library."""
    if path.startswith(root):
        return "qenex"
    if "/registry/src/" in path:
        return re.sub(r"-\d.*", "", path.split("/registry/src/")[1].split("/")[1])
    if re.search(r"/rustc/|/rustc-|/rustlib/src/|^library/", path):
        return None
    return "unknown:" + path


def charge(image, sites, root):
    """For each site the crate, file and function that it is charged to, and the place in the source."""
    text = "".join(f"{at:#x}\n" for at, _, _ in sites)
    output = run("arm-none-eabi-addr2line", "-a", "-i", "-f", "-e", image, text=text)
    blocks = re.split(r"^0x[0-9a-f]+\n", output, flags=re.M)[1:]
    for (_, inside, _), block in zip(sites, blocks, strict=True):
        lines = block.splitlines()
        for name, place in zip(lines[0::2], lines[1::2]):
            path, line = place.rsplit(":", 1)
            if crate := crate_of(path, root):
                # One call for several places: only their file is still known.
                function = "several" if line.startswith("?") else short(demangle([name])[0])
                yield f"{crate} {Path(path).name} {function}", place
                break
        else:
            yield f"core {inside}", "the standard library"


def short(name):
    """The last part of a function's name, without its type parameters."""
    while name != (name := re.sub(r"<[^<>]*>", "", name)):
        pass
    return name.split("::")[-1]


def main():
    image, root = sys.argv[1], sys.argv[2]
    names = functions(image)
    disassembly = run("arm-none-eabi-objdump", "-d", "--no-show-raw-insn", image)
    failures = [f"computes with floats in software: {name}" for name in names.values() if FLOAT.search(name)]
    failures += [f"allocates: {name}" for name in names.values() if ALLOCATOR.search(name)]
    if used := sorted(set(re.findall(r"\tv\w+\.[\w.]*f(?:16|32|64)\b", disassembly))):
        failures.append(f"computes with floats: {' '.join(used)}")
    entries = {name for name in names.values() if ENTRY.match(name)}
    sites = [site for site in calls(disassembly, names) if site[2] in entries and site[1] not in entries]
    found = {}
    for function, place in charge(image, sites, root):
        found.setdefault(function, place)
    failures += [f"can panic: {function} at {place}" for function, place in sorted(found.items())]
    for failure in failures:
        print(f"FAILED: {failure}")
    text, data = run("arm-none-eabi-size", image).splitlines()[1].split()[:2]
    print(f"{(int(text) + int(data)) / 1024:.1f} KB; {len(names)} functions; {len(sites)} calls that can panic, in {len(found)} functions; {len(failures)} failures")
    sys.exit(bool(failures))


main()
