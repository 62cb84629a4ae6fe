//go:build (!amd64 && !arm64) || purego

package kernel

import "unsafe"

func vectorSweepBytes(_ Vector, _, _ unsafe.Pointer, _ int, _, _ unsafe.Pointer, _, _, _ int) unsafe.Pointer {
	return nil
}

func vectorSweepWide(_ Vector, _ unsafe.Pointer, _ int, _, _ unsafe.Pointer, _, _ int) unsafe.Pointer {
	return nil
}
