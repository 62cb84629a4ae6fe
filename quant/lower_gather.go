package quant

import (
	"fmt"
	"slices"

	"qconv/onnx"
	"qconv/runtime"
)

// fillIndex in an axis map stands for the fill value instead of a source position.
const fillIndex = -1

// axisMaps describe a movement that treats every axis by itself: element (i, j, ...) of the
// result is element (maps[0][i], maps[1][j], ...) of the source, or the fill value where any
// of them is fillIndex. Slices, pads, tiles, nearest resizing are such.
type axisMaps [][]int

// identityMaps leaves every axis of a shape (per sample) as it is.
func identityMaps(shape onnx.Shape) axisMaps {
	maps := make(axisMaps, len(shape))
	for d, n := range shape {
		maps[d] = make([]int, n)
		for i := range maps[d] {
			maps[d][i] = i
		}
	}
	return maps
}

// stretch is a run of an axis map that two nested loops make: result positions
// start + i*inner + j, source positions from + i*outerStep + j*innerStep.
type stretch struct {
	start, from          int
	outer, inner         int
	outerStep, innerStep int
}

// stretches cuts an axis map into as few runs as it finds; fill positions are in none.
func stretches(m []int) []stretch {
	if s, ok := nested(m); ok {
		return []stretch{s}
	}
	var out []stretch
	for i := 0; i < len(m); {
		if m[i] == fillIndex {
			i++
			continue
		}
		n := 1
		step := 0
		if i+1 < len(m) && m[i+1] != fillIndex {
			step = m[i+1] - m[i]
			for i+n < len(m) && m[i+n] != fillIndex && m[i+n] == m[i]+n*step {
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
			ok = ok && v != fillIndex && v == s.from+i/inner*s.outerStep+i%inner*s.innerStep
		}
		if ok {
			return s, true
		}
	}
	return stretch{}, false
}

// pieces makes the copies of a movement between shapes (per sample).
func (maps axisMaps) pieces(in int, from, to onnx.Shape) ([]runtime.Piece, error) {
	fromStrides, toStrides := rowMajor(from), rowMajor(to)
	out := []runtime.Piece{}
	var build func(d, outStart, inStart int, dims []dim) error
	build = func(d, outStart, inStart int, dims []dim) error {
		if d == len(to) {
			if len(dims) > len(runtime.Piece{}.Dims) {
				return fmt.Errorf("moves elements along %d nested loops, want at most %d", len(dims), len(runtime.Piece{}.Dims))
			}
			if len(out) == maxPieces {
				return fmt.Errorf("moves elements in more than %d pieces", maxPieces)
			}
			out = append(out, newPiece(in, outStart, inStart, dims))
			return nil
		}
		for _, s := range stretches(maps[d]) {
			next := append([]dim(nil), dims...)
			if s.outer > 1 {
				next = append(next, dim{s.outer, s.inner * toStrides[d], s.outerStep * fromStrides[d]})
			}
			if s.inner > 1 {
				next = append(next, dim{s.inner, toStrides[d], s.innerStep * fromStrides[d]})
			}
			if err := build(d+1, outStart+s.start*toStrides[d], inStart+s.from*fromStrides[d], next); err != nil {
				return err
			}
		}
		return nil
	}
	return out, build(0, 0, 0, nil)
}

// moved is the movement of a node towards its given output, from tensor in.
func moved(n *onnx.Node, output, in int) ([]runtime.Piece, error) {
	from, to := n.Inputs[0].Shape[1:], n.Outputs[output].Shape[1:]
	maps := identityMaps(from)
	switch op := n.Op.(type) {
	case *onnx.Slice:
		for i, axis := range op.Axes {
			m := make([]int, n.Outputs[0].Shape[axis])
			for k := range m {
				m[k] = op.Starts[i] + k*op.Steps[i]
			}
			maps[axis-1] = m
		}
	case *onnx.Split:
		start := 0
		for _, size := range op.Sizes[:output] {
			start += size
		}
		maps[op.Axis-1] = maps[op.Axis-1][start : start+op.Sizes[output]]
	case *onnx.Pad:
		rank := len(from) + 1
		for axis := 1; axis < rank; axis++ {
			maps[axis-1] = padMap(op.Mode, from[axis-1], op.Pads[axis], op.Pads[rank+axis])
		}
	case *onnx.Tile:
		for d, m := range maps {
			maps[d] = slices.Repeat(m, op.Repeats[d+1])
		}
	case *onnx.Gather:
		m := make([]int, len(op.Indices.Ints))
		for i, v := range op.Indices.Ints {
			m[i] = int(v)
		}
		maps[op.Axis-1] = m
		// A scalar index drops its axis and a matrix makes two: the order stays the same.
		to = slices.Clone(from)
		to[op.Axis-1] = len(m)
	case *onnx.Expand:
		from = append(slices.Repeat(onnx.Shape{1}, len(to)-len(from)), from...)
		maps = identityMaps(from)
		for d := range to {
			if from[d] == 1 {
				maps[d] = make([]int, to[d])
			}
		}
	case *onnx.Resize:
		for d := range maps {
			maps[d] = nearestMap(op, d+1, from[d], to[d])
		}
	}
	return maps.pieces(in, from, to)
}

// maxPieces bounds the copies of one movement.
const maxPieces = 4096

// padMap lists the source of every position along an axis of size n padded by before and
// after; negative pads crop.
func padMap(mode string, n, before, after int) []int {
	out := make([]int, 0, n+before+after)
	for i := -before; i < n+after; i++ {
		switch {
		case i >= 0 && i < n:
			out = append(out, i)
		case mode == "edge":
			out = append(out, min(max(i, 0), n-1))
		case mode == "reflect":
			r := i
			if n > 1 {
				r = ((i % (2*n - 2)) + 2*n - 2) % (2*n - 2)
			} else {
				r = 0
			}
			out = append(out, min(r, 2*n-2-r))
		case mode == "wrap":
			out = append(out, ((i%n)+n)%n)
		default:
			out = append(out, fillIndex)
		}
	}
	return out
}
