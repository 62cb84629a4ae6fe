package ortfuzz

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// kind is an element type by its number in TensorProto.DataType.
type kind int

const (
	float32s kind = 1
	uint8s   kind = 2
	int8s    kind = 3
	int32s   kind = 6
	int64s   kind = 7
	bools    kind = 9
	doubles  kind = 11
)

// network is what becomes one file. It is written by this package alone, so that every opset's own form of a
// node can be in it.
type network struct {
	opset, ir int
	inputs    []*value
	outputs   []*value
	constants []*constant
	nodes     []*node
	values    []*value       // all that are given or computed
	dims      map[string]int // sizes of symbolic dimensions other than the leading one
	batch     int            // samples in one run, 0 for a network without a batch
	exact     bool           // no node rounds: small differences cannot make large ones
}

// value is a tensor that is computed or given.
type value struct {
	name    string
	kind    kind
	shape   []int
	symbols []string // of an input's dimensions, by position; "?" is a dimension that the file leaves open
	batched bool     // dimension 0 is the batch
	exact   bool     // computed without rounding, so that functions with jumps may follow
	smooth  bool     // no jump on the way
	inner   bool     // never an output
}

type constant struct {
	name   string
	kind   kind
	shape  []int
	values []float64
	node   bool // written as a Constant node and not as an initializer
}

type node struct {
	op      string
	in, out []string
	attrs   []attr
	wrapped bool // called as a function of the file
}

// attr has a value of type int, float64, string, []int, []float64, *constant or *network, a branch.
type attr struct {
	name  string
	value any
}

// message appends fields of a protobuf message.
type message []byte

func (m *message) int(field protowire.Number, v int64) {
	*m = protowire.AppendVarint(protowire.AppendTag(*m, field, protowire.VarintType), uint64(v))
}

func (m *message) bytes(field protowire.Number, v []byte) {
	*m = protowire.AppendBytes(protowire.AppendTag(*m, field, protowire.BytesType), v)
}

func (m *message) text(field protowire.Number, v string) { m.bytes(field, []byte(v)) }

func (m *message) float(field protowire.Number, v float64) {
	*m = protowire.AppendFixed32(protowire.AppendTag(*m, field, protowire.Fixed32Type), math.Float32bits(float32(v)))
}

// encode makes the file. Numbers of fields are those of onnx.proto.
func (n *network) encode() []byte {
	var m, opset, local message
	m.int(1, int64(n.ir))
	m.bytes(7, n.graph("g"))
	opset.int(2, int64(n.opset))
	m.bytes(8, opset)
	local.text(1, "local")
	local.int(2, 1)
	for i, node := range n.nodes {
		if node.wrapped {
			m.bytes(25, n.function(i, node))
		}
	}
	m.bytes(8, local)
	return m
}

func (n *network) graph(name string) message {
	var m message
	for _, c := range n.constants {
		if c.node {
			m.bytes(1, n.constantNode(c))
		}
	}
	for i, node := range n.nodes {
		if node.wrapped {
			call := *node
			call.op, call.attrs = functionName(i), nil
			call.in = slices.DeleteFunc(slices.Clone(node.in), func(s string) bool { return s == "" })
			m.bytes(1, call.encode("local", fmt.Sprint("call", i)))
			continue
		}
		m.bytes(1, node.encode("", fmt.Sprint("n", i)))
	}
	m.text(2, name)
	for _, c := range n.constants {
		if !c.node {
			m.bytes(5, c.encode())
		}
	}
	for _, v := range n.inputs {
		m.bytes(11, v.info(true))
	}
	if n.ir > 0 && n.ir < 4 {
		for _, c := range n.constants {
			if !c.node {
				m.bytes(11, (&value{name: c.name, kind: c.kind, shape: c.shape}).info(true))
			}
		}
	}
	for _, v := range n.outputs {
		m.bytes(12, v.info(false))
	}
	return m
}

func functionName(i int) string { return fmt.Sprint("Call", i) }

// function is the definition of a function that holds one node.
func (n *network) function(i int, node *node) message {
	var m, opset message
	inner := *node
	inner.in = slices.Clone(node.in)
	m.text(1, functionName(i))
	for k, name := range inner.in {
		if name != "" {
			inner.in[k] = fmt.Sprint("a", k)
			m.text(4, inner.in[k])
		}
	}
	inner.out = make([]string, len(node.out))
	for k := range inner.out {
		inner.out[k] = fmt.Sprint("r", k)
		m.text(5, inner.out[k])
	}
	m.bytes(7, inner.encode("", "inner"))
	opset.int(2, int64(n.opset))
	m.bytes(9, opset)
	m.text(10, "local")
	return m
}

func (n *network) constantNode(c *constant) message {
	node := &node{op: "Constant", out: []string{c.name}}
	switch {
	case n.opset >= 12 && c.kind == float32s && len(c.shape) == 0:
		node.attrs = []attr{{"value_float", c.values[0]}}
	case n.opset >= 12 && c.kind == float32s && len(c.shape) == 1:
		node.attrs = []attr{{"value_floats", c.values}}
	case n.opset >= 12 && c.kind == int64s && len(c.shape) == 0:
		node.attrs = []attr{{"value_int", int(c.values[0])}}
	case n.opset >= 12 && c.kind == int64s && len(c.shape) == 1:
		node.attrs = []attr{{"value_ints", toInts(c.values)}}
	default:
		node.attrs = []attr{{"value", c}}
	}
	return node.encode("", "constant_"+c.name)
}

func toInts(v []float64) []int {
	out := make([]int, len(v))
	for i, x := range v {
		out[i] = int(x)
	}
	return out
}

func (n *node) encode(domain, name string) message {
	var m message
	for _, in := range n.in {
		m.text(1, in)
	}
	for _, out := range n.out {
		m.text(2, out)
	}
	m.text(3, name)
	m.text(4, n.op)
	for _, a := range n.attrs {
		m.bytes(5, a.encode())
	}
	if domain != "" {
		m.text(7, domain)
	}
	return m
}

func (a attr) encode() message {
	var m message
	m.text(1, a.name)
	kind := int64(0)
	switch v := a.value.(type) {
	case float64:
		m.float(2, v)
		kind = 1
	case int:
		m.int(3, int64(v))
		kind = 2
	case string:
		m.text(4, v)
		kind = 3
	case *constant:
		m.bytes(5, v.encode())
		kind = 4
	case *network:
		m.bytes(6, v.graph("branch"))
		kind = 5
	case []float64:
		for _, x := range v {
			m.float(7, x)
		}
		kind = 6
	case []int:
		for _, x := range v {
			m.int(8, int64(x))
		}
		kind = 7
	default:
		panic(fmt.Sprintf("BUG: attribute %s of type %T", a.name, a.value))
	}
	m.int(20, kind)
	return m
}

func (c *constant) encode() message {
	var m message
	for _, d := range c.shape {
		m.int(1, int64(d))
	}
	m.int(2, int64(c.kind))
	m.text(8, c.name)
	m.bytes(9, raw(c.kind, c.values))
	return m
}

// raw are values as a tensor of a kind stores them.
func raw(k kind, values []float64) []byte {
	data := []byte{}
	for _, v := range values {
		switch k {
		case float32s:
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(v)))
		case doubles:
			data = binary.LittleEndian.AppendUint64(data, math.Float64bits(v))
		case int64s:
			data = binary.LittleEndian.AppendUint64(data, uint64(int64(v)))
		case int32s:
			data = binary.LittleEndian.AppendUint32(data, uint32(int32(v)))
		default:
			data = append(data, byte(int(v)))
		}
	}
	return data
}

// unraw reads what [raw] wrote.
func unraw(k string, data []byte) []float64 {
	var out []float64
	for len(data) > 0 {
		size := 1
		switch k {
		case "float32":
			out, size = append(out, float64(math.Float32frombits(binary.LittleEndian.Uint32(data)))), 4
		case "float64":
			out, size = append(out, math.Float64frombits(binary.LittleEndian.Uint64(data))), 8
		case "int64":
			out, size = append(out, float64(int64(binary.LittleEndian.Uint64(data)))), 8
		case "int32":
			out, size = append(out, float64(int32(binary.LittleEndian.Uint32(data)))), 4
		case "int8":
			out = append(out, float64(int8(data[0])))
		default:
			out = append(out, float64(data[0]))
		}
		data = data[size:]
	}
	return out
}

func (v *value) info(withShape bool) message {
	var m, kind, tensor, shape message
	m.text(1, v.name)
	tensor.int(1, int64(v.kind))
	for i, d := range v.shape {
		var dim message
		switch {
		case i < len(v.symbols) && v.symbols[i] == "?":
		case i < len(v.symbols) && v.symbols[i] != "":
			dim.text(2, v.symbols[i])
		default:
			dim.int(1, int64(d))
		}
		shape.bytes(1, dim)
	}
	if withShape {
		tensor.bytes(2, shape)
	}
	kind.bytes(1, tensor)
	m.bytes(2, kind)
	return m
}
