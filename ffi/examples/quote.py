"""The quote of quote.c from Python, with cffi: quote.py [PREFIX], where `ffi/install PREFIX` put the library."""

import re
import sys

from cffi import FFI

prefix = sys.argv[1] if len(sys.argv) > 1 else "/usr/local"
with open(f"{prefix}/include/qenex.h") as file:
    header = re.sub(r'^#(?!define QNX_\w+ \w+$).*$|extern "C" \{|^\}$', "", file.read(), flags=re.M)
ffi = FFI()
ffi.cdef(header)
qenex = ffi.dlopen(f"{prefix}/lib/libqenex.so.1")


def must(status):
    if status:
        raise ValueError(ffi.string(qenex.qnx_status_name(status)).decode())


def decimal(text):
    amount = ffi.new("qnx_amount_t *")
    must(qenex.qnx_amount_parse(text.encode(), len(text), amount))
    return amount[0]


def text(amount):
    out, length = ffi.new("char[]", qenex.QNX_AMOUNT_TEXT_SIZE), ffi.new("size_t *", qenex.QNX_AMOUNT_TEXT_SIZE)
    must(qenex.qnx_amount_print(amount, out, length))
    return ffi.string(out).decode()


pool = ffi.new("qnx_pool_t *", dict(a=decimal("10000"), b=decimal("5"), shares=decimal("223.60679774997896964"), fee_bps=30))
quote = ffi.new("qnx_quote_t *")
must(qenex.qnx_amm_swap_exact_in(pool, qenex.QNX_A_TO_B, decimal("1000"), decimal("0.45"), ffi.NULL, 0, quote))
for label in ("amount_in", "amount_out", "fee"):
    print(f"{label.replace('_', ' '):14} {text(getattr(quote, label))}")
