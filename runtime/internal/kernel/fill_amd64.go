//go:build !purego

package kernel

// fills says whether vectorFill exists for v.
func (v Vector) fills() bool { return v == AVX512 }

// Orders of bytes: every second one of two vectors, and a mask for those at even places.
var everySecond, lowBytes [64]byte

func init() {
	for i := range everySecond {
		everySecond[i] = byte(2 * i)
		lowBytes[i] = byte(i&1) - 1
	}
}

// vectorFill writes the rows of pieces for a number of channels. dst is the first plane of the
// first channel, src the input from that channel on. It may write fillSlack bytes more.
func vectorFill(dst, src []byte, job *fillJob, pieces []fillPiece, channels int) {
	d, s, p, n := &dst[0], &src[0], &pieces[0], len(pieces)
	kind := job.bytes + job.stride
	if job.wide {
		kind += 128
	}
	switch kind {
	case 16 + 1:
		fillBytes16(d, s, job, p, n, channels)
	case 32 + 1:
		fillBytes32(d, s, job, p, n, channels)
	case 64 + 1:
		fillBytes64(d, s, job, p, n, channels)
	case 16 + 2:
		fillPairs16(d, s, job, p, n, channels)
	case 32 + 2:
		fillPairs32(d, s, job, p, n, channels)
	case 64 + 2:
		fillPairs64(d, s, job, p, n, channels)
	case 16 + 1 + 128:
		fillWide16(d, s, job, p, n, channels)
	case 32 + 1 + 128:
		fillWide32(d, s, job, p, n, channels)
	case 64 + 1 + 128:
		fillWide64(d, s, job, p, n, channels)
	case 16 + 2 + 128:
		fillWidePairs16(d, s, job, p, n, channels)
	case 32 + 2 + 128:
		fillWidePairs32(d, s, job, p, n, channels)
	case 64 + 2 + 128:
		fillWidePairs64(d, s, job, p, n, channels)
	}
}

//go:noescape
func fillBytes16(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillBytes32(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillBytes64(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillPairs16(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillPairs32(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillPairs64(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillWide16(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillWide32(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillWide64(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillWidePairs16(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillWidePairs32(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)

//go:noescape
func fillWidePairs64(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)
