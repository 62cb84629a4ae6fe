package onnx

import "fmt"

// Gemm is Alpha * A * B + Beta * C for matrices A [M][K], B [K][N] (or [K][M], [N][K]
// where TransA, TransB say so) and an optional C that broadcasts to [M][N].
type Gemm struct {
	TransA, TransB bool
	Alpha, Beta    float64
}

// MatMul is the matrix product of A [...][M][K] and B [...][K][N]; leading dimensions
// broadcast, and an operand of rank 1 is a row (A) or a column (B).
type MatMul struct{}

// Type returns "Gemm".
func (*Gemm) Type() string { return "Gemm" }

// Type returns "MatMul".
func (*MatMul) Type() string { return "MatMul" }

// InferShape returns [M][N].
func (op *Gemm) InferShape(in []Shape) ([]Shape, error) {
	if err := arity(in, 2, 3); err != nil {
		return nil, err
	}
	a, b := in[0], in[1]
	if len(a) != 2 || len(b) != 2 {
		return nil, fmt.Errorf("operands %v and %v: want two matrices", a, b)
	}
	m, k := a[0], a[1]
	if op.TransA {
		m, k = k, m
	}
	k2, n := b[0], b[1]
	if op.TransB {
		k2, n = n, k2
	}
	if k == Batch || k2 == Batch || n == Batch {
		return nil, refusef("operands %v and %v: the product would mix samples of the batch", a, b)
	}
	if k != k2 {
		return nil, fmt.Errorf("operands %v and %v: inner dimensions %d and %d differ", a, b, k, k2)
	}
	out := Shape{m, n}
	if c := optional(in, 2); c != nil {
		sum, err := broadcast(out, c)
		if err != nil || !sum.Equal(out) {
			return nil, fmt.Errorf("third operand %v does not broadcast to %v", c, out)
		}
	}
	return []Shape{out}, nil
}

// InferShape returns [...][M][N], without M or N where that operand has rank 1.
func (*MatMul) InferShape(in []Shape) ([]Shape, error) {
	if err := arity(in, 2, 2); err != nil {
		return nil, err
	}
	a, b := in[0].clone(), in[1].clone()
	if len(a) == 0 || len(b) == 0 {
		return nil, fmt.Errorf("operands %v and %v: want rank 1 or more", a, b)
	}
	row, column := len(a) == 1, len(b) == 1
	if row {
		a = append(Shape{1}, a...)
	}
	if column {
		b = append(b, 1)
	}
	m, k := a[len(a)-2], a[len(a)-1]
	k2, n := b[len(b)-2], b[len(b)-1]
	if k == Batch || k2 == Batch || n == Batch {
		return nil, refusef("operands %v and %v: the product would mix samples of the batch", in[0], in[1])
	}
	if k != k2 {
		return nil, fmt.Errorf("operands %v and %v: inner dimensions %d and %d differ", in[0], in[1], k, k2)
	}
	out, err := broadcast(a[:len(a)-2], b[:len(b)-2])
	if err != nil {
		return nil, err
	}
	if m == Batch && len(out) > 0 {
		return nil, refusef("operands %v and %v: the batch would not be dimension 0 of the product", in[0], in[1])
	}
	if !row {
		out = append(out, m)
	}
	if !column {
		out = append(out, n)
	}
	return []Shape{out}, nil
}

func readGemm(r *nodeReader) Op {
	if r.opset < 7 {
		r.ignore("broadcast") // shapes say as much
	}
	return &Gemm{TransA: r.bool("transA", false), TransB: r.bool("transB", false),
		Alpha: r.float("alpha", 1), Beta: r.float("beta", 1)}
}

func (op *Gemm) write(w *nodeWriter) {
	w.bool("transA", op.TransA)
	w.bool("transB", op.TransB)
	w.float("alpha", op.Alpha)
	w.float("beta", op.Beta)
}

// spell multiplies all pairs of elements that meet and adds up the products.
func (*MatMul) spell(s *spelling, n *Node) {
	a, b := n.Inputs[0], n.Inputs[1]
	if len(a.Shape) < 2 || len(b.Shape) < 2 {
		return
	}
	left := s.add(&Unsqueeze{Axes: []int{len(a.Shape)}}, a)      // [...][M][K][1]
	right := s.add(&Unsqueeze{Axes: []int{len(b.Shape) - 2}}, b) // [...][1][K][N]
	products := s.add(&Mul{}, left, right)
	s.add(&Reduce{Kind: ReduceSum, Axes: []int{len(products.Shape) - 2}}, products)
}
