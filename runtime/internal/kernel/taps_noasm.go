//go:build (!amd64 && !arm64) || purego

package kernel

import "unsafe"

func vectorByteSums(_ Vector, _, _, _, _ unsafe.Pointer, _, _ int) unsafe.Pointer { return nil }

func vectorWideSums(_ Vector, _, _, _ unsafe.Pointer, _ int) unsafe.Pointer { return nil }
