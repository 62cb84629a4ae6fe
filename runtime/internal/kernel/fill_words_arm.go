//go:build !purego

package kernel

// fillWords writes the planes of channels.
func fillWords(dst, src []byte, pieces []wordPiece, job *wordFill, channels int) {
	if len(pieces) > 0 {
		fillWordsARM(&dst[0], &src[0], &pieces[0], len(pieces), job, channels)
	}
}

//go:noescape
func fillWordsARM(dst, src *byte, pieces *wordPiece, n int, job *wordFill, channels int)
