//go:build !purego

package kernel

// vectorFill writes the rows of pieces for a number of channels. dst is the first plane of the
// first channel, src the input from that channel on. It may write fillSlack bytes more.
func vectorFill(dst, src []byte, job *fillJob, pieces []fillPiece, channels int) {
	d, s, q, n := &dst[0], &src[0], &pieces[0], len(pieces)
	switch {
	case job.wide && job.stride == 2:
		fillWidePairsNEON(d, s, job, q, n, channels)
	case job.wide:
		fillWideNEON(d, s, job, q, n, channels)
	case job.stride == 2:
		fillPairsNEON(d, s, job, q, n, channels)
	default:
		fillBytesNEON(d, s, job, q, n, channels)
	}
}

//go:noescape
func fillBytesNEON(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillPairsNEON(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillWideNEON(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillWidePairsNEON(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)
