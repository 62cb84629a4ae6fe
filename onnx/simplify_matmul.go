package onnx

// A product with a constant matrix is one linear map at every position: a convolution by a kernel
// of one element. It becomes a Gemm where there is a single position, else a Conv over
//
//	A [N][P][K] * W [K][M]      channels last: between two transpositions
//	W [M][K] * B [N][K][P]      channels first, as they are
//
// Stacks of constant matrices are the groups of the convolution.

// matMulToLinear rewrites a MatMul with one constant operand.
func (s *simplifier) matMulToLinear(n *Node) error {
	if _, ok := n.Op.(*MatMul); !ok || n.Inputs[0].Type != Float {
		return nil
	}
	a, b := n.Inputs[0], n.Inputs[1]
	by := newSpelling(n)
	switch {
	case b.Const != nil && a.Const == nil && len(a.Shape) == 2 && len(b.Shape) == 2 && (a.Shape.batched() || a.Shape[0] == 1):
		return s.matMulToGemm(n)
	case b.Const != nil && a.Const == nil:
		w := b.Const
		if len(w.Shape) == 1 {
			w = w.as(w.Shape[0], 1)
		}
		x := a
		if len(x.Shape) == 1 {
			x = by.reshape(x, Shape{1, x.Shape[0]})
		}
		by.columns(x, w, n.Outputs[0].Shape)
	case a.Const != nil && b.Const == nil:
		w := a.Const
		if len(w.Shape) == 1 {
			w = w.as(1, w.Shape[0])
		}
		x := b
		if len(x.Shape) == 1 {
			x = by.reshape(x, Shape{x.Shape[0], 1})
		}
		by.rows(x, w, n.Outputs[0].Shape)
	default:
		return nil
	}
	if len(by.nodes) == 0 {
		return nil
	}
	s.logf("made %s a convolution over positions", title(n))
	return s.spell(n, by)
}

// as is the tensor with another shape.
func (t *Tensor) as(shape ...int) *Tensor {
	return &Tensor{Type: t.Type, Shape: shape, Floats: t.Floats, Ints: t.Ints}
}

// stackOf splits the shape of the computed operand of a product into what the convolution sees: the batch,
// the constant matrices of the stack, the positions in front of the matrices.
func stackOf(x Shape, w *Tensor) (batch Shape, groups, positions int, ok bool) {
	batch = Shape{1}
	lead := x[:len(x)-2]
	if x.batched() {
		if len(x) < 3 {
			return nil, 0, 0, false
		}
		batch, lead = Shape{Batch}, lead[1:]
	}
	groups = product(w.Shape[:len(w.Shape)-2])
	positions = lead.Elems()
	if groups == 1 {
		return batch, 1, positions, true
	}
	// The matrices of a stack are those of all leading dimensions, one each.
	return batch, groups, 1, positions == groups && len(w.Shape) >= len(lead)+2
}

// columns spells x [...][P][K] * w [...][K][M].
func (s *spelling) columns(x *Value, w *Tensor, out Shape) {
	rank := len(x.Shape)
	k, m := w.Shape[len(w.Shape)-2], w.Shape[len(w.Shape)-1]
	if rank == 2 {
		x = s.reshape(x, Shape{1, x.Shape[0], k})
		rank = 3
	}
	batch, groups, lead, ok := stackOf(x.Shape, w)
	if !ok {
		s.nodes = nil
		return
	}
	rows := x.Shape[rank-2]
	flip := (&Transpose{Perm: []int{0, 2, 1}}).Moves(Shape{groups, k, m}, nil)[0]
	weights := s.constant(&Tensor{Type: Float, Shape: Shape{groups * m, k, 1}, Floats: apply(flip, w.Floats, 0)})
	if groups == 1 && lead*rows == 1 {
		weights.Const = weights.Const.as(m, k)
		weights.Shape = weights.Const.Shape
		y := s.add(&Gemm{Alpha: 1, Beta: 1, TransB: true}, s.reshape(x, append(batch.clone(), k)), weights)
		s.finish(y, out)
		return
	}
	if groups == 1 { // transpositions of three dimensions, which others meet
		x = s.transpose(s.reshape(x, append(batch.clone(), lead*rows, k)), 0, 2, 1)
		s.finish(s.transpose(s.add(pointwise(1), x, weights), 0, 2, 1), out)
		return
	}
	// [N][G][P][K] -> [N][G*K][P] -> [N][G*M][P] -> [N][G][P][M]
	x = s.reshape(x, append(batch.clone(), groups, lead*rows, k))
	x = s.transpose(x, 0, 1, 3, 2)
	x = s.reshape(x, append(batch.clone(), groups*k, lead*rows))
	y := s.add(pointwise(groups), x, weights)
	y = s.reshape(y, append(batch.clone(), groups, m, lead*rows))
	y = s.transpose(y, 0, 1, 3, 2)
	s.finish(y, out)
}

// rows spells w [...][M][K] * x [...][K][P].
func (s *spelling) rows(x *Value, w *Tensor, out Shape) {
	rank := len(x.Shape)
	m, k := w.Shape[len(w.Shape)-2], w.Shape[len(w.Shape)-1]
	if rank == 2 {
		x = s.reshape(x, Shape{1, k, x.Shape[1]})
		rank = 3
	}
	batch, groups, lead, ok := stackOf(x.Shape, w)
	if !ok {
		s.nodes = nil
		return
	}
	columns := x.Shape[rank-1]
	weights := s.constant(&Tensor{Type: Float, Shape: Shape{groups * m, k, 1}, Floats: w.Floats})
	// [N][L][G*K][P] -> [N][G*K][L*P] -> [N][G*M][L*P] -> [N][L][G*M][P]
	x = s.reshape(x, append(batch.clone(), lead, groups*k, columns))
	x = s.transpose(x, 0, 2, 1, 3)
	x = s.reshape(x, append(batch.clone(), groups*k, lead*columns))
	y := s.add(pointwise(groups), x, weights)
	y = s.reshape(y, append(batch.clone(), groups*m, lead, columns))
	y = s.transpose(y, 0, 2, 1, 3)
	s.finish(y, out)
}

// finish gives the result its shape; there is a node for it in any case.
func (s *spelling) finish(y *Value, out Shape) {
	if out.batched() == y.Shape.batched() || y.Shape[0] == 1 {
		s.reshape(y, out)
	}
}

// pointwise is a convolution by a kernel of one element.
func pointwise(groups int) *Conv {
	return &Conv{Kernel: []int{1}, Strides: []int{1}, Dilations: []int{1}, Pads: []int{0, 0}, Groups: groups}
}

// gemmToMatMul spells a Gemm that is no fully connected layer: of a constant and a computed
// matrix, of two computed ones, or of rows that are positions.
func (s *simplifier) gemmToMatMul(n *Node) error {
	op, ok := n.Op.(*Gemm)
	if !ok || n.Inputs[0].Type != Float {
		return nil
	}
	a, b := n.Inputs[0], n.Inputs[1]
	if a.Const != nil && b.Const != nil || b.Const != nil && !op.TransA && (a.Shape.batched() || a.Shape[0] == 1) {
		return nil
	}
	by := newSpelling(n)
	if op.TransA {
		a = by.transpose(a, 1, 0)
	}
	if op.TransB {
		b = by.transpose(b, 1, 0)
	}
	y := by.add(&MatMul{}, a, b)
	if op.Alpha != 1 {
		y = by.add(&Mul{}, y, by.number(op.Alpha))
	}
	if len(n.Inputs) > 2 && n.Inputs[2] != nil {
		c := n.Inputs[2]
		if op.Beta != 1 {
			c = by.add(&Mul{}, c, by.number(op.Beta))
		}
		by.add(&Add{}, y, c)
	}
	s.logf("spelled %s as a MatMul", title(n))
	return s.spell(n, by)
}
