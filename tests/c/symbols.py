"""What libqenex.so exports and imports: exactly the header's functions, and nothing but copies of memory and abort.

`symbols.py LIBRARY` fails on an allocator, on a symbol that the header does not declare, and on a function that can panic and is not in the list
below. Checks in dependencies that only the compiler for x86 leaves: the decoding of numbers below 256 in the multiplication of points, and the
blocks of SHA-512.
"""

import re
import subprocess
import sys

from header import Header

IMPORTS = {"abort", "bcmp", "memcmp", "memcpy", "memmove", "memset"}
# Added by the linker, and weak.
START = {"_ITM_deregisterTMCloneTable", "_ITM_registerTMCloneTable", "__cxa_finalize", "__gmon_start__"}
CAN_PANIC = {
    "curve25519_dalek::backend::vector::scalar_mul::vartime_double_base::spec_avx2::mul::_impl_mul",
    "qenex_core::crypto::ed25519::verify",
    "sha2::sha512::x86_avx2::compress",
}
PANICS = re.compile(r"(?:call|jmp) .*<core::(panicking|(slice::index|option|result|str|cell)::\w*fail)")


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def symbols(library, which):
    return {line.split()[-1].split("@")[0] for line in run("nm", "-D", which, library).splitlines()}


def main():
    library = sys.argv[1]
    wrong = []
    exported, declared = symbols(library, "--defined-only"), set(Header().functions)
    wrong += [f"exported, and not in the header: {name}" for name in sorted(exported - declared)]
    wrong += [f"in the header, and not exported: {name}" for name in sorted(declared - exported)]
    wrong += [f"imported: {name}" for name in sorted(symbols(library, "--undefined-only") - IMPORTS - START)]
    function, panicking = None, set()
    for line in run("objdump", "-dC", "--no-show-raw-insn", library).splitlines():
        if line.endswith(">:"):
            function = line.split("<", 1)[1][:-2]
        elif PANICS.search(line) and not function.startswith("core::"):
            panicking.add(function)
    wrong += [f"can panic: {name}" for name in sorted(panicking - CAN_PANIC)]
    wrong += [f"cannot panic any more, take it from the list: {name}" for name in sorted(CAN_PANIC - panicking)]
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"{len(exported)} functions exported, {len(panicking)} functions of dependencies with checks")
    return bool(wrong)


sys.exit(main())
