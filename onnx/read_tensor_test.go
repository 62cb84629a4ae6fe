package onnx

import (
	"encoding/binary"
	"math"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"qconv/onnx/internal/pb"
)

// TestTensorTypes reads every element type, raw and as a list, and demands the same.
func TestTensorTypes(t *testing.T) {
	le := binary.LittleEndian
	floats := &Tensor{Type: Float, Shape: Shape{3}, Floats: []float32{1, -2.5, 0.125}}
	signed := &Tensor{Type: Int, Shape: Shape{3}, Ints: []int64{1, -2, 127}}
	unsigned := &Tensor{Type: Int, Shape: Shape{3}, Ints: []int64{1, 2, 255}}
	type bits struct {
		size int
		v    [3]uint64
	}
	for kind, c := range map[pb.TensorProto_DataType]struct {
		want *Tensor
		raw  bits
		list *pb.TensorProto
	}{
		pb.TensorProto_FLOAT:    {floats, bits{4, [3]uint64{0x3f800000, 0xc0200000, 0x3e000000}}, &pb.TensorProto{FloatData: floats.Floats}},
		pb.TensorProto_DOUBLE:   {floats, bits{8, [3]uint64{0x3ff0 << 48, 0xc004 << 48, 0x3fc0 << 48}}, &pb.TensorProto{DoubleData: []float64{1, -2.5, 0.125}}},
		pb.TensorProto_FLOAT16:  {floats, bits{2, [3]uint64{0x3c00, 0xc100, 0x3000}}, &pb.TensorProto{Int32Data: []int32{0x3c00, 0xc100, 0x3000}}},
		pb.TensorProto_BFLOAT16: {floats, bits{2, [3]uint64{0x3f80, 0xc020, 0x3e00}}, &pb.TensorProto{Int32Data: []int32{0x3f80, 0xc020, 0x3e00}}},
		pb.TensorProto_INT8:     {signed, bits{1, [3]uint64{1, 0xfe, 127}}, &pb.TensorProto{Int32Data: []int32{1, -2, 127}}},
		pb.TensorProto_INT16:    {signed, bits{2, [3]uint64{1, 0xfffe, 127}}, &pb.TensorProto{Int32Data: []int32{1, -2, 127}}},
		pb.TensorProto_INT32:    {signed, bits{4, [3]uint64{1, 0xfffffffe, 127}}, &pb.TensorProto{Int32Data: []int32{1, -2, 127}}},
		pb.TensorProto_INT64:    {signed, bits{8, [3]uint64{1, 1<<64 - 2, 127}}, &pb.TensorProto{Int64Data: []int64{1, -2, 127}}},
		pb.TensorProto_UINT8:    {unsigned, bits{1, [3]uint64{1, 2, 255}}, &pb.TensorProto{Int32Data: []int32{1, 2, 255}}},
		pb.TensorProto_UINT16:   {unsigned, bits{2, [3]uint64{1, 2, 255}}, &pb.TensorProto{Int32Data: []int32{1, 2, 255}}},
		pb.TensorProto_UINT32:   {unsigned, bits{4, [3]uint64{1, 2, 255}}, &pb.TensorProto{Uint64Data: []uint64{1, 2, 255}}},
		pb.TensorProto_UINT64:   {unsigned, bits{8, [3]uint64{1, 2, 255}}, &pb.TensorProto{Uint64Data: []uint64{1, 2, 255}}},
		pb.TensorProto_BOOL: {&Tensor{Type: Bool, Shape: Shape{3}, Ints: []int64{1, 0, 1}},
			bits{1, [3]uint64{1, 0, 7}}, &pb.TensorProto{Int32Data: []int32{1, 0, 7}}},
	} {
		raw := &pb.TensorProto{}
		for _, v := range c.raw.v {
			raw.RawData = append(raw.RawData, le.AppendUint64(nil, v)[:c.raw.size]...)
		}
		for _, p := range []*pb.TensorProto{raw, c.list} {
			p.Dims, p.DataType = []int64{3}, proto.Int32(int32(kind))
			got, err := DecodeTensor(marshal(t, p))
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%v: got %v, %v, want %v", kind, got, err, c.want)
			}
			p.Dims = []int64{4}
			if _, err := DecodeTensor(marshal(t, p)); err == nil || !strings.Contains(err.Error(), "of data") {
				t.Errorf("%v, short data: got %v", kind, err)
			}
		}
	}
	for _, p := range []*pb.TensorProto{
		{RawData: le.AppendUint64(nil, 1<<63)}, {Uint64Data: []uint64{1 << 63}},
	} {
		p.DataType = proto.Int32(int32(pb.TensorProto_UINT64))
		if _, err := DecodeTensor(marshal(t, p)); err == nil || !strings.Contains(err.Error(), "want less than 2^63") {
			t.Errorf("large integer: got %v", err)
		}
	}
	if _, err := DecodeTensor([]byte("junk")); err == nil {
		t.Error("junk: got no error")
	}
}

// TestFloat16 checks every half-precision number against its definition.
func TestFloat16(t *testing.T) {
	for bits := range 1 << 16 {
		sign := 1.0
		if bits>>15 == 1 {
			sign = -1
		}
		exponent, mantissa := bits>>10&31, float64(bits&1023)
		want := sign * math.Ldexp(1+mantissa/1024, exponent-15)
		switch {
		case exponent == 0:
			want = sign * math.Ldexp(mantissa, -24)
		case exponent == 31 && mantissa == 0:
			want = math.Inf(int(sign))
		case exponent == 31:
			want = math.NaN()
		}
		got := float64(float16(uint16(bits)))
		if got != want && !(math.IsNaN(got) && math.IsNaN(want)) || math.Signbit(got) != math.Signbit(want) && !math.IsNaN(want) {
			t.Fatalf("%#04x: got %g, want %g", bits, got, want)
		}
	}
}
