// Package kernel is the float32 arithmetic of training and float inference: matrix
// product, convolution and pooling with their gradients, and the vector functions of
// the quantized network.
//
// Tensors are dense row-major float32 slices. Exported functions check lengths and panic
// with "BUG: ..." when they do not fit; the code behind them trusts its arguments.
//
// Work is cut by problem size only and sums have a fixed order, so a result does not
// depend on GOMAXPROCS. It does depend, in the last bits, on the instruction set: build
// with -tags purego for the portable code. Nothing is allocated in steady state.
package kernel

import "fmt"

// need panics unless a slice called name, of length got, has want elements.
func need(where, name string, got, want int) {
	if got != want {
		panic(fmt.Sprintf("BUG: kernel: %s: %s has %d elements, want %d", where, name, got, want))
	}
}
