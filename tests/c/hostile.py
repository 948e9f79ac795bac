"""Writes a C program that calls every function of qenex.h with arguments that cannot be right: null, misaligned, overlapping, too short, larger
than any memory, numbers without a meaning, states that were never initialised, and random bytes where values belong.

Each pointer goes to memory of exactly the size that the function may use, so that valgrind and AddressSanitizer see one byte more. A call passes if
it returns a status that its documentation names; a call with a null or misaligned pointer or an impossible length must not return success, unless the
function says that it may be null. `hostile SEED ROUNDS` replays.
"""

import sys

from header import Header

# Pointers that mean something when they are null.
OPTIONAL = {
    ("qnx_amm_swap_exact_in", "limits"),
    ("qnx_amm_swap_exact_out", "limits"),
    ("qnx_record_key", "second"),
    ("qnx_state_verify", "record"),
    ("qnx_following_push", "signature"),
}
# Bytes behind a pointer that no length stands beside.
FIXED = 64

TOP = r"""/* Written by tests/c/hostile.py. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qenex.h"

#define LARGER(a, b) ((a) > (b) ? (a) : (b))

static uint64_t seed;
static unsigned long calls;

static uint64_t next(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Memory of exactly so many bytes, random, or zeros, or small numbers. */
static void *memory(size_t bytes) {
    unsigned char *place = malloc(bytes ? bytes : 1);
    size_t i;
    uint64_t kind = next() % 4;
    if (!place) abort();
    for (i = 0; i < bytes; i++) place[i] = (unsigned char)(kind == 0 ? 0 : kind == 1 ? next() % 3 : next());
    return place;
}

static qnx_status_t seen[4096];

static void check(const char *function, const char *variant, qnx_status_t status, int must_fail, const int *codes, size_t count) {
    const char *name = qnx_status_name(status);
    size_t i = 0;
    calls++;
    if (status >= 0 && status < 4096) seen[status]++;
    while (i < count && codes[i] != status) i++;
    if (i == count || (must_fail && status == QNX_OK)) {
        printf("%s, %s: %d %s\n", function, variant, (int)status, name);
        exit(1);
    }
}
"""


def pointee(kind):
    return kind.replace("const ", "").rstrip("*").strip()


class Function:
    def __init__(self, header, name, result, parameters):
        self.header, self.name, self.result, self.parameters = header, name, result, parameters

    def count_of(self, index):
        """The name of the length that belongs to the pointer at this place."""
        after = self.parameters[index + 1] if index + 1 < len(self.parameters) else ("", "")
        return after if after[1].endswith(("len", "count")) and "size_t" in after[0] else None

    @staticmethod
    def size_of(kind):
        """How many bytes lie behind a pointer that no length stands beside."""
        return FIXED if pointee(kind) == "uint8_t" else f"sizeof({pointee(kind)})"

    def lines(self, shared):
        """Declares and fills the arguments of one call. `shared` says as what kind of pointer an argument is passed once more."""
        for index, (kind, name) in enumerate(self.parameters):
            if self.is_null(kind):
                continue
            if kind.endswith("*"):
                length, size = self.count_of(index), f"sizeof({pointee(kind)})"
                if kind == "size_t *" and index and self.parameters[index - 1][0].endswith("*"):
                    # The length of the buffer before it: declared with the buffer.
                    continue
                if length and length[0] == "size_t *":
                    yield f"size_t room_{name} = (size_t)(next() % 200);"
                    yield f"size_t *{length[1]} = memory(sizeof(size_t));"
                    yield f"{kind} {name} = memory(room_{name} * {size}); *{length[1]} = room_{name};"
                elif length:
                    yield f"size_t {length[1]} = (size_t)(next() % 200);"
                    yield f"{kind.replace('const ', '')} {name} = memory({length[1]} * {size});"
                    yield from self.no_wild_pointers(kind, name, length[1])
                else:
                    bytes_ = self.size_of(kind)
                    if name in shared:
                        bytes_ = f"LARGER({bytes_}, {self.size_of(shared[name])})"
                    yield f"{kind.replace('const ', '')} {name} = memory({bytes_});"
                    yield from self.no_wild_pointers(kind, name, "1")
            elif kind == "size_t" and index and self.count_of(index - 1) == (kind, name):
                continue
            elif kind in self.header.structs:
                yield f"{kind} {name}; {{ void *bytes = memory(sizeof {name}); memcpy(&{name}, bytes, sizeof {name}); free(bytes); }}"
                yield f"if (next() % 2) memset(&{name}, 0, 8);"
            else:
                yield f"{kind} {name} = ({kind})(next() % 5 ? next() % 16 : next());"

    def is_null(self, kind):
        """Functions and their contexts: nothing is called here."""
        return kind in self.header.callbacks or kind == "void *"

    def no_wild_pointers(self, kind, name, count):
        """Pointers within structs must not point anywhere."""
        fields = self.header.structs.get(pointee(kind), [])
        for field, type_, _ in fields:
            if type_.endswith("*") or type_ in self.header.callbacks:
                yield f"{{ size_t i; for (i = 0; i < {count}; i++) {name}[i].{field} = NULL; }}"

    def call(self, changed):
        arguments = ", ".join("NULL" if self.is_null(kind) else changed.get(name, name) for kind, name in self.parameters)
        return f"{self.name}({arguments})"

    def variants(self):
        """What is wrong with a call, the arguments that are not as declared, whether it must fail, and what memory is passed twice."""
        yield "random", {}, False, {}
        pointers = [
            (index, kind, name)
            for index, (kind, name) in enumerate(self.parameters)
            if kind.endswith("*") and not self.is_null(kind)
        ]
        for index, kind, name in pointers:
            bytes_only = pointee(kind) in ("uint8_t", "char")
            length = self.count_of(index)
            # Nothing is read through a pointer to no values.
            sure = (self.name, name) not in OPTIONAL and not length
            yield f"{name} is null", {name: "NULL"}, sure, {}
            if not bytes_only and pointee(kind) not in BYTES:
                yield f"{name} is misaligned", {name: f"({kind})(void *)((char *)(uintptr_t){name} + 1)"}, not length, {}
            if length and length[0] == "size_t":
                yield f"{length[1]} is huge", {length[1]: "SIZE_MAX"}, (self.name, name) not in OPTIONAL, {}
                yield f"{length[1]} is half of all", {length[1]: "SIZE_MAX / 2 + 1"}, (self.name, name) not in OPTIONAL, {}
        for index, kind, name in pointers:
            if kind.startswith("const"):
                continue
            for other, kind_other, name_other in pointers:
                if other != index and not self.count_of(index) and not self.count_of(other):
                    same = {name: f"({kind})(void *)(uintptr_t){name_other}"}
                    yield f"{name} is {name_other}", same, True, {name_other: kind}

    def source(self):
        codes = ", ".join(map(str, sorted(self.header.codes(self.name))))
        out = [f"static void call_{self.name}(void) {{"]
        if self.result == "qnx_status_t":
            out.append(f"    static const int codes[] = {{{codes}}};")
        for variant, changed, must_fail, shared in self.variants():
            out.append("    {")
            out += [f"        {line}" for line in self.lines(shared)]
            call = self.call(changed)
            if self.result == "qnx_status_t":
                out.append(f'        check("{self.name}", "{variant}", {call}, {int(must_fail)}, codes, sizeof codes / sizeof *codes);')
            else:
                out.append(f"        (void){call};")
            for kind, name in self.parameters:
                if self.is_null(kind):
                    continue
                if kind.endswith("*"):
                    out.append(f"        free((void *)(uintptr_t){name});")
                else:
                    out.append(f"        (void){name};")
            out.append("    }")
        return "\n".join(out + ["}"])


def byte_structs(header):
    """Structs of bytes alone, which are aligned everywhere."""
    found = {"uint8_t", "char"}
    for name, fields in header.structs.items():
        if all(header.aliases.get(kind, kind) in found for _, kind, _ in fields):
            found.add(name)
    return found


header = Header()
BYTES = byte_structs(header)
functions = [Function(header, name, *rest) for name, rest in header.functions.items()]
functions = [function for function in functions if function.parameters]
print(TOP)
for function in functions:
    print(function.source())
print("int main(int argc, char **argv) {\n    unsigned long round, rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 20;\n    int codes = 0, i;")
print('    seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;\n    printf("seed %" PRIu64 "\\n", seed);')
print("    for (round = 0; round < rounds; round++) {")
for function in functions:
    print(f"        call_{function.name}();")
print("    }\n    for (i = 0; i < 4096; i++) codes += seen[i] > 0;")
print(f'    printf("{len(functions)} functions, %lu calls, %d codes\\n", calls, codes);\n    return 0;\n}}')
