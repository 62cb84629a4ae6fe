package quant

import (
	"fmt"
	"slices"

	"qconv/onnx"
	"qconv/runtime"
)

// stretch is a run along an axis of a move that two nested loops make: result positions
// start + i*inner + j, source positions from + i*outerStep + j*innerStep.
type stretch struct {
	start, from          int
	outer, inner         int
	outerStep, innerStep int
}

// stretches cuts an axis of a move into as few runs as it finds; fill positions are in none.
func stretches(m []int) []stretch {
	if s, ok := nested(m); ok {
		return []stretch{s}
	}
	var out []stretch
	for i := 0; i < len(m); {
		if m[i] == onnx.Fill {
			i++
			continue
		}
		n := 1
		step := 0
		if i+1 < len(m) && m[i+1] != onnx.Fill {
			step = m[i+1] - m[i]
			for i+n < len(m) && m[i+n] != onnx.Fill && m[i+n] == m[i]+n*step {
				n++
			}
		}
		out = append(out, stretch{start: i, from: m[i], outer: 1, inner: n, innerStep: step})
		i += n
	}
	return out
}

// nested finds two loops that make the whole of m.
func nested(m []int) (stretch, bool) {
	for inner := 1; inner <= len(m); inner++ {
		if len(m)%inner != 0 {
			continue
		}
		s := stretch{from: m[0], outer: len(m) / inner, inner: inner}
		if inner > 1 {
			s.innerStep = m[1] - m[0]
		}
		if s.outer > 1 {
			s.outerStep = m[inner] - m[0]
		}
		ok := true
		for i, v := range m {
			ok = ok && v != onnx.Fill && v == s.from+i/inner*s.outerStep+i%inner*s.innerStep
		}
		if ok {
			return s, true
		}
	}
	return stretch{}, false
}

// pieces makes the copies of a move of one sample from tensor in.
func pieces(m onnx.Move, in int) ([]runtime.Piece, error) {
	out := []runtime.Piece{}
	toStrides := make([]int, len(m.Axes)) // of the result
	step := 1
	for d, axis := range slices.Backward(m.Axes) {
		toStrides[d] = step
		step *= len(axis)
	}
	var build func(d, outStart, inStart int, dims []dim) error
	build = func(d, outStart, inStart int, dims []dim) error {
		if d == len(m.Axes) {
			if len(dims) > len(runtime.Piece{}.Dims) {
				// The shortest loop becomes pieces of its own.
				k := slices.IndexFunc(dims, func(a dim) bool { return a == slices.MinFunc(dims, func(a, b dim) int { return a.size - b.size }) })
				rest, loop := slices.Delete(slices.Clone(dims), k, k+1), dims[k]
				for i := range loop.size {
					if err := build(d, outStart+i*loop.out, inStart+i*loop.in, rest); err != nil {
						return err
					}
				}
				return nil
			}
			if len(out) == maxPieces {
				return fmt.Errorf("moves elements in more than %d pieces", maxPieces)
			}
			out = append(out, newPiece(in, outStart, inStart, dims))
			return nil
		}
		for _, s := range stretches(m.Axes[d]) {
			next := append([]dim(nil), dims...)
			if s.outer > 1 {
				next = append(next, dim{s.outer, s.inner * toStrides[d], s.outerStep})
			}
			if s.inner > 1 {
				next = append(next, dim{s.inner, toStrides[d], s.innerStep})
			}
			if err := build(d+1, outStart+s.start*toStrides[d], inStart+s.from, next); err != nil {
				return err
			}
		}
		return nil
	}
	return out, build(0, 0, 0, nil)
}

// maxPieces bounds the copies of one movement.
const maxPieces = 4096
