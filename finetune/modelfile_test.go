package finetune

import (
	"encoding/binary"
	"math"
	"strings"

	"qconv/onnx"
)

// Files for the tests are written here as bytes, so that operators that only files have can be tested.

// message appends fields to a protobuf message.
type message []byte

func (m *message) number(field, v int) {
	*m = binary.AppendUvarint(binary.AppendUvarint(*m, uint64(field)<<3), uint64(v))
}

func (m *message) bytes(field int, v []byte) {
	*m = append(binary.AppendUvarint(binary.AppendUvarint(*m, uint64(field)<<3|2), uint64(len(v))), v...)
}

func (m *message) text(field int, v string) { m.bytes(field, []byte(v)) }

// attrs are attributes of a node by name: int, float64, string, []int, a graph or a tensor as a message.
type attrs map[string]any

// nodeFile is a node; the operator may have a domain before a colon. Names are separated by blanks, and - is one left out.
func nodeFile(op, in, out string, a attrs) message {
	var m message
	for field, names := range []string{in, out} {
		for _, name := range strings.Fields(names) {
			m.text(field+1, strings.TrimPrefix(name, "-"))
		}
	}
	if domain, name, ok := strings.Cut(op, ":"); ok {
		m.text(7, domain)
		op = name
	}
	m.text(4, op)
	for name, v := range a {
		var p message
		p.text(1, name)
		switch v := v.(type) {
		case int:
			p.number(3, v)
			p.number(20, 2)
		case float64:
			p = append(binary.AppendUvarint(p, 2<<3|5), binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(v)))...)
			p.number(20, 1)
		case string:
			p.text(4, v)
			p.number(20, 3)
		case []int:
			for _, k := range v {
				p.number(8, k)
			}
			p.number(20, 7)
		case []float64:
			for _, k := range v {
				p = append(binary.AppendUvarint(p, 7<<3|5), binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(k)))...)
			}
			p.number(20, 6)
		case graphFile:
			p.bytes(6, v.message())
			p.number(20, 5)
		case sparseFile:
			p.bytes(22, message(v))
			p.number(20, 11)
		}
		m.bytes(5, p)
	}
	return m
}

type sparseFile message

// Element types of files.
const (
	typeFloat = 1
	typeU8    = 2
	typeI8    = 3
	typeI64   = 7
	typeBool  = 9
	typeI4    = 22
)

// tensorFile is a constant; those of 4 bits are packed.
func tensorFile(name string, kind int, dims []int, v ...float64) message {
	var m message
	for _, d := range dims {
		m.number(1, d)
	}
	m.number(2, kind)
	m.text(8, name)
	var raw []byte
	for i, x := range v {
		switch kind {
		case typeFloat:
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(x)))
		case typeI64:
			raw = binary.LittleEndian.AppendUint64(raw, uint64(int64(x)))
		case typeI4:
			if i%2 == 0 {
				raw = append(raw, 0)
			}
			raw[i/2] |= byte(int(x)&15) << (i % 2 * 4)
		default:
			raw = append(raw, byte(int(x)))
		}
	}
	m.bytes(9, raw)
	return m
}

// portFile declares an input or output; a size of 0 is the batch.
func portFile(name string, kind int, dims ...int) message {
	var shape, tensor, kindOf, m message
	for _, d := range dims {
		var dim message
		if d == 0 {
			dim.text(2, "N")
		} else {
			dim.number(1, d)
		}
		shape.bytes(1, dim)
	}
	tensor.number(1, kind)
	tensor.bytes(2, shape)
	kindOf.bytes(1, tensor)
	m.text(1, name)
	m.bytes(2, kindOf)
	return m
}

// graphFile is the parts of a graph.
type graphFile struct {
	nodes, constants, inputs, outputs []message
}

func (g graphFile) message() message {
	var m message
	for field, list := range map[int][]message{1: g.nodes, 5: g.constants, 11: g.inputs, 12: g.outputs} {
		for _, part := range list {
			m.bytes(field, part)
		}
	}
	return m
}

// file is a whole model of an opset.
func (g graphFile) file(opset int) []byte {
	var m, version message
	version.number(2, opset)
	m.number(1, 8)
	m.bytes(8, version)
	m.bytes(7, g.message())
	return m
}

func (g graphFile) decode(opset int) (*onnx.Graph, error) { return onnx.Decode(g.file(opset)) }
