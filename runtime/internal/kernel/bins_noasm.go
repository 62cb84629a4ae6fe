//go:build (!amd64 && !arm64) || purego

package kernel

func (v Vector) binShiftLimit() uint32 { return 0 }

func binPairLevels(v Vector, dst []byte, even, odd []uint16, b *bins, minus uint16) {}

func binLaneLevels(v Vector, dst []byte, lanes []uint16, b *bins, minus uint16) {}
