//go:build !amd64 || purego

package kernel

import "unsafe"

func (v Vector) sweeps() bool { return false }

func vectorSweep(_ []byte, _, _ int, _, _ []word, _, _ unsafe.Pointer, _ int, _ []sweepChannel) {}
