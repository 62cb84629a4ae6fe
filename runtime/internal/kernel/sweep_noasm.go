//go:build !amd64 || purego

package kernel

import "unsafe"

func (v Vector) sweeps() bool { return false }

func vectorSweepBytes(_, _ []uint16, _ int, _, _ unsafe.Pointer, _, _, _ int) {}

func vectorSweepWide(_ []uint16, _ int, _, _ unsafe.Pointer, _, _ int) {}
