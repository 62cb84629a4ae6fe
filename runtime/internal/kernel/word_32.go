//go:build !amd64 && !arm64

package kernel

// word is the register that lane arithmetic works on: 4 byte lanes or 2 lanes of 16
// bits. Loads of a word are aligned.
type word = uint32

const (
	wordBytes = 4
	wordShift = 2 // log2(wordBytes)

)
