package finetune

import (
	"fmt"
	"hash"
	"hash/fnv"

	"github.com/chewxy/hm"
	_ "go4.org/unsafe/assume-no-moving-gc" // a version that knows today's Go, or Gorgonia does not start
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// operation is a Gorgonia operation over float32 vectors. Every operation belongs to one
// node and owns the buffer of its result, which is the same in every run: the tape machine
// forgets its registers between runs, so buffers that it allocates itself cannot be reused.
//
// Vectors are flat. Shapes are known from the onnx graph before an operation is made, and
// live in the functions; Gorgonia's own rules (a shape of ones counts as a scalar) never
// apply.
type operation struct {
	name  string
	id    int // distinct in its graph: equal hashes would let Gorgonia merge two nodes
	salt  int
	in    []int // elements of the inputs
	nodes []*G.Node
	elems int           // of the result
	out   *tensor.Dense // the result; nil until the graph is compiled
	// alias says that the result is the first input itself.
	alias bool
	// forward computes out from in. It may not keep either.
	forward func(out []float32, in [][]float32)
	// inner is the tape of the body of a loop, nil for other operations.
	inner *tape
	// adjoints make the gradients of the inputs; nil where none is wanted.
	adjoints []adjoint
}

// adjoint returns the node of the gradient of one input of an operation, made from the
// operation's inputs, its result, and the gradient of its result. The gradient node must
// have a buffer of its own, or be grad itself: Gorgonia sums gradients in place.
type adjoint func(in []*G.Node, out, grad *G.Node) *G.Node

func vectorType() hm.Type { return G.TensorType{Dims: 1, Of: tensor.Float32} }

func (o *operation) Arity() int { return len(o.in) }

func (o *operation) Type() hm.Type {
	types := make([]hm.Type, len(o.in)+1)
	for i := range types {
		types[i] = vectorType()
	}
	return hm.NewFnType(types...)
}

func (o *operation) InferShape(...G.DimSizer) (tensor.Shape, error) {
	return tensor.Shape{o.size()}, nil
}

func (o *operation) size() int {
	if o.alias {
		return o.in[0]
	}
	return o.elems
}

// Do computes the result into the operation's own buffer.
func (o *operation) Do(values ...G.Value) (G.Value, error) {
	if o.alias {
		return values[0], nil
	}
	in := make([][]float32, len(values))
	for i, v := range values {
		in[i] = floats(v)
		if len(in[i]) != o.in[i] {
			return nil, fmt.Errorf("finetune: %s: input %d has %d elements, want %d", o.name, i, len(in[i]), o.in[i])
		}
	}
	o.forward(o.out.Float32s(), in)
	return o.out, nil
}

// UsePreallocDo ignores the buffer that the machine offers: the operation has its own.
func (o *operation) UsePreallocDo(_ G.Value, values ...G.Value) (G.Value, error) {
	return o.Do(values...)
}

func (o *operation) ReturnsPtr() bool     { return true }
func (o *operation) CallsExtern() bool    { return false }
func (o *operation) OverwritesInput() int { return -1 }
func (o *operation) String() string       { return o.name }

func (o *operation) WriteHash(h hash.Hash) { fmt.Fprintf(h, "%s/%d/%d", o.name, o.id, o.salt) }

func (o *operation) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

// DiffWRT says which inputs have an adjoint.
func (o *operation) DiffWRT(inputs int) []bool {
	wrt := make([]bool, inputs)
	for i := range o.adjoints {
		wrt[i] = o.adjoints[i] != nil
	}
	return wrt
}

// SymDiff makes the gradient nodes of the inputs.
func (o *operation) SymDiff(in G.Nodes, out, grad *G.Node) (G.Nodes, error) {
	grads := make(G.Nodes, len(in))
	for i, adj := range o.adjoints {
		if adj != nil {
			grads[i] = adj(in, out, grad)
		}
	}
	return grads, nil
}

// floats is the data of a vector.
func floats(v G.Value) []float32 { return v.(*tensor.Dense).Float32s() }

// newVector is a vector over data, which it shares.
func newVector(data []float32) *tensor.Dense {
	return tensor.New(tensor.WithShape(len(data)), tensor.WithBacking(data))
}
