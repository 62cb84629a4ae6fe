//go:build (!amd64 && !arm64) || purego

package kernel

const (
	mapStep    = 1
	mapsLevels = 0
)

func vectorMapBytes(dst, in []byte, t *[256]uint8) {}
