// The quote of quote.c from Go: PKG_CONFIG_PATH=PREFIX/lib/pkgconfig go run quote.go, where `ffi/install PREFIX` put the library.
package main

// #cgo pkg-config: qenex
// #include <qenex.h>
import "C"

import (
	"fmt"
	"os"
	"unsafe"
)

func must(status C.qnx_status_t) {
	if status != C.QNX_OK {
		fmt.Fprintln(os.Stderr, C.GoString(C.qnx_status_name(status)))
		os.Exit(1)
	}
}

func decimal(text string) (amount C.qnx_amount_t) {
	bytes := []byte(text)
	must(C.qnx_amount_parse((*C.char)(unsafe.Pointer(&bytes[0])), C.size_t(len(bytes)), &amount))
	return
}

func text(amount C.qnx_amount_t) string {
	var out [C.QNX_AMOUNT_TEXT_SIZE]C.char
	length := C.size_t(len(out))
	must(C.qnx_amount_print(amount, &out[0], &length))
	return C.GoString(&out[0])
}

func main() {
	pool := C.qnx_pool_t{a: decimal("10000"), b: decimal("5"), shares: decimal("223.60679774997896964"), fee_bps: 30}
	var quote C.qnx_quote_t
	must(C.qnx_amm_swap_exact_in(&pool, C.QNX_A_TO_B, decimal("1000"), decimal("0.45"), nil, 0, &quote))
	fmt.Printf("%-14s %s\n", "amount in", text(quote.amount_in))
	fmt.Printf("%-14s %s\n", "amount out", text(quote.amount_out))
	fmt.Printf("%-14s %s\n", "fee", text(quote.fee))
}
