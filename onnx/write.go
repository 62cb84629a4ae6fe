package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"slices"

	"google.golang.org/protobuf/proto"

	"qconv/onnx/internal/pb"
)

// Versions of the files [Encode] makes.
const (
	writeIR    = 8
	writeOpset = 17
	// antialiasOpset is the first that has it.
	antialiasOpset = 18
)

// batchName is the symbolic batch dimension of written files.
const batchName = "N"

// Encode returns the graph as an ONNX file of opset 17, or 18 if it needs antialiasing. Shapes must be inferred. The same
// graph gives the same bytes, and [Decode] makes an equal graph of them; numbers that ONNX
// stores as float32, such as Alpha, are rounded to that.
//
// Operators that opset 17 does not have (Gelu, Mish) become functions of the domain
// "qconv", defined in the file.
func Encode(g *Graph) ([]byte, error) { return encode(g, nil, false) }

// encode writes a graph; pairs and codes are those of EncodeQDQ.
func encode(g *Graph, codes map[*Value]Codes, pairs bool) ([]byte, error) {
	e := &encoder{inputs: g.Inputs, opset: writeOpset, names: map[string]bool{}, values: map[string]*Value{}, constants: map[*Value]bool{}, functions: map[string]bool{},
		codes: codes, pairs: pairs}
	model := e.model(g)
	if e.err != nil {
		return nil, e.err
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(model)
	if err != nil {
		return nil, fmt.Errorf("onnx: encode: %w", err)
	}
	return data, nil
}

// encoder builds the message of a graph.
type encoder struct {
	graph     *pb.GraphProto // of the file; all constants stand there
	inputs    []*Value       // of the graph
	body      *pb.GraphProto // of the loop that is being written, nil outside of loops
	opset     int
	names     map[string]bool   // of all values and initializers
	values    map[string]*Value // to find two values of one name
	constants map[*Value]bool   // written already
	functions map[string]bool   // of functionBodies, used
	codes     map[*Value]Codes  // of constants that are written as such
	pairs     bool              // Quantize is written as two operators
	err       error
}

func (e *encoder) failf(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf("onnx: encode: "+format, args...)
	}
}

func (e *encoder) model(g *Graph) *pb.ModelProto {
	name := g.Name
	if name == "" {
		name = "graph"
	}
	e.graph = &pb.GraphProto{Name: proto.String(name)}
	for _, v := range g.Inputs {
		e.declare(v)
		e.graph.Input = append(e.graph.Input, e.valueInfo(v))
	}
	for _, v := range g.Outputs {
		e.declare(v)
	}
	for _, n := range g.Nodes {
		if op, ok := n.Op.(*Resize); ok && op.Antialias {
			e.opset = antialiasOpset
		}
		for _, v := range slices.Concat(n.Inputs, n.Outputs) {
			if v != nil {
				e.declare(v)
			}
		}
	}
	if err := g.CheckLoops(); err != nil {
		e.failf("%w", err)
		return nil
	}
	for rest := g.Nodes; len(rest) > 0; {
		l := loopOf(rest[0].Op)
		if l == nil {
			// The first of a body is an operator of its loop.
			e.node(rest[0])
			rest = rest[1:]
			continue
		}
		rest = e.loop(l, rest)
	}
	for _, v := range g.Outputs {
		e.constant(v)
		e.graph.Output = append(e.graph.Output, e.valueInfo(v))
	}
	return e.modelProto(g.Producer, g.Meta)
}

// modelProto is the message of the file around the graph.
func (e *encoder) modelProto(producer string, meta map[string]string) *pb.ModelProto {
	m := &pb.ModelProto{
		IrVersion:    proto.Int64(writeIR),
		ProducerName: proto.String(producer),
		Graph:        e.graph,
		OpsetImport:  []*pb.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(int64(e.opset))}},
	}
	for _, name := range sortedKeys(e.functions) {
		m.Functions = append(m.Functions, functionProto(name, e.opset))
	}
	if len(m.Functions) > 0 {
		m.OpsetImport = append(m.OpsetImport, &pb.OperatorSetIdProto{Domain: proto.String(functionDomain), Version: proto.Int64(1)})
	}
	for _, key := range sortedKeys(meta) {
		m.MetadataProps = append(m.MetadataProps, &pb.StringStringEntryProto{Key: proto.String(key), Value: proto.String(meta[key])})
	}
	return m
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// declare notes the name of a value, which no other value may have.
func (e *encoder) declare(v *Value) {
	switch other := e.values[v.Name]; {
	case v.Name == "":
		e.failf("a value has no name")
	case other != nil && other != v:
		e.failf("two values have the name %q", v.Name)
	}
	e.values[v.Name] = v
	e.names[v.Name] = true
}

// constant writes the data of a constant, once.
func (e *encoder) constant(v *Value) {
	if v.Const != nil && !e.constants[v] {
		e.constants[v] = true
		if c, ok := e.codes[v]; ok {
			e.coded(v, c)
			return
		}
		e.initializer(v.Name, v.Const)
	}
}

func (e *encoder) initializer(name string, t *Tensor) {
	if len(t.Floats)+len(t.Ints) != t.Shape.Elems() {
		e.failf("constant %q has %d elements, shape %v wants %d", name, len(t.Floats)+len(t.Ints), t.Shape, t.Shape.Elems())
	}
	e.names[name] = true
	e.graph.Initializer = append(e.graph.Initializer, tensorProto(name, t))
}

func (e *encoder) node(n *Node) {
	if q, ok := n.Op.(*Quantize); ok && e.pairs {
		e.pair(n, q)
		return
	}
	p := &pb.NodeProto{Name: proto.String(n.Name), OpType: proto.String(n.Op.Type())}
	for _, v := range n.Inputs {
		if v == nil {
			p.Input = append(p.Input, "")
			continue
		}
		e.constant(v)
		p.Input = append(p.Input, v.Name)
	}
	for _, v := range n.Outputs {
		p.Output = append(p.Output, v.Name)
	}
	switch op := n.Op.(type) {
	case opWriter:
		op.write(&nodeWriter{p: p, e: e})
	default:
		if t := reflect.TypeOf(op); t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct || t.Elem().NumField() != 0 {
			e.failf("node %q: an operator of type %T cannot be written", n.Name, op)
		}
	}
	e.append(p)
}

// append adds a node where nodes are being written.
func (e *encoder) append(p *pb.NodeProto) {
	to := e.graph
	if e.body != nil {
		to = e.body
	}
	to.Node = append(to.Node, p)
}

// elemTypes are the types tensors are written in.
var elemTypes = map[DataType]pb.TensorProto_DataType{Float: pb.TensorProto_FLOAT, Int: pb.TensorProto_INT64, Bool: pb.TensorProto_BOOL}

func (e *encoder) valueInfo(v *Value) *pb.ValueInfoProto {
	shape := &pb.TensorShapeProto{}
	for _, d := range v.Shape {
		p := &pb.TensorShapeProto_Dimension{Value: &pb.TensorShapeProto_Dimension_DimValue{DimValue: int64(d)}}
		if d == Batch {
			p.Value = &pb.TensorShapeProto_Dimension_DimParam{DimParam: batchName}
		}
		shape.Dim = append(shape.Dim, p)
	}
	return &pb.ValueInfoProto{Name: proto.String(v.Name), Type: &pb.TypeProto{
		TensorType: &pb.TypeProto_Tensor{ElemType: proto.Int32(int32(elemTypes[v.Type])), Shape: shape},
	}}
}

// tensorProto is the message of a constant, with raw little-endian data.
func tensorProto(name string, t *Tensor) *pb.TensorProto {
	p := &pb.TensorProto{Dims: toInt64(t.Shape), DataType: proto.Int32(int32(elemTypes[t.Type])), RawData: []byte{}}
	if name != "" {
		p.Name = proto.String(name)
	}
	switch t.Type {
	case Float:
		p.RawData = make([]byte, 0, 4*len(t.Floats))
		for _, v := range t.Floats {
			p.RawData = binary.LittleEndian.AppendUint32(p.RawData, math.Float32bits(v))
		}
	case Int:
		p.RawData = make([]byte, 0, 8*len(t.Ints))
		for _, v := range t.Ints {
			p.RawData = binary.LittleEndian.AppendUint64(p.RawData, uint64(v))
		}
	case Bool:
		for _, v := range t.Ints {
			p.RawData = append(p.RawData, byte(v))
		}
	}
	return p
}
