//go:build (!amd64 && !arm64) || purego

package kernel

func (v Vector) mixes() bool { return false }

func vectorMixLevels(_ Vector, _ []byte, _ []word, _ int, _ bool, _ []mixEntry, _ *bins, _ int32) {
}
