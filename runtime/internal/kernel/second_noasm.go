//go:build (!amd64 && !arm64) || purego

package kernel

func takeSecond(dst, src []byte, rows, cols, pitch, srcRow int) {
	takeSecondSlow(dst, src, rows, cols, pitch, srcRow)
}
