//go:build (!amd64 && !arm64) || purego

package kernel

func (v Vector) joins() bool { return false }

func (v Vector) binShiftLimit() uint32 { return 0 }

func binPairLevels(v Vector, dst []byte, even, odd []uint16, b *bins, plus, minus uint16) {
	panic("BUG: no vectors")
}

func binLaneLevels(v Vector, dst []byte, lanes []uint16, b *bins, plus, minus uint16) {
	panic("BUG: no vectors")
}

func binJoinLevels(v Vector, dst []byte, high, low [2][]uint16, b *bins, shift uint16, add int32) {
	panic("BUG: no vectors")
}
