//go:build !arm || purego

package kernel

// fillWords writes the planes of channels.
func fillWords(dst, src []byte, pieces []wordPiece, job *wordFill, channels int) {
	zero := byte(job.zero)
	for c := 0; ; {
		for i := range pieces {
			p := &pieces[i]
			fillZero(dst[p.dst:p.dst+p.above<<2], zero)
			fillZero(dst[p.bottom:p.bottom+p.below<<2], zero)
			p.fillInside(dst[p.dst+p.above<<2:], src, job, zero)
		}
		if c++; c == channels {
			return
		}
		dst, src = dst[job.dstChan:], src[job.srcChan:]
	}
}

// fillInside writes the rows inside the input to dst.
func (p *wordPiece) fillInside(dst, src []byte, job *wordFill, zero byte) {
	if p.rows == 0 {
		return
	}
	from, hi := p.src, p.after
	if job.whole == 1 {
		from += p.before
		if p.behind == 0 && p.before == 0 {
			hi = min(p.cols<<2, len(src)-from)
		}
	}
	src = src[from:]
	for n := p.rows; ; {
		fillBytes(dst[:hi+p.behind], src, p.before, hi, job.stride, zero)
		if n--; n == 0 {
			return
		}
		dst, src = dst[job.pitch:], src[job.srcRow:]
	}
}
