//go:build (!amd64 && !arm64) || purego

package kernel

import "unsafe"

func vectorByteSums(v Vector, even, odd []word, rows, prog unsafe.Pointer, group int) unsafe.Pointer {
	return byteSums(even, odd, rows, prog, group)
}

func vectorWideSums(v Vector, sum []word, rows, prog unsafe.Pointer) unsafe.Pointer {
	return wideSums(sum, rows, prog)
}
