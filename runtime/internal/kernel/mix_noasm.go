//go:build (!amd64 && !arm64) || purego

package kernel

func vectorMixLevels(_ Vector, _ []byte, _ []uint16, _ int, _ bool, _ []mixEntry, _ *bins, _ int32) {
}
