//go:build !arm64 || purego

package kernel

func (v Vector) sorts() bool { return false }

func vectorCountLevels(counts *[256]uint32, in []byte) {}

func vectorPlaceRows(list []uint32, at *[256]uint32, in []byte, step uint32) {}
