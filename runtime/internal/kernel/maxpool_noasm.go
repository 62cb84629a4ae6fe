//go:build (!amd64 && !arm64) || purego

package kernel

func vectorMaxPairs(_ Vector, dst, src []byte, rows, cols, inCols int) {}

func vectorPoolRows(_ Vector, dst, src []byte, rows []poolRow, width, pitch, step int) {}

func vectorPoolColumns(_ Vector, buffer []byte, n, taps, step int) {}
