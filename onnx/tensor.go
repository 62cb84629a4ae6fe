package onnx

import (
	"fmt"
	"strings"
)

// Batch is the size of a batch dimension that is bound only when the graph is run.
const Batch = -1

// Shape lists the dimensions of a tensor, outermost first. Only dimension 0 may be [Batch].
type Shape []int

// Elems is the number of elements, with [Batch] counted as 1 (that is, per sample).
func (s Shape) Elems() int {
	n := 1
	for _, d := range s {
		if d != Batch {
			n *= d
		}
	}
	return n
}

// WithBatch returns the shape with its batch dimension, if any, bound to n.
func (s Shape) WithBatch(n int) Shape {
	out := append(Shape(nil), s...)
	if len(out) > 0 && out[0] == Batch {
		out[0] = n
	}
	return out
}

// String prints the shape as [N,3,32,32].
func (s Shape) String() string {
	var b strings.Builder
	b.WriteByte('[')
	for i, d := range s {
		if i > 0 {
			b.WriteByte(',')
		}
		if d == Batch {
			b.WriteByte('N')
		} else {
			fmt.Fprint(&b, d)
		}
	}
	b.WriteByte(']')
	return b.String()
}

// DataType is the element type of a tensor once read: the many types of an ONNX file
// are widened to these.
type DataType uint8

const (
	Float DataType = iota // float32; float16, bfloat16 and double are converted when read
	Int                   // int64; every signed and unsigned integer type
	Bool                  // held as Ints 0 and 1
)

// Tensor is constant data in row-major order. Exactly one of Floats and Ints is used,
// according to Type; its length is Shape.Elems().
type Tensor struct {
	Type   DataType
	Shape  Shape
	Floats []float32
	Ints   []int64
}
