//go:build (!amd64 && !arm64) || purego

package kernel

func (v Vector) mixes() bool { return false }

func vectorMixLevels(dst []byte, lanes []word, words int, wide bool, list []mixEntry, b *bins, add int32) {
}
