//go:build (!amd64 && !arm64) || purego

package kernel

func vectorTranspose(dst, src []byte, blocks, rows, cols int) {}
