"""The ABI as a list of lines: symbols with their types, layouts of structs, codes and constants.

`abi.py CC` compiles a program that prints the layouts and compares all lines with ffi/abi.txt: every line that stands there must
still be true, or programs that were built against an older header would break; and every line that is true must stand there.
`abi.py CC --write` adds new lines; it does not take away any.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from header import PATH, Header

SNAPSHOT = PATH.parents[1] / "ffi" / "abi.txt"


def program(header):
    lines = ["#include <stddef.h>", "#include <stdio.h>", '#include "qenex.h"', "int main(void) {"]
    for name, fields in header.structs.items():
        lines.append(f"struct align_{name} {{ char c; {name} value; }};")
        lines.append(
            f'printf("struct {name} size %zu align %zu\\n", sizeof({name}), offsetof(struct align_{name}, value));'
        )
        for field, kind, array in fields:
            lines.append(
                f'printf("field {name}.{field} {kind}{"[]" if array else ""} at %zu size %zu\\n", '
                f"offsetof({name}, {field}), sizeof((({name} *)0)->{field}));"
            )
    return "\n".join(lines + ["return 0;", "}"])


def lines(compiler):
    header = Header()
    with tempfile.TemporaryDirectory() as folder:
        source, binary = Path(folder) / "layout.c", Path(folder) / "layout"
        source.write_text(program(header))
        subprocess.run([compiler, "-std=c99", f"-I{PATH.parent}", source, "-o", binary], check=True)
        layout = subprocess.run([binary], check=True, capture_output=True, text=True).stdout.splitlines()
    found = [f"constant {name} {value}" for name, value in header.constants.items()]
    found += [f"type {name} {kind}" for name, kind in header.aliases.items()]
    found += [f"callback {declaration}" for declaration in header.callbacks.values()]
    found += layout
    for name, (result, parameters) in header.functions.items():
        types = ", ".join(kind for kind, _ in parameters) or "void"
        found.append(f"function {result} {name}({types})")
    # Versions grow without breaking anything.
    return [line for line in found if not line.startswith("constant QNX_VERSION_")]


def main():
    found = lines(sys.argv[1])
    kept = SNAPSHOT.read_text().splitlines() if SNAPSHOT.exists() else []
    gone = sorted(set(kept) - set(found))
    new = [line for line in found if line not in set(kept)]
    for line in gone:
        print(f"incompatible: the ABI had '{line}'", file=sys.stderr)
    if gone:
        print("a change that breaks programs needs a new QNX_ABI_VERSION, a new SONAME and a new ffi/abi.txt", file=sys.stderr)
        return 1
    if "--write" in sys.argv:
        SNAPSHOT.write_text("\n".join(found) + "\n")
        return 0
    for line in new:
        print(f"not in ffi/abi.txt yet: '{line}'; python3 tests/c/abi.py cc --write adds it", file=sys.stderr)
    print(f"ABI: {len(found)} lines as they were")
    return 1 if new else 0


sys.exit(main())
