package kernel

// These functions do one plane of a pooling.

func maxForward(r *poolRun, y, x []float32, argmax []int32) {
	o := 0
	for i := 0; i < r.OH; i++ {
		u0, u1, top := r.rowSpan(i)
		for j := 0; j < r.OW; j++ {
			v0, v1, left := r.colSpan(j)
			at := (top+u0*r.Dilation[0])*r.W + left + v0*r.Dilation[1]
			best := x[at]
			for u := u0; u < u1; u++ {
				k := (top+u*r.Dilation[0])*r.W + left + v0*r.Dilation[1]
				for v := v0; v < v1; v++ {
					if e := x[k]; e > best || e != e && best == best {
						at, best = k, e
					}
					k += r.Dilation[1]
				}
			}
			y[o], argmax[o] = best, int32(at)
			o++
		}
	}
}

// maxForwardInside is maxForward for windows inside x.
func maxForwardInside(r *poolRun, y, x []float32, argmax []int32) {
	for o := maxWindowsVec(y, argmax, x, r.pos, r.off); o < len(y); o++ {
		at := r.pos[o]
		best := x[at]
		for _, d := range r.off[1:] {
			if e := x[r.pos[o]+d]; e > best || e != e && best == best {
				at, best = r.pos[o]+d, e
			}
		}
		y[o], argmax[o] = best, at
	}
}

func maxBackward(_ *poolRun, dy, dx []float32, argmax []int32) {
	clear(dx)
	for i, g := range dy {
		dx[argmax[i]] += g
	}
}

func avgForward(r *poolRun, y, x []float32, _ []int32) {
	if r.whole() {
		y[0] = sum(x) / float32(len(x))
		return
	}
	o := 0
	for i := 0; i < r.OH; i++ {
		u0, u1, top := r.rowSpan(i)
		for j := 0; j < r.OW; j++ {
			v0, v1, left := r.colSpan(j)
			var s float32
			for u := u0; u < u1; u++ {
				k := (top+u*r.Dilation[0])*r.W + left + v0*r.Dilation[1]
				for v := v0; v < v1; v++ {
					s += x[k]
					k += r.Dilation[1]
				}
			}
			y[o] = s * r.scale(top, left, u0, u1, v0, v1)
			o++
		}
	}
}

func avgBackward(r *poolRun, dy, dx []float32, _ []int32) {
	if r.whole() {
		g := dy[0] / float32(len(dx))
		for i := range dx {
			dx[i] = g
		}
		return
	}
	clear(dx)
	o := 0
	for i := 0; i < r.OH; i++ {
		u0, u1, top := r.rowSpan(i)
		for j := 0; j < r.OW; j++ {
			v0, v1, left := r.colSpan(j)
			g := dy[o] * r.scale(top, left, u0, u1, v0, v1)
			for u := u0; u < u1; u++ {
				k := (top+u*r.Dilation[0])*r.W + left + v0*r.Dilation[1]
				for v := v0; v < v1; v++ {
					dx[k] += g
					k += r.Dilation[1]
				}
			}
			o++
		}
	}
}
