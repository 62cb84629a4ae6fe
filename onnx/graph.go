// Package onnx reads pretrained networks from ONNX files into a small typed
// graph, simplifies them, and writes them back as valid ONNX.
//
// Differences between opsets end in this package: whatever opset a file was
// written for, a [Graph] holds the same typed operators, without attribute maps
// or operator-name strings. Operands that ONNX passes as constant tensors but
// that are really attributes (the shape of Reshape, the bounds of Clip, the pads
// of Pad) become fields of the typed operator; [Encode] turns them back.
//
// Begin with [Read] and [Simplify]; then package quant makes a model of the [Graph].
package onnx

// Graph is a network: nodes in topological order that compute Outputs from Inputs.
type Graph struct {
	Name    string
	Inputs  []*Value // fed by the caller, in the file's order; initializers excluded
	Outputs []*Value
	Nodes   []*Node // topological order: a node stands after the producers of its inputs

	// Meta is the model's metadata_props. Keys starting with "qconv." are ours.
	Meta map[string]string
	// Producer names the tool that wrote the file, with its version.
	Producer string
	// Opset is the version of the default operator set the file was written for.
	Opset int
	// Read counts the nodes of the file, calls of functions replaced by those of the functions, whatever became
	// of them.
	Read int
	// Unused counts the nodes of the file that were left out because nothing reads their results.
	Unused int
	// Warnings say what the reader accepted without being sure of it, one line each.
	Warnings []string
	// SHA256 is the hash of the file the graph was read from; zero when built in memory.
	SHA256 [32]byte
}

// Value is a tensor of the graph: an input, a constant, or an output of a node.
type Value struct {
	Name string
	// Shape is the inferred shape; its batch dimension, where it has one, is [Batch].
	Shape Shape
	Type  DataType
	// Const holds the data of an initializer or folded constant; nil for anything
	// that depends on an input.
	Const *Tensor
}

// Node applies Op to Inputs. An optional input that is left out is nil.
type Node struct {
	Name    string // unique and never empty: unnamed nodes get "Op_index"
	Op      Op
	Inputs  []*Value
	Outputs []*Value
}

// Op is a typed operator; its dynamic type is a pointer to one of this package's
// operator structs, such as [*Conv].
type Op interface {
	// Type is the ONNX operator name, such as "Conv".
	Type() string
	// InferShape returns the output shapes for the input shapes, or an error that
	// says which input contradicts what. A nil input (optional, left out) has a nil shape.
	InferShape(in []Shape) ([]Shape, error)
}

// Producers maps every value computed in the graph to its node.
func (g *Graph) Producers() map[*Value]*Node {
	m := make(map[*Value]*Node, len(g.Nodes))
	for _, n := range g.Nodes {
		for _, out := range n.Outputs {
			m[out] = n
		}
	}
	return m
}

// Consumers maps every value to the nodes that read it, in graph order; a node that
// reads a value twice is listed twice. Graph outputs are not consumers.
func (g *Graph) Consumers() map[*Value][]*Node {
	m := make(map[*Value][]*Node, len(g.Nodes))
	for _, n := range g.Nodes {
		for _, in := range n.Inputs {
			if in != nil {
				m[in] = append(m[in], n)
			}
		}
	}
	return m
}
