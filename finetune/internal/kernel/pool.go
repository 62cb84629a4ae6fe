package kernel

// Pool is a two-dimensional pooling of x [N][C][H][W] into y [N][C][OH][OW]. Window (i, j)
// holds the elements x[i*Stride[0]+u*Dilation[0]-Pad[0]][j*Stride[1]+v*Dilation[1]-Pad[1]],
// u < KH, v < KW, that lie inside x. OH and OW are given, so that the caller decides about
// rounding up; a window may reach beyond the bottom and right padding. Every window of
// a maximum must contain an element of x.
type Pool struct {
	N, C, H, W       int
	KH, KW           int
	Stride, Dilation [2]int // vertical, horizontal; at least 1
	Pad              [4]int // top, left, bottom, right; at least 0
	OH, OW           int
}

func (p *Pool) check(where string, y, x []float32) {
	need(where, "y", len(y), p.N*p.C*p.OH*p.OW)
	need(where, "x", len(x), p.N*p.C*p.H*p.W)
}

// MaxForward computes y and, for each element of y, argmax: the position h*W+w in its
// plane of x of the first largest element (a NaN counts as largest).
func (p *Pool) MaxForward(y []float32, argmax []int32, x []float32) {
	p.check("Pool.MaxForward", y, x)
	need("Pool.MaxForward", "argmax", len(argmax), len(y))
	for plane := 0; plane < p.N*p.C; plane++ {
		xp := x[plane*p.H*p.W:][:p.H*p.W]
		o := plane * p.OH * p.OW
		for i := 0; i < p.OH; i++ {
			top := i*p.Stride[0] - p.Pad[0]
			u0, u1 := span(top, p.Dilation[0], p.KH, p.H)
			for j := 0; j < p.OW; j++ {
				left := j*p.Stride[1] - p.Pad[1]
				v0, v1 := span(left, p.Dilation[1], p.KW, p.W)
				at := (top+u0*p.Dilation[0])*p.W + left + v0*p.Dilation[1]
				best := xp[at]
				for u := u0; u < u1; u++ {
					for v := v0; v < v1; v++ {
						k := (top+u*p.Dilation[0])*p.W + left + v*p.Dilation[1]
						if xp[k] > best || xp[k] != xp[k] && best == best {
							at, best = k, xp[k]
						}
					}
				}
				y[o], argmax[o] = best, int32(at)
				o++
			}
		}
	}
}

// MaxBackward computes dx: the sum of the dy whose argmax the element is.
func (p *Pool) MaxBackward(dx, dy []float32, argmax []int32) {
	p.check("Pool.MaxBackward", dy, dx)
	need("Pool.MaxBackward", "argmax", len(argmax), len(dy))
	clear(dx)
	for i, g := range dy {
		dx[i/(p.OH*p.OW)*p.H*p.W+int(argmax[i])] += g
	}
}

// AvgForward computes y, the mean of each window: over its elements inside x or, with
// countIncludePad, over those inside x and its padding, which is zero.
func (p *Pool) AvgForward(y, x []float32, countIncludePad bool) {
	p.check("Pool.AvgForward", y, x)
	clear(y)
	p.each(countIncludePad, func(yi, xi int, scale float32) { y[yi] += scale * x[xi] })
}

// AvgBackward computes dx from dy, the gradient of AvgForward.
func (p *Pool) AvgBackward(dx, dy []float32, countIncludePad bool) {
	p.check("Pool.AvgBackward", dy, dx)
	clear(dx)
	p.each(countIncludePad, func(yi, xi int, scale float32) { dx[xi] += scale * dy[yi] })
}

func (p *Pool) each(countIncludePad bool, f func(yi, xi int, scale float32)) {
	for plane := 0; plane < p.N*p.C; plane++ {
		for i := 0; i < p.OH; i++ {
			top := i*p.Stride[0] - p.Pad[0]
			u0, u1 := span(top, p.Dilation[0], p.KH, p.H)
			for j := 0; j < p.OW; j++ {
				left := j*p.Stride[1] - p.Pad[1]
				v0, v1 := span(left, p.Dilation[1], p.KW, p.W)
				count := (u1 - u0) * (v1 - v0)
				if countIncludePad {
					_, u := span(top, p.Dilation[0], p.KH, p.H+p.Pad[2])
					_, v := span(left, p.Dilation[1], p.KW, p.W+p.Pad[3])
					count = u * v
				}
				if count == 0 {
					continue
				}
				scale := 1 / float32(count)
				for u := u0; u < u1; u++ {
					for v := v0; v < v1; v++ {
						f((plane*p.OH+i)*p.OW+j, (plane*p.H+top+u*p.Dilation[0])*p.W+left+v*p.Dilation[1], scale)
					}
				}
			}
		}
	}
}
