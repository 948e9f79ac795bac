"""Writes ffi/tests/layout.rs: the layouts of ffi/abi.txt as Rust sees them. `layout.py` compares, `layout.py --write` writes."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "ffi" / "tests" / "layout.rs"

HEAD = """//! Sizes, alignments and offsets as Rust has them are those that C has (ffi/abi.txt), on machines with pointers of 64 bits.
//!
//! Written by `tests/c/layout.py --write`; do not edit it.
#![cfg(target_pointer_width = "64")]

use core::mem::{align_of, offset_of, size_of};

use qenex_ffi::*;

macro_rules! layout {
    ($($type:path, $size:literal, $align:literal, [$($field:ident $offset:literal),*];)+) => {
        $(
            const _: () = assert!(size_of::<$type>() == $size && align_of::<$type>() == $align);
            $(const _: () = assert!(offset_of!($type, $field) == $offset);)*
        )+
    };
}

layout! {
"""


def modules():
    found = {}
    for path in sorted((ROOT / "ffi" / "src").glob("*.rs")):
        for line in path.read_text().splitlines():
            for start in ("pub struct ", "pub union "):
                if line.startswith(start):
                    found[line[len(start) :].split()[0].rstrip("{;")] = path.stem
    return found


def main():
    module_of, structs, fields = modules(), {}, {}
    for line in (ROOT / "ffi" / "abi.txt").read_text().splitlines():
        words = line.split()
        if words[0] == "struct":
            structs[words[1]] = (words[3], words[5])
        if words[0] == "field":
            name, field = words[1].split(".")
            fields.setdefault(name, []).append(f"{field} {words[words.index('at') + 1]}")
    body = "".join(
        f"    {module_of[name]}::{name}, {size}, {align}, [{', '.join(fields[name])}];\n"
        for name, (size, align) in structs.items()
    )
    text = HEAD + body + "}\n"
    if "--write" in sys.argv:
        TARGET.write_text(text)
    if TARGET.read_text() != text:
        print("ffi/tests/layout.rs is not what ffi/abi.txt says; python3 tests/c/layout.py --write writes it", file=sys.stderr)
        return 1
    return 0


sys.exit(main())
