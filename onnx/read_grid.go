package onnx

import "math"

// sayGridSample takes elements of pictures at places that a constant grid names, between elements by interpolation: a
// linear map of each channel, which is read as a product with a constant matrix.
//
// Operands: x [N][C][H][W], grid [N][h][w][2] of places (across, down), both from -1 to 1 in the picture. Result: [N][C][h][w].
func sayGridSample(r *nodeReader, s *spelling) *Value {
	mode, border := r.text("mode", "linear"), r.text("padding_mode", "zeros")
	corners := r.bool("align_corners", false)
	if r.arity(2, 2); r.wrong(s) {
		return nil
	}
	grid := r.operand(1, "grid")
	x := r.shapes[0]
	switch {
	case r.wrong(s) || grid == nil:
		return nil
	case len(x) != 4:
		r.refusef("input %v, want two spatial dimensions", x)
	case len(grid.Shape) != 4 || grid.Shape[3] != 2 || grid.Type != Float || x[0] != Batch && x[0] != grid.Shape[0]:
		r.failf("grid %v for input %v, want the places of a picture for each sample", grid.Shape, x)
	case mode != "linear" && mode != "bilinear" && mode != "nearest":
		r.refusef("mode %q", mode)
	case border != "zeros" && border != "border" && border != "reflection":
		r.failf("padding_mode is %q", border)
	}
	if r.wrong(s) {
		return nil
	}
	h, w := grid.Shape[1], grid.Shape[2]
	from, to := x[2]*x[3], h*w
	if !r.small(from) || !r.small(to) || !r.small(from*to) {
		return nil
	}
	for i, v := range grid.Floats {
		if v != grid.Floats[i%(2*to)] {
			r.refusef("a grid that differs by sample of the batch")
			return nil
		}
	}
	at := func(place float32, n int) float64 {
		if corners {
			return (float64(place) + 1) / 2 * float64(n-1)
		}
		return ((float64(place)+1)*float64(n) - 1) / 2
	}
	matrix := &Tensor{Type: Float, Shape: Shape{from, to}, Floats: make([]float32, from*to)}
	for k := range to {
		across := gridTap(at(grid.Floats[2*k], x[3]), x[3], mode == "nearest", border, corners)
		down := gridTap(at(grid.Floats[2*k+1], x[2]), x[2], mode == "nearest", border, corners)
		for i, row := range down.From {
			for j, column := range across.From {
				matrix.Floats[(row*x[3]+column)*to+k] += float32(down.Weights[i] * across.Weights[j])
			}
		}
	}
	shape := func(tail ...int) Shape { return append(x[:2].clone(), tail...) }
	y := s.add(&MatMul{}, s.reshape(r.in[0], shape(from)), s.constant(matrix))
	return s.reshape(y, shape(h, w))
}

// gridTap is how the element at a place of n elements is made of them; what is outside is zero, the border, or a
// reflection at the corners or at the edges around them.
func gridTap(at float64, n int, nearest bool, border string, corners bool) Tap {
	inside := func(v float64) float64 { return math.Min(math.Max(v, 0), float64(n-1)) }
	switch {
	case at != at || math.IsInf(at, 0):
		at = -2
	case border == "reflection" && n == 1 && corners:
		at = 0
	case border == "reflection":
		lo, span := -0.5, float64(n)
		if corners {
			lo, span = 0, float64(n-1)
		}
		off := math.Mod(math.Abs(at-lo), 2*span)
		at = inside(lo + math.Min(off, 2*span-off))
	case border == "border":
		at = inside(at)
	}
	if nearest {
		at = math.RoundToEven(at)
	}
	floor := math.Floor(at)
	var t Tap
	for i, weight := range []float64{1 - (at - floor), at - floor} {
		if k := floor + float64(i); weight > 0 && k >= 0 && k < float64(n) {
			t.From, t.Weights = append(t.From, int(k)), append(t.Weights, weight)
		}
	}
	return t
}

// sayAffineGrid makes the grid of a constant affine map, the places in a picture that an upright grid is sent to:
//
//	grid[n][i][j] = theta[n] (x_j, y_i, 1)
//
// Operands: theta [N][2][3], size (N, C, h, w). Result: [N][h][w][2].
func sayAffineGrid(r *nodeReader, s *spelling) *Value {
	corners := r.bool("align_corners", false)
	if r.arity(2, 2); r.wrong(s) {
		return nil
	}
	theta, size := r.operand(0, "theta"), r.operandInts(1, "size")
	switch {
	case r.wrong(s) || theta == nil || size == nil:
		return nil
	case len(size) != 4:
		r.refusef("size %v, want two spatial dimensions", size)
	case theta.Type != Float || !theta.Shape.Equal(Shape{size[0], 2, 3}) || min(size[2], size[3]) < 1:
		r.failf("theta %v for size %v", theta.Shape, size)
	}
	if r.wrong(s) || !r.small(size[2]) || !r.small(size[3]) || !r.small(2*size[0]*size[2]*size[3]) {
		return nil
	}
	place := func(i, n int) float64 {
		switch {
		case corners && n == 1:
			return 0
		case corners:
			return 2*float64(i)/float64(n-1) - 1
		}
		return (2*float64(i)+1)/float64(n) - 1
	}
	grid := &Tensor{Type: Float, Shape: Shape{size[0], size[2], size[3], 2}}
	for n := range size[0] {
		for i := range size[2] {
			for j := range size[3] {
				for d := range 2 {
					t := theta.Floats[6*n+3*d:]
					grid.Floats = append(grid.Floats, float32(float64(t[0])*place(j, size[3])+float64(t[1])*place(i, size[2])+float64(t[2])))
				}
			}
		}
	}
	return s.constant(grid)
}
