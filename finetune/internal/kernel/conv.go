package kernel

import "fmt"

// Conv is a two-dimensional convolution of x [N][C][H][W] with w [O][C/Groups][KH][KW],
// giving y [N][O][OH][OW]:
//
//	y[n][o][i][j] = bias[o] + sum over c, u, v of
//	    w[o][c][u][v] * x[n][c'][i*Stride[0]+u*Dilation[0]-Pad[0]][j*Stride[1]+v*Dilation[1]-Pad[1]]
//
// where c' is channel c of the group of o and x is zero outside. Pads may be asymmetric.
// One-dimensional convolutions have H = KH = 1. The rows and columns at the end which no
// window reaches are unused, and their gradient is zero.
type Conv struct {
	N, C, H, W, O    int
	KH, KW           int
	Stride, Dilation [2]int // vertical, horizontal; at least 1
	Pad              [4]int // top, left, bottom, right; at least 0
	Groups           int    // divides C and O
}

// OH is the number of output rows.
func (v *Conv) OH() int {
	return (v.H+v.Pad[0]+v.Pad[2]-v.Dilation[0]*(v.KH-1)-1)/v.Stride[0] + 1
}

// OW is the number of output columns.
func (v *Conv) OW() int {
	return (v.W+v.Pad[1]+v.Pad[3]-v.Dilation[1]*(v.KW-1)-1)/v.Stride[1] + 1
}

// Forward computes y [N][O][OH][OW]. bias is [O] or nil.
func (v *Conv) Forward(y, x, w, bias []float32) {
	v.check("Conv.Forward", y, x, w, bias)
	if v.isDense() {
		Gemm(false, true, v.N, v.O, v.C*v.H*v.W, x, w, 0, y)
		if bias != nil {
			AddRow(y, v.O, bias)
		}
		return
	}
	s := newTapSum(v)
	s.src, s.dst, s.w, s.bias = x, y, w, bias
	s.forward()
	s.run()
}

// BackwardInput computes dx [N][C][H][W], the gradient with respect to x, from
// dy [N][O][OH][OW]. It is also the forward pass of the transposed convolution of dy.
func (v *Conv) BackwardInput(dx, dy, w []float32) {
	v.check("Conv.BackwardInput", dy, dx, w, nil)
	if v.isDense() {
		Gemm(false, false, v.N, v.C*v.H*v.W, v.O, dy, w, 0, dx)
		return
	}
	s := newTapSum(v)
	s.src, s.dst, s.w = dy, dx, w
	s.backward()
	s.run()
}

// BackwardWeights computes dw [O][C/Groups][KH][KW] and, unless it is nil, dbias [O],
// summed over the batch.
func (v *Conv) BackwardWeights(dw, dbias, dy, x []float32) {
	v.check("Conv.BackwardWeights", dy, x, dw, dbias)
	if v.isDense() {
		Gemm(true, false, v.O, v.C*v.H*v.W, v.N, dy, x, 0, dw)
		if dbias != nil {
			SumRows(dbias, dy, v.O)
		}
		return
	}
	v.backwardWeights(dw, dbias, dy, x)
}

// isDense reports whether the only window is the whole input: a matrix product.
func (v *Conv) isDense() bool {
	return v.Groups == 1 && v.KH == v.H && v.KW == v.W && v.Pad == [4]int{} &&
		v.Dilation == [2]int{1, 1}
}

// isPointwise reports whether every output position depends on the same input position
// only, so that planes can be seen as single rows.
func (v *Conv) isPointwise() bool {
	return v.KH == 1 && v.KW == 1 && v.Pad == [4]int{} && v.Stride == [2]int{1, 1}
}

func (v *Conv) check(where string, y, x, w, bias []float32) {
	if v.Groups < 1 || v.C%v.Groups != 0 || v.O%v.Groups != 0 {
		panic(fmt.Sprintf("BUG: kernel: %s: %d groups of %d and %d channels", where, v.Groups, v.C, v.O))
	}
	if min(v.N, v.C, v.H, v.W, v.O, v.KH, v.KW, v.Stride[0], v.Stride[1], v.Dilation[0], v.Dilation[1]) < 1 ||
		min(v.Pad[0], v.Pad[1], v.Pad[2], v.Pad[3]) < 0 {
		panic(fmt.Sprintf("BUG: kernel: %s: size out of range in %+v", where, *v))
	}
	// The quotients of OH and OW would round a negative extent to zero.
	if v.H+v.Pad[0]+v.Pad[2] <= v.Dilation[0]*(v.KH-1) || v.W+v.Pad[1]+v.Pad[3] <= v.Dilation[1]*(v.KW-1) {
		panic(fmt.Sprintf("BUG: kernel: %s: the window is larger than the padded input in %+v", where, *v))
	}
	need(where, "y", len(y), v.N*v.O*v.OH()*v.OW())
	need(where, "x", len(x), v.N*v.C*v.H*v.W)
	need(where, "w", len(w), v.O*(v.C/v.Groups)*v.KH*v.KW)
	if bias != nil {
		need(where, "bias", len(bias), v.O)
	}
}
