//go:build !arm64 || purego

package kernel

const takesSecond = false

func takeSecond(dst, src []byte, rows, cols, pitch, srcRow int) { panic("BUG: no vectors") }
