package onnx

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	"qconv/onnx/internal/pb"
)

// ElemType is the type of elements of a tensor in a file. A [Graph] has fewer, see [DataType].
type ElemType int32

// The types that a Builder writes.
const (
	Float32 = ElemType(pb.TensorProto_FLOAT)
	Uint8   = ElemType(pb.TensorProto_UINT8)
	Int8    = ElemType(pb.TensorProto_INT8)
	Int32   = ElemType(pb.TensorProto_INT32)
	Int64   = ElemType(pb.TensorProto_INT64)
)

// Attr is an attribute of a node: an int, or a list of them.
type Attr struct {
	Name  string
	Value any
}

// Builder makes a file of opset 17 node by node: for networks of integers, whose operators and types a [Graph] does not have.
// Nodes are added in the order in which they run, each after what it reads. The same calls give the same bytes.
type Builder struct {
	encoder encoder
	shared  map[string]string // constants by type, shape and content
	numbers map[string]int    // how many names begin so
	inputs  []*pb.ValueInfoProto
	outputs []*pb.ValueInfoProto
	scanned []string // operands of the Scan whose body is being built
}

// NewBuilder starts a file whose graph has a name.
func NewBuilder(name string) *Builder {
	return &Builder{
		encoder: encoder{graph: &pb.GraphProto{Name: proto.String(name)}, opset: writeOpset, names: map[string]bool{}},
		shared:  map[string]string{}, numbers: map[string]int{},
	}
}

// name is one that no other value or node has: the wish, or that with a number behind it.
func (b *Builder) name(wish string) string {
	free := wish
	for free == "" || b.encoder.names[free] {
		b.numbers[wish]++
		free = wish + "_" + strconv.Itoa(b.numbers[wish])
	}
	b.encoder.names[free] = true
	return free
}

// Input declares an input, whose first dimension may be [Batch], and returns its name, which may differ from the one wished for.
func (b *Builder) Input(wish string, t ElemType, shape Shape) string {
	name := b.name(wish)
	b.inputs = append(b.inputs, b.info(name, t, shape))
	return name
}

// Output makes a value that exists an output and returns its name, which may differ from the one wished for.
func (b *Builder) Output(wish, value string, t ElemType, shape Shape) string {
	name := b.name(wish)
	b.node("Identity", name, []string{value})
	b.outputs = append(b.outputs, b.info(name, t, shape))
	return name
}

func (b *Builder) info(name string, t ElemType, shape Shape) *pb.ValueInfoProto {
	v := b.encoder.valueInfo(&Value{Name: name, Shape: shape})
	v.GetType().GetTensorType().ElemType = proto.Int32(int32(t))
	return v
}

// Const adds a constant and returns its name. One of the same content is there only once.
func (b *Builder) Const(wish string, t ElemType, shape Shape, values []int64) string {
	var raw []byte
	for _, v := range values {
		switch t {
		case Uint8, Int8:
			raw = append(raw, byte(v))
		case Int32:
			raw = binary.LittleEndian.AppendUint32(raw, uint32(v))
		case Int64:
			raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
		default:
			panic(fmt.Sprintf("BUG: constant integers of type %d", t))
		}
	}
	if len(values) != shape.Elems() {
		panic(fmt.Sprintf("BUG: constant %q has %d elements, shape %v", wish, len(values), shape))
	}
	key := fmt.Sprint(t, shape, string(raw))
	if name, ok := b.shared[key]; ok {
		return name
	}
	name := b.name(wish)
	b.shared[key] = name
	b.encoder.graph.Initializer = append(b.encoder.graph.Initializer,
		&pb.TensorProto{Name: proto.String(name), Dims: toInt64(shape), DataType: proto.Int32(int32(t)), RawData: raw})
	return name
}

// Node adds a node of one output and returns that's name, made of the one wished for. An operand that is left out is "".
func (b *Builder) Node(op, wish string, operands []string, attrs ...Attr) string {
	name := b.name(wish)
	b.node(op, name, operands, attrs...)
	return name
}

func (b *Builder) node(op, name string, operands []string, attrs ...Attr) {
	w := &nodeWriter{p: &pb.NodeProto{Name: proto.String(name), OpType: proto.String(op), Input: operands, Output: []string{name}}, e: &b.encoder}
	b.attributes(w, attrs)
	b.encoder.append(w.p)
}

func (b *Builder) attributes(w *nodeWriter, attrs []Attr) {
	for _, a := range attrs {
		switch v := a.Value.(type) {
		case int:
			w.int(a.Name, v)
		case []int:
			w.ints(a.Name, v)
		default:
			panic(fmt.Sprintf("BUG: attribute %s of type %T", a.Name, v))
		}
	}
}

// Port is a value that enters the body of a Scan or leaves it, with the type and the shape that it has there.
type Port struct {
	Value string
	Type  ElemType
	Shape Shape
}

// BeginScan starts the body of a Scan: nodes that are added until [Builder.EndScan] belong to it. They may read all values that exist. It returns the names that the states, which
// begin with the values given, and the steps of the sequence, a list along axis 0, have in the body.
func (b *Builder) BeginScan(states []Port, sequence Port) (names []string, step string) {
	if b.encoder.body != nil {
		panic("BUG: a Scan in a Scan")
	}
	b.encoder.body = &pb.GraphProto{}
	b.scanned = nil
	for _, s := range append(slices.Clone(states), sequence) {
		b.scanned = append(b.scanned, s.Value)
		name := b.name(s.Value + ".step")
		b.encoder.body.Input = append(b.encoder.body.Input, b.info(name, s.Type, s.Shape))
		names = append(names, name)
	}
	return names[:len(states)], names[len(states)]
}

// EndScan ends the body of a Scan under a name. Next are the values that states have in the next iteration, results those that are put one beside the other along a
// new axis 1. It returns the names of the last states, and of the results of all iterations.
func (b *Builder) EndScan(wish string, next, results []Port) (last, all []string) {
	body := b.encoder.body
	for _, s := range slices.Concat(next, results) {
		name := b.name(s.Value + ".out") // a value of the body may leave it twice, and one from outside only as another
		b.node("Identity", name, []string{s.Value})
		body.Output = append(body.Output, b.info(name, s.Type, s.Shape))
	}
	b.encoder.body = nil
	name := b.name(wish)
	body.Name = proto.String(name)
	w := &nodeWriter{p: &pb.NodeProto{Name: proto.String(name), OpType: proto.String("Scan"), Input: b.scanned}, e: &b.encoder}
	for i := range slices.Concat(next, results) {
		w.p.Output = append(w.p.Output, b.name(fmt.Sprint(name, ".", i)))
	}
	b.attributes(w, []Attr{{Name: "num_scan_inputs", Value: 1}})
	if len(results) > 0 {
		b.attributes(w, []Attr{{Name: "scan_output_axes", Value: slices.Repeat([]int{1}, len(results))}})
	}
	w.attr("body", pb.AttributeProto_GRAPH).G = body
	b.encoder.append(w.p)
	return w.p.Output[:len(next)], w.p.Output[len(next):]
}

// Encode returns the file, with its metadata_props.
func (b *Builder) Encode(producer string, meta map[string]string) ([]byte, error) {
	b.encoder.graph.Input, b.encoder.graph.Output = b.inputs, b.outputs
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(b.encoder.modelProto(producer, meta))
	if err != nil {
		return nil, fmt.Errorf("onnx: encode: %w", err)
	}
	return data, nil
}
