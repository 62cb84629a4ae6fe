package onnx

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// array is a tensor of the reference evaluator, row-major.
type array struct {
	shape Shape
	v     []float64
}

// at reads one element; positions outside are 0.
func (a *array) at(index ...int) float64 {
	i := 0
	for d, n := range a.shape {
		if index[d] < 0 || index[d] >= n {
			return 0
		}
		i = i*n + index[d]
	}
	return a.v[i]
}

// random makes an array of numbers in [-1, 1).
func random(rng *rand.Rand, shape Shape) *array {
	a := &array{shape: shape.clone()}
	for range shape.Elems() {
		a.v = append(a.v, 2*rng.Float64()-1)
	}
	return a
}

func randomTensor(rng *rand.Rand, shape ...int) *Tensor {
	t := &Tensor{Type: Float, Shape: Shape(shape)}
	for _, v := range random(rng, shape).v {
		t.Floats = append(t.Floats, float32(v))
	}
	return t
}

// evaluate runs the graph by the definitions of its operators, with a batch of 2. It knows
// the operators that simplification deals with.
func evaluate(t *testing.T, g *Graph, inputs ...*array) []*array {
	t.Helper()
	values := map[*Value]*array{}
	for i, v := range g.Inputs {
		values[v] = inputs[i]
	}
	get := func(v *Value) *array {
		if v == nil {
			return nil
		}
		if v.Const != nil {
			a := &array{shape: v.Const.Shape}
			for _, f := range v.Const.Floats {
				a.v = append(a.v, float64(f))
			}
			for _, n := range v.Const.Ints {
				a.v = append(a.v, float64(n))
			}
			return a
		}
		if values[v] == nil {
			t.Fatalf("value %q is read before it is computed", v.Name)
		}
		return values[v]
	}
	for _, n := range g.Nodes {
		var in []*array
		for _, v := range n.Inputs {
			in = append(in, get(v))
		}
		out := &array{shape: n.Outputs[0].Shape.WithBatch(2)}
		out.fill(t, n, in)
		if len(out.v) != out.shape.Elems() {
			t.Fatalf("node %q made %d elements, shape %v", n.Name, len(out.v), out.shape)
		}
		values[n.Outputs[0]] = out
	}
	var outputs []*array
	for _, v := range g.Outputs {
		outputs = append(outputs, get(v))
	}
	return outputs
}

// fill computes one node; out.shape is set.
func (out *array) fill(t *testing.T, n *Node, in []*array) {
	t.Helper()
	x := in[0]
	each := func(f func(i []int) float64) {
		index := make([]int, len(out.shape))
		for range out.shape.Elems() {
			out.v = append(out.v, f(index))
			for d := len(index) - 1; d >= 0; d-- {
				if index[d]++; index[d] < out.shape[d] {
					break
				}
				index[d] = 0
			}
		}
	}
	bias := func(o int) float64 {
		if len(in) > 2 && in[2] != nil {
			return in[2].v[o]
		}
		return 0
	}
	switch op := n.Op.(type) {
	case *Conv:
		w := in[1]
		each(func(i []int) float64 {
			sum := bias(i[1])
			group := i[1] / (w.shape[0] / op.Groups)
			for c := range w.shape[1] {
				for ky := range w.shape[2] {
					for kx := range w.shape[3] {
						sum += w.at(i[1], c, ky, kx) * x.at(i[0], group*w.shape[1]+c,
							i[2]*op.Strides[0]+ky*op.Dilations[0]-op.Pads[0], i[3]*op.Strides[1]+kx*op.Dilations[1]-op.Pads[1])
					}
				}
			}
			return sum
		})
	case *ConvTranspose:
		w := in[1]
		perGroup := w.shape[0] / op.Groups
		each(func(i []int) float64 {
			sum := bias(i[1])
			group := i[1] / w.shape[1]
			for c := range perGroup {
				for ky := range w.shape[2] {
					for kx := range w.shape[3] {
						y, x0 := i[2]+op.Pads[0]-ky*op.Dilations[0], i[3]+op.Pads[1]-kx*op.Dilations[1]
						if y%op.Strides[0] == 0 && x0%op.Strides[1] == 0 {
							sum += w.at(group*perGroup+c, i[1]%w.shape[1], ky, kx) * x.at(i[0], group*perGroup+c, y/op.Strides[0], x0/op.Strides[1])
						}
					}
				}
			}
			return sum
		})
	case *Gemm:
		each(func(i []int) float64 {
			sum := 0.0
			left := func(j int) float64 { return x.at(i[0], j) }
			k := x.shape[1]
			if op.TransA {
				left = func(j int) float64 { return x.at(j, i[0]) }
				k = x.shape[0]
			}
			for j := range k {
				b := in[1].at(j%in[1].shape[0], i[1]%in[1].shape[1])
				if op.TransB {
					b = in[1].at(i[1], j)
				}
				sum += op.Alpha * left(j) * b
			}
			if len(in) > 2 && in[2] != nil {
				sum += op.Beta * in[2].v[i[1]%len(in[2].v)]
			}
			return sum
		})
	case *MatMul:
		each(func(i []int) float64 {
			sum := 0.0
			for j := range x.shape[len(x.shape)-1] {
				// Operands of one dimension have no row or column that the result could say.
				row, column := slices.Clone(i), slices.Clone(i)
				if len(in[1].shape) > 1 && len(x.shape) > 1 {
					row, column = row[:len(row)-1], append(column[:len(column)-2], j, column[len(column)-1])
				} else if len(in[1].shape) > 1 {
					column = append(column[:len(column)-1], j, column[len(column)-1])
				}
				a := x.v[j]
				if len(x.shape) > 1 {
					a = x.at(append(row[len(row)-len(x.shape)+1:], j)...)
				}
				b := in[1].v[j]
				if len(in[1].shape) > 1 {
					b = in[1].at(column[len(column)-len(in[1].shape):]...)
				}
				sum += a * b
			}
			return sum
		})
	case *BatchNormalization:
		each(func(i []int) float64 {
			c := i[1]
			return (x.at(i...)-in[3].v[c])/sqrt(in[4].v[c]+op.Epsilon)*in[1].v[c] + in[2].v[c]
		})
	case *AveragePool:
		each(func(i []int) float64 {
			sum, count := 0.0, 0
			for ky := range op.Kernel[0] {
				for kx := range op.Kernel[1] {
					y, x0 := i[2]*op.Strides[0]+ky-op.Pads[0], i[3]*op.Strides[1]+kx-op.Pads[1]
					sum += x.at(i[0], i[1], y, x0)
					if op.CountIncludePad || y >= 0 && y < x.shape[2] && x0 >= 0 && x0 < x.shape[3] {
						count++
					}
				}
			}
			return sum / float64(count)
		})
	case *Pad:
		each(func(i []int) float64 {
			from := slices.Clone(i)
			for d := range from {
				from[d] -= op.Pads[d]
				if from[d] < 0 || from[d] >= x.shape[d] {
					return op.Value
				}
			}
			return x.at(from...)
		})
	case *Transpose:
		each(func(i []int) float64 {
			from := make([]int, len(i))
			for d, p := range op.Perm {
				from[p] = i[d]
			}
			return x.at(from...)
		})
	case *Concat:
		each(func(i []int) float64 {
			from, k := slices.Clone(i), 0
			for from[op.Axis] >= in[k].shape[op.Axis] {
				from[op.Axis] -= in[k].shape[op.Axis]
				k++
			}
			return in[k].at(from...)
		})
	case *Reshape, *Flatten, *Squeeze, *Unsqueeze, *Identity, *Dropout:
		out.v = x.v
	case *Slice:
		each(func(i []int) float64 {
			from := slices.Clone(i)
			for k, axis := range op.Axes {
				from[axis] = op.Starts[k] + i[axis]*op.Steps[k]
			}
			return x.at(from...)
		})
	case *Reduce:
		out.reduce(x, op)
	case *GlobalAveragePool:
		out.reduce(x, &Reduce{Kind: "ReduceMean", Axes: []int{2, 3}})
	case *GlobalMaxPool:
		out.reduce(x, &Reduce{Kind: "ReduceMax", Axes: []int{2, 3}})
	case *Softmax:
		each(func(i []int) float64 {
			sum, from := 0.0, slices.Clone(i)
			for k := range x.shape[op.Axis] {
				from[op.Axis] = k
				sum += exp(x.at(from...))
			}
			return exp(x.at(i...)) / sum
		})
	case *Where:
		each(func(i []int) float64 {
			pick := func(a *array) float64 {
				from := slices.Clone(i[len(i)-len(a.shape):])
				for d := range from {
					from[d] %= a.shape[d]
				}
				return a.at(from...)
			}
			if pick(x) != 0 {
				return pick(in[1])
			}
			return pick(in[2])
		})
	default:
		f := ElementFunc(n.Op)
		if f == nil {
			t.Fatalf("the evaluator does not know %T", n.Op)
		}
		each(func(i []int) float64 {
			operands := make([]float64, len(in))
			for k, a := range in {
				from := slices.Clone(i[len(i)-len(a.shape):])
				for d := range from {
					from[d] %= a.shape[d]
				}
				operands[k] = a.at(from...)
			}
			return f(operands)
		})
	}
}

// reduce fills out by a reduction of x.
func (out *array) reduce(x *array, op *Reduce) {
	groups := make([][]float64, out.shape.Elems())
	for i, v := range x.v {
		at, step := 0, 1
		for d := len(x.shape) - 1; d >= 0; d-- {
			if !slices.Contains(op.Axes, d) {
				at += i % x.shape[d] * step
				step *= x.shape[d]
			}
			i /= x.shape[d]
		}
		groups[at] = append(groups[at], v)
	}
	for _, g := range groups {
		out.v = append(out.v, op.Apply(g))
	}
}

func exp(x float64) float64 { return (&Exp{}).Apply(x) }

func sqrt(x float64) float64 { return (&Sqrt{}).Apply(x) }

// builder puts graphs together for the tests.
type builder struct {
	g   *Graph
	rng *rand.Rand
}

func newBuilder(shapes ...Shape) *builder {
	b := &builder{g: &Graph{}, rng: rand.New(rand.NewPCG(1, 2))}
	for i, s := range shapes {
		b.g.Inputs = append(b.g.Inputs, &Value{Name: fmt.Sprintf("x%d", i), Shape: s})
	}
	return b
}

// add appends a node; operands are *Value, *Tensor, or nil.
func (b *builder) add(name string, op Op, operands ...any) *Value {
	n := &Node{Name: name, Op: op, Outputs: []*Value{{Name: name + "_out"}}}
	for i, o := range operands {
		switch o := o.(type) {
		case *Value:
			n.Inputs = append(n.Inputs, o)
		case *Tensor:
			v := &Value{Name: fmt.Sprintf("%s_%d", name, i)}
			v.setConst(o)
			n.Inputs = append(n.Inputs, v)
		default:
			n.Inputs = append(n.Inputs, nil)
		}
	}
	b.g.Nodes = append(b.g.Nodes, n)
	return n.Outputs[0]
}

// tensor makes a random constant; positive makes one that can be a variance.
func (b *builder) tensor(shape ...int) *Tensor { return randomTensor(b.rng, shape...) }
func (b *builder) positive(n int) *Tensor {
	t := b.tensor(n)
	for i, v := range t.Floats {
		t.Floats[i] = v*v + 0.1
	}
	return t
}
