//go:build (!amd64 && !arm64) || purego

package kernel

import "unsafe"

func vectorSweepBytes(_ Vector, _, _ []uint16, _ int, _, _ unsafe.Pointer, _, _, _ int) {}

func vectorSweepWide(_ Vector, _ []uint16, _ int, _, _ unsafe.Pointer, _, _ int) {}
