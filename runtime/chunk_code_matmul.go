package runtime

import (
	"fmt"
	"math"
)

// FORMAT.md, "Operation 7, MatMul".

// versionMatMul is the first version of the format with operation 7.
const versionMatMul = 3

func encodeMatMul(w *writer, i *MatMul) {
	w.uint(i.Out)
	encodeUses(w, i.Steps)
	w.uint(i.A)
	w.uint(i.B)
}

func decodeMatMul(r *reader, p *Program) *MatMul {
	i := &MatMul{Out: r.tensor("output", p)}
	i.Steps = decodeUses(r, p.Tensors[i.Out].Shape[0])
	i.A, i.B = r.tensor("input a", p), r.tensor("input b", p)
	return i
}

// matMul checks i and returns its multiply-accumulates.
func (c *checker) matMul(i *MatMul) (work int64, err error) {
	out, a, b := &c.p.Tensors[i.Out], &c.p.Tensors[i.A], &c.p.Tensors[i.B]
	if want := [3]int{a.Shape[0], a.Shape[2], b.Shape[2]}; b.Shape != want {
		return 0, fmt.Errorf("input b of shape %v, want %v: as many channels as input a, and rows as it has columns", b.Shape, want)
	}
	if want := [3]int{a.Shape[0], a.Shape[1], b.Shape[2]}; out.Shape != want {
		return 0, fmt.Errorf("output shape %v, want %v: rows of input a, columns of input b", out.Shape, want)
	}
	if err := c.requantizes(i.Steps, i.Out); err != nil {
		return 0, err
	}
	if lo, hi := c.p.MatMulRange(i); !fitsInt32(lo, hi) {
		return 0, fmt.Errorf("the accumulators may take %d..%d, want a range within %d..%d", lo, hi, math.MinInt32, math.MaxInt32)
	}
	return c.p.products(i), nil
}

// MatMulRange returns the least and the largest accumulator that any levels of the inputs of i give: as many products as A has
// columns, each of the ends of both ranges. In a valid program both are int32.
func (p *Program) MatMulRange(i *MatMul) (lo, hi int64) {
	a, b := &p.Tensors[i.A], &p.Tensors[i.B]
	for _, x := range [...]int{-a.Zero, a.Levels - 1 - a.Zero} {
		for _, y := range [...]int{-b.Zero, b.Levels - 1 - b.Zero} {
			lo, hi = min(lo, int64(x)*int64(y)), max(hi, int64(x)*int64(y))
		}
	}
	return lo * int64(a.Shape[2]), hi * int64(a.Shape[2])
}
