//go:build !purego

package kernel

// Orders of bytes: every second one of two vectors, and a mask for those at even places.
var everySecond, lowBytes [64]byte

func init() {
	for i := range everySecond {
		everySecond[i] = byte(2 * i)
		lowBytes[i] = byte(i&1) - 1
	}
}

// fillWideRows tells 16-bit rows from byte rows in what vectorFill branches on.
const fillWideRows = 128

// vectorFill writes the rows of pieces for a number of channels. dst is the first plane of the
// first channel, src the input from that channel on. It may write fillSlack bytes more.
func vectorFill(dst, src []byte, job *fillJob, pieces []fillPiece, channels int) {
	d, s, q, n := &dst[0], &src[0], &pieces[0], len(pieces)
	kind := job.bytes + job.stride
	if job.wide {
		kind += fillWideRows
	}
	if job.vector == AVX512 {
		vectorFillAVX512(kind, d, s, job, q, n, channels)
	} else {
		vectorFillAVX2(kind, d, s, job, q, n, channels)
	}
}

func vectorFillAVX2(kind int, d, s *byte, p *fillJob, q *fillPiece, n, channels int) {
	switch kind {
	case 8 + 1:
		fillBytes8AVX2(d, s, p, q, n, channels)
	case 8 + 2:
		fillPairs8AVX2(d, s, p, q, n, channels)
	case 16 + 1:
		fillBytes16AVX2(d, s, p, q, n, channels)
	case 32 + 1:
		fillBytes32AVX2(d, s, p, q, n, channels)
	case 16 + 2:
		fillPairs16AVX2(d, s, p, q, n, channels)
	case 32 + 2:
		fillPairs32AVX2(d, s, p, q, n, channels)
	case 16 + 1 + fillWideRows:
		fillWide16AVX2(d, s, p, q, n, channels)
	case 32 + 1 + fillWideRows:
		fillWide32AVX2(d, s, p, q, n, channels)
	case 16 + 2 + fillWideRows:
		fillWidePairs16AVX2(d, s, p, q, n, channels)
	case 32 + 2 + fillWideRows:
		fillWidePairs32AVX2(d, s, p, q, n, channels)
	}
}

func vectorFillAVX512(kind int, d, s *byte, p *fillJob, q *fillPiece, n, channels int) {
	switch kind {
	case 16 + 1:
		fillBytes16AVX512(d, s, p, q, n, channels)
	case 32 + 1:
		fillBytes32AVX512(d, s, p, q, n, channels)
	case 64 + 1:
		fillBytes64AVX512(d, s, p, q, n, channels)
	case 16 + 2:
		fillPairs16AVX512(d, s, p, q, n, channels)
	case 32 + 2:
		fillPairs32AVX512(d, s, p, q, n, channels)
	case 64 + 2:
		fillPairs64AVX512(d, s, p, q, n, channels)
	case 16 + 1 + fillWideRows:
		fillWide16AVX512(d, s, p, q, n, channels)
	case 32 + 1 + fillWideRows:
		fillWide32AVX512(d, s, p, q, n, channels)
	case 64 + 1 + fillWideRows:
		fillWide64AVX512(d, s, p, q, n, channels)
	case 16 + 2 + fillWideRows:
		fillWidePairs16AVX512(d, s, p, q, n, channels)
	case 32 + 2 + fillWideRows:
		fillWidePairs32AVX512(d, s, p, q, n, channels)
	case 64 + 2 + fillWideRows:
		fillWidePairs64AVX512(d, s, p, q, n, channels)
	}
}

//go:noescape
func fillBytes8AVX2(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillPairs8AVX2(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillBytes16AVX2(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillPairs16AVX2(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillWide16AVX2(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillWidePairs16AVX2(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillBytes32AVX2(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillPairs32AVX2(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillWide32AVX2(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillWidePairs32AVX2(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillBytes16AVX512(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillPairs16AVX512(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillWide16AVX512(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillWidePairs16AVX512(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillBytes32AVX512(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillPairs32AVX512(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillWide32AVX512(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillWidePairs32AVX512(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillBytes64AVX512(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillPairs64AVX512(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillWide64AVX512(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillWidePairs64AVX512(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)
