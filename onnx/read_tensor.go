package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"qconv/onnx/internal/pb"
)

// tensor converts a constant of the file. Nothing is allocated before the data at hand is
// known to fill the shape.
func (d *decoder) tensor(p *pb.TensorProto) (*Tensor, error) {
	shape, elems, err := tensorShape(p.GetDims())
	if err != nil {
		return nil, err
	}
	kind := pb.TensorProto_DataType(p.GetDataType())
	bits, ok := elemBits[kind]
	if !ok {
		return nil, &refusal{fmt.Sprintf("elements of type %s", typeName(p.GetDataType()))}
	}
	t := &Tensor{Type: dataType(kind), Shape: shape}
	if err := d.budget.take(elems, t.Type.size()); err != nil {
		return nil, err
	}
	if d.kinds != nil && t.Type == Int {
		d.kinds[t] = kind
	}
	raw, given := p.GetRawData(), p.RawData != nil
	if p.GetDataLocation() == pb.TensorProto_EXTERNAL {
		if err := d.budget.take(bytesOf(elems, bits), 1); err != nil {
			return nil, err
		}
		if raw, err = d.external.read(p.GetExternalData(), bytesOf(elems, bits)); err != nil {
			return nil, err
		}
		given = true
	}
	if !given {
		return t, t.fromLists(p, kind, elems)
	}
	if len(raw) != bytesOf(elems, bits) {
		return nil, fmt.Errorf("got %d bytes of data, shape %v of %s wants %d", len(raw), shape, typeName(p.GetDataType()), bytesOf(elems, bits))
	}
	return t, t.fromRaw(raw, kind, elems)
}

// elemBits are the supported element types with their size in bits. Those smaller than a byte are packed, the
// first in the lowest bits.
var elemBits = map[pb.TensorProto_DataType]int{
	pb.TensorProto_FLOAT: 32, pb.TensorProto_FLOAT16: 16, pb.TensorProto_BFLOAT16: 16, pb.TensorProto_DOUBLE: 64,
	pb.TensorProto_INT8: 8, pb.TensorProto_UINT8: 8, pb.TensorProto_INT16: 16, pb.TensorProto_UINT16: 16,
	pb.TensorProto_INT32: 32, pb.TensorProto_UINT32: 32, pb.TensorProto_INT64: 64, pb.TensorProto_UINT64: 64,
	pb.TensorProto_BOOL: 8, pb.TensorProto_UINT4: 4, pb.TensorProto_INT4: 4, pb.TensorProto_UINT2: 2, pb.TensorProto_INT2: 2,
}

// bytesOf is what elements of some bits take.
func bytesOf(elems, bits int) int { return int((int64(elems)*int64(bits) + 7) / 8) }

// unpack returns n integers of fewer bits than a byte.
func unpack(raw []byte, bits, n int, signed bool) []int64 {
	out := make([]int64, n)
	for i := range out {
		v := int64(raw[i*bits/8]) >> (i * bits % 8) & (1<<bits - 1)
		if signed && v>>(bits-1) == 1 {
			v -= 1 << bits
		}
		out[i] = v
	}
	return out
}

// dataType is the type elements have once read.
func dataType(kind pb.TensorProto_DataType) DataType {
	switch kind {
	case pb.TensorProto_FLOAT, pb.TensorProto_FLOAT16, pb.TensorProto_BFLOAT16, pb.TensorProto_DOUBLE:
		return Float
	case pb.TensorProto_BOOL:
		return Bool
	}
	return Int
}

// typeName is an element type in the words of ONNX, or its number.
func typeName(kind int32) string {
	if name, ok := pb.TensorProto_DataType_name[kind]; ok {
		return strings.ToLower(name)
	}
	return fmt.Sprintf("number %d", kind)
}

// tensorShape checks the dimensions of a tensor of the file and counts its elements.
func tensorShape(dims []int64) (Shape, int, error) {
	if len(dims) > maxRank {
		return nil, 0, fmt.Errorf("%d dimensions, want at most %d", len(dims), maxRank)
	}
	shape := make(Shape, len(dims))
	elems := int64(1)
	for i, n := range dims {
		if n < 0 || n > maxDim {
			return nil, 0, fmt.Errorf("dimension %d is %d, want [0, 2^31)", i, n)
		}
		shape[i] = int(n)
		if n > 0 && elems > maxDim/n {
			return nil, 0, fmt.Errorf("shape %v has 2^31 elements or more", dims)
		}
		elems *= n
	}
	return shape, int(elems), nil
}

// fromRaw fills the tensor with little-endian elements; raw holds elems of them.
func (t *Tensor) fromRaw(raw []byte, kind pb.TensorProto_DataType, elems int) error {
	le := binary.LittleEndian
	if t.Type == Float {
		t.Floats = make([]float32, elems)
		if kind == pb.TensorProto_FLOAT {
			for i := range t.Floats {
				t.Floats[i] = math.Float32frombits(le.Uint32(raw[4*i:]))
			}
			return nil
		}
		for i := range t.Floats {
			switch kind {
			case pb.TensorProto_DOUBLE:
				t.Floats[i] = float32(math.Float64frombits(le.Uint64(raw[8*i:])))
			case pb.TensorProto_FLOAT16:
				t.Floats[i] = float16(le.Uint16(raw[2*i:]))
			case pb.TensorProto_BFLOAT16:
				t.Floats[i] = bfloat16(le.Uint16(raw[2*i:]))
			}
		}
		return nil
	}
	if bits := elemBits[kind]; bits < 8 {
		t.Ints = unpack(raw, bits, elems, kind == pb.TensorProto_INT4 || kind == pb.TensorProto_INT2)
		return nil
	}
	t.Ints = make([]int64, elems)
	for i := range t.Ints {
		switch kind {
		case pb.TensorProto_INT8:
			t.Ints[i] = int64(int8(raw[i]))
		case pb.TensorProto_UINT8:
			t.Ints[i] = int64(raw[i])
		case pb.TensorProto_BOOL:
			t.Ints[i] = truth(raw[i] != 0)
		case pb.TensorProto_INT16:
			t.Ints[i] = int64(int16(le.Uint16(raw[2*i:])))
		case pb.TensorProto_UINT16:
			t.Ints[i] = int64(le.Uint16(raw[2*i:]))
		case pb.TensorProto_INT32:
			t.Ints[i] = int64(int32(le.Uint32(raw[4*i:])))
		case pb.TensorProto_UINT32:
			t.Ints[i] = int64(le.Uint32(raw[4*i:]))
		case pb.TensorProto_INT64:
			t.Ints[i] = int64(le.Uint64(raw[8*i:]))
		case pb.TensorProto_UINT64:
			v := le.Uint64(raw[8*i:])
			if v > math.MaxInt64 {
				return fmt.Errorf("element %d is %d, want less than 2^63", i, v)
			}
			t.Ints[i] = int64(v)
		}
	}
	return nil
}

// fromLists fills the tensor from the typed list that belongs to the element type.
func (t *Tensor) fromLists(p *pb.TensorProto, kind pb.TensorProto_DataType, elems int) error {
	check := func(n int) error {
		if n != elems {
			return fmt.Errorf("got %d elements of data, shape %v wants %d", n, t.Shape, elems)
		}
		return nil
	}
	switch kind {
	case pb.TensorProto_FLOAT:
		if err := check(len(p.FloatData)); err != nil {
			return err
		}
		t.Floats = append(make([]float32, 0, elems), p.FloatData...)
	case pb.TensorProto_DOUBLE:
		if err := check(len(p.DoubleData)); err != nil {
			return err
		}
		t.Floats = make([]float32, elems)
		for i, v := range p.DoubleData {
			t.Floats[i] = float32(v)
		}
	case pb.TensorProto_FLOAT16, pb.TensorProto_BFLOAT16:
		if err := check(len(p.Int32Data)); err != nil {
			return err
		}
		t.Floats = make([]float32, elems)
		for i, v := range p.Int32Data {
			if kind == pb.TensorProto_FLOAT16 {
				t.Floats[i] = float16(uint16(v))
			} else {
				t.Floats[i] = bfloat16(uint16(v))
			}
		}
	case pb.TensorProto_INT64:
		if err := check(len(p.Int64Data)); err != nil {
			return err
		}
		t.Ints = append(make([]int64, 0, elems), p.Int64Data...)
	case pb.TensorProto_UINT32, pb.TensorProto_UINT64:
		if err := check(len(p.Uint64Data)); err != nil {
			return err
		}
		t.Ints = make([]int64, elems)
		for i, v := range p.Uint64Data {
			if v > math.MaxInt64 {
				return fmt.Errorf("element %d is %d, want less than 2^63", i, v)
			}
			t.Ints[i] = int64(v)
		}
	case pb.TensorProto_UINT4, pb.TensorProto_INT4, pb.TensorProto_UINT2, pb.TensorProto_INT2: // a packed byte in every entry
		raw := make([]byte, len(p.Int32Data))
		for i, v := range p.Int32Data {
			raw[i] = byte(v)
		}
		if want := bytesOf(elems, elemBits[kind]); len(raw) != want {
			return fmt.Errorf("got %d bytes of data, shape %v of %s wants %d", len(raw), t.Shape, typeName(int32(kind)), want)
		}
		return t.fromRaw(raw, kind, elems)
	default: // the smaller integers and truth values share one list
		if err := check(len(p.Int32Data)); err != nil {
			return err
		}
		t.Ints = make([]int64, elems)
		for i, v := range p.Int32Data {
			t.Ints[i] = int64(v)
			if kind == pb.TensorProto_BOOL {
				t.Ints[i] = truth(v != 0)
			}
		}
	}
	return nil
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// bfloat16 widens the upper half of a float32.
func bfloat16(bits uint16) float32 { return math.Float32frombits(uint32(bits) << 16) }

// float16 widens an IEEE half-precision number: 1 sign bit, 5 of exponent, 10 of mantissa.
func float16(bits uint16) float32 {
	sign := uint32(bits>>15) << 31
	exponent, mantissa := uint32(bits>>10)&31, uint32(bits)&1023
	switch exponent {
	case 0: // subnormal: mantissa * 2^-24
		v := float32(mantissa) / (1 << 24)
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 31: // infinity or NaN
		return math.Float32frombits(sign | 255<<23 | mantissa<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | mantissa<<13)
}
