//go:build (!amd64 && !arm64) || purego

package kernel

func (v Vector) poolsPairs() bool { return false }

func vectorMaxPairs(_ Vector, dst, src []byte, rows, cols, inCols int) {}
