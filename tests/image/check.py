"""Says which functions of the linked image can panic, and compares them with panics.txt. Also refuses floats and an allocator.

Usage: check.py IMAGE PANICS.TXT ROOT-OF-THE-PROJECT

A panic is a call of one of the standard library's functions that never return. Each such call is charged to
the innermost crate at that place that is not the standard library, inlined code included; calls within the standard library are
charged to the function that holds them. Only crates other than the project's own may have any, and only those that
panics.txt names, a list that only shrinks. Compilers differ in what they can prove, so a line that one of them does
not need is only a note.
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
    text = "\n".join(hex(at) for at, _, _ in sites) + "\n"
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
    image, list_file, root = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    names = functions(image)
    disassembly = run("arm-none-eabi-objdump", "-d", "--no-show-raw-insn", image)
    failures = [f"computes with floats in software: {name}" for name in names.values() if FLOAT.search(name)]
    failures += [f"allocates: {name}" for name in names.values() if ALLOCATOR.search(name)]

    if used := sorted(set(re.findall(r"\tv\w+\.[\w.]*f(?:16|32|64)\b", disassembly))):
        failures.append(f"computes with floats: {' '.join(used)}")
    entries = {name for name in names.values() if ENTRY.match(name)}
    sites = [site for site in calls(disassembly, names) if site[2] in entries and site[1] not in entries]
    if not sites:
        sys.exit("no call of the panic functions was found: the examination itself does not work")
    listed = {line.strip() for line in list_file.read_text().splitlines() if line and not line.startswith("#")}
    found = {}
    for symbol, place in charge(image, sites, root):
        found.setdefault(symbol, place)
    for symbol, place in sorted(found.items()):
        if symbol.startswith("qenex "):
            failures.append(f"our own code can panic: {symbol} at {place}")
        elif symbol not in listed:
            failures.append(f"can panic and is not in {list_file.name}: {symbol} at {place}")
    for symbol in sorted(listed - set(found)):
        print(f"note: {symbol} can no longer panic with this compiler; if with no other, remove it from {list_file.name}")
    for failure in failures:
        print(f"FAILED: {failure}")
    print(f"{len(names)} functions; {len(sites)} calls that can panic, in {len(found)} functions of dependencies; "
          f"{len(failures)} failures")
    sys.exit(bool(failures))


main()
