//go:build amd64 || arm64

package kernel

// word is the register that lane arithmetic works on: 8 byte lanes or 4 lanes of 16
// bits. Loads of a word need an alignment of 4 only.
type word = uint64

const (
	wordBytes = 8
	wordShift = 3 // log2(wordBytes)

)
