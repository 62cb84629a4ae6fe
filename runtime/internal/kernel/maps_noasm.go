//go:build !arm64 || purego

package kernel

const mapsBytes = false

func vectorMapBytes(dst, in []byte, t *[256]uint8) {}
