package onnx

import "math"

// sayMatMulNBits multiplies by weights that are packed in blocks of K, each with a scale and a zero point:
//
//	y = x W, W[k][n] = scale[n][k/block] * (q[n][k] - zero[n][k/block])
//
// Operands: x [...][K], q [N][blocks][block*bits/8] bytes with the first code lowest, scales [N*blocks], zero points packed as
// the codes are, or as numbers (2^(bits-1) without), positions of groups, bias [N].
func sayMatMulNBits(r *nodeReader, s *spelling) *Value {
	k, n, bits, block := r.int("K", 0), r.int("N", 0), r.int("bits", 4), r.int("block_size", 0)
	r.ignore("accuracy_level") // of the runtime's arithmetic
	if r.arity(3, 6); r.wrong(s) {
		return nil
	}
	if r.given(4) {
		r.refusef("groups of weights in another order (g_idx)")
		return nil
	}
	if bits != 2 && bits != 4 && bits != 8 {
		r.refusef("%d bits, want 2, 4 or 8", bits)
		return nil
	}
	if k < 1 || n < 1 || block < 8 || block > maxFold || k > maxFold || n > maxFold || !r.small(k*n) {
		r.failf("K %d, N %d and blocks of %d", k, n, block)
		return nil
	}
	packed, scales := r.operand(1, "weights"), r.operand(2, "scales")
	if packed == nil || scales == nil {
		return nil
	}
	blocks := (k + block - 1) / block
	bytes := block * bits / 8
	if packed.Type != Int || len(packed.Ints) != n*blocks*bytes || scales.Type != Float || len(scales.Floats) != n*blocks {
		r.failf("weights %v and scales %v for %d blocks of %d", packed.Shape, scales.Shape, n*blocks, block)
		return nil
	}
	code := func(list []int64, i int) float64 {
		perByte := 8 / bits
		return float64(list[i/perByte] >> (i % perByte * bits) & (1<<bits - 1))
	}
	zero := func(row, at int) float64 { return math.Exp2(float64(bits - 1)) }
	if r.given(3) {
		zeros := r.operand(3, "zero points")
		if zeros == nil {
			return nil
		}
		perRow := (blocks*bits + 7) / 8
		switch {
		case zeros.Type == Float && len(zeros.Floats) == n*blocks:
			zero = func(row, at int) float64 { return float64(zeros.Floats[row*blocks+at]) }
		case zeros.Type == Int && len(zeros.Ints) == n*perRow:
			zero = func(row, at int) float64 { return code(zeros.Ints[row*perRow:][:perRow], at) }
		default:
			r.failf("zero points %v for %d rows of %d blocks", zeros.Shape, n, blocks)
			return nil
		}
	}
	w := &Tensor{Type: Float, Shape: Shape{k, n}, Floats: make([]float32, k*n)}
	for row := range n {
		for i := range k {
			at := i / block
			list := packed.Ints[(row*blocks+at)*bytes:][:bytes]
			w.Floats[i*n+row] = float32(float64(scales.Floats[row*blocks+at]) * (code(list, i%block) - zero(row, at)))
		}
	}
	y := s.add(&MatMul{}, r.in[0], s.constant(w))
	if r.given(5) {
		y = s.add(&Add{}, y, r.in[5])
	}
	return y
}
