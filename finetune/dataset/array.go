package dataset

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/sbinet/npyio/npy"
)

// maxArrayRank bounds the dimensions of an array.
const maxArrayRank = 8

// Array is a NumPy array in row-major order. Exactly one of Bytes, Floats and Doubles is
// used: Bytes for uint8 and bool, Floats for float32 and what fits it exactly (float16, int8,
// int16, uint16), Doubles for the rest (int64 and uint64 beyond 2^53 are rounded).
type Array struct {
	Shape   []int  // [] for a single number
	Type    string // as in the file: "uint8", "float32", "int64", ...
	Bytes   []byte
	Floats  []float32
	Doubles []float64
}

// Len is the number of elements.
func (a *Array) Len() int { return elems(a.Shape) }

// At is element i in row-major order.
func (a *Array) At(i int) float64 {
	switch {
	case a.Bytes != nil:
		return float64(a.Bytes[i])
	case a.Floats != nil:
		return float64(a.Floats[i])
	}
	return a.Doubles[i]
}

// Float32s are the elements as float32; the slice is shared where they already are.
func (a *Array) Float32s() []float32 {
	if a.Floats != nil {
		return a.Floats
	}
	out := make([]float32, a.Len())
	for i := range out {
		out[i] = float32(a.At(i))
	}
	return out
}

// toBytes turns whole numbers that all lie in 0..255 into Bytes.
func (a *Array) toBytes() {
	if a.Bytes != nil || a.Type[0] == 'f' {
		return
	}
	for i := range a.Len() {
		if v := a.At(i); v < 0 || v > 255 {
			return
		}
	}
	b := make([]byte, a.Len())
	for i := range b {
		b[i] = byte(a.At(i))
	}
	a.Bytes, a.Floats, a.Doubles = b, nil, nil
}

// dtype is the element type of an .npy file.
type dtype struct {
	name string
	kind byte  // b, u, i, f
	size int   // bytes in the file
	mem  int64 // bytes in an Array: 1 = Bytes, 4 = Floats, 8 = Doubles
	big  bool
}

// readDtype reads NumPy's short form, such as "<f4".
func readDtype(s string) (dtype, error) {
	var d dtype
	rest := s
	if rest != "" && (rest[0] == '<' || rest[0] == '>' || rest[0] == '|' || rest[0] == '=') {
		d.big = rest[0] == '>'
		rest = rest[1:]
	}
	names := map[string]string{
		"b1": "bool", "u1": "uint8", "u2": "uint16", "u4": "uint32", "u8": "uint64",
		"i1": "int8", "i2": "int16", "i4": "int32", "i8": "int64", "f2": "float16", "f4": "float32", "f8": "float64",
	}
	if rest == "O" {
		return d, errors.New("an array of objects, as sequences of different lengths make one: save each as an .npy file of numbers, [steps, values], in a folder, and cut them into windows with --window")
	}
	if d.name = names[rest]; d.name == "" {
		return d, fmt.Errorf("element type %q, want uint8, float16, float32, float64 or another integer type (convert with .astype)", s)
	}
	d.kind, d.size = rest[0], int(rest[1]-'0')
	switch {
	case rest == "b1" || rest == "u1":
		d.mem = 1
	case rest == "f4" || d.size < 4:
		d.mem = 4
	default:
		d.mem = 8
	}
	return d, nil
}

// arrayReader is an .npy file whose header has been read.
type arrayReader struct {
	r       io.Reader
	dtype   dtype
	shape   []int
	fortran bool  // first index fastest
	elems   int64 // product of shape, such that it and the bytes in memory are no more than MaxInt
}

// newArrayReader reads the header of an .npy file.
func newArrayReader(r io.Reader) (*arrayReader, error) {
	h, err := readNPYHeader(r)
	if err != nil {
		return nil, err
	}
	d, err := readDtype(h.Descr.Type)
	if err != nil {
		return nil, err
	}
	shape := h.Descr.Shape
	if len(shape) > maxArrayRank {
		return nil, fmt.Errorf("%d dimensions, want at most %d", len(shape), maxArrayRank)
	}
	n := int64(1)
	for _, v := range shape {
		if v < 1 {
			return nil, fmt.Errorf("shape %v has a dimension %d, want at least 1", shape, v)
		}
		if int64(v) > math.MaxInt/maxElementBytes/n {
			return nil, fmt.Errorf("shape %v is too large for this machine", shape)
		}
		n *= int64(v)
	}
	return &arrayReader{r: r, dtype: d, shape: append([]int{}, shape...), fortran: h.Descr.Fortran && len(shape) > 1, elems: n}, nil
}

// maxElementBytes is the most that memory counts for an element.
const maxElementBytes = 16

// memory is how many bytes the array takes at most, from reading it to having it in the form that a [Set] holds.
func (a *arrayReader) memory() int64 {
	perElement := map[int64]int64{1: 1, 4: 5, 8: 12}[a.dtype.mem] // with the bytes or float32 made of it
	if a.fortran {
		perElement = max(perElement, 2*a.dtype.mem)
	}
	return a.elems * perElement
}

// kind is what a Set holds of the array: certain for floating-point numbers, a guess for others.
func (a *arrayReader) kind() Kind {
	if a.dtype.kind == 'f' {
		return Floats
	}
	return Pixels
}

// read reads the elements. Memory is taken at once for as many bytes as the file can hold at most, sure, and otherwise
// as they arrive.
func (a *arrayReader) read(sure int64) (*Array, error) {
	d, r, n := a.dtype, a.r, int(a.elems)
	out := &Array{Shape: a.shape, Type: d.name}
	first := int(min(a.elems, max(sure/int64(d.size), 1<<16)))
	var order binary.ByteOrder = binary.LittleEndian
	if d.big {
		order = binary.BigEndian
	}
	var err error
	switch {
	case d.mem == 1:
		out.Bytes, err = readElems(r, n, first, 1, func(b []byte) byte { return b[0] })
	case d.kind == 'f' && d.size == 2:
		out.Floats, err = readElems(r, n, first, 2, func(b []byte) float32 { return float16(order.Uint16(b)) })
	case d.kind == 'f' && d.size == 4:
		out.Floats, err = readElems(r, n, first, 4, func(b []byte) float32 { return math.Float32frombits(order.Uint32(b)) })
	case d.mem == 4:
		out.Floats, err = readElems(r, n, first, d.size, func(b []byte) float32 { return float32(d.integer(b, order)) })
	case d.kind == 'f':
		out.Doubles, err = readElems(r, n, first, 8, func(b []byte) float64 { return math.Float64frombits(order.Uint64(b)) })
	default:
		out.Doubles, err = readElems(r, n, first, d.size, func(b []byte) float64 { return d.integer(b, order) })
	}
	if err != nil {
		return nil, err
	}
	if a.fortran {
		out.Bytes = rowMajor(out.Bytes, a.shape)
		out.Floats = rowMajor(out.Floats, a.shape)
		out.Doubles = rowMajor(out.Doubles, a.shape)
	}
	return out, nil
}

// integer is an integer element of d.size bytes.
func (d dtype) integer(b []byte, order binary.ByteOrder) float64 {
	signed := d.kind == 'i'
	switch d.size {
	case 1:
		if signed {
			return float64(int8(b[0]))
		}
		return float64(b[0])
	case 2:
		v := order.Uint16(b)
		if signed {
			return float64(int16(v))
		}
		return float64(v)
	case 4:
		v := order.Uint32(b)
		if signed {
			return float64(int32(v))
		}
		return float64(v)
	}
	v := order.Uint64(b)
	if signed {
		return float64(int64(v))
	}
	return float64(v)
}

// float16 widens an IEEE half-precision number: 1 sign bit, 5 of exponent, 10 of mantissa.
func float16(bits uint16) float32 {
	const below = 1 << 112 // what the bias of a float32's exponent is above that of a float16
	magnitude := uint32(bits&0x7fff) << 13
	v := math.Float32frombits(magnitude) * below
	if bits&0x7c00 == 0x7c00 { // infinity or NaN
		v = math.Float32frombits(magnitude | 0xff<<23)
	}
	return math.Float32frombits(math.Float32bits(v) | uint32(bits>>15)<<31)
}

// readElems reads n elements of size bytes each and checks that nothing follows them.
func readElems[T any](r io.Reader, n, first, size int, elem func([]byte) T) ([]T, error) {
	out := make([]T, 0, first)
	buf := make([]byte, 1<<15)
	for len(out) < n {
		part := buf[:min(len(buf), (n-len(out))*size)]
		if got, err := io.ReadFull(r, part); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return nil, fmt.Errorf("the data end after %d elements, want %d", len(out)+got/size, n)
			}
			return nil, err
		}
		for i := 0; i < len(part); i += size {
			out = append(out, elem(part[i:i+size]))
		}
	}
	switch _, err := io.ReadFull(r, buf[:1]); {
	case err == nil:
		return nil, fmt.Errorf("more data follow the %d elements of its shape", n)
	case err != io.EOF:
		return nil, err
	}
	return out, nil
}

// readNPYHeader reads the header with npyio, which takes its length on trust and panics
// on some broken ones.
func readNPYHeader(r io.Reader) (h npy.Header, err error) {
	const maxHeader = 1 << 16
	head := make([]byte, 12)
	if _, err := io.ReadFull(r, head[:10]); err != nil || !bytes.HasPrefix(head, npy.Magic[:]) {
		return h, errors.New("not an .npy file")
	}
	n := int64(binary.LittleEndian.Uint16(head[8:]))
	switch head[6] {
	case 1:
		head = head[:10]
	case 2:
		if _, err := io.ReadFull(r, head[10:]); err != nil {
			return h, errors.New("the header is cut short")
		}
		n = int64(binary.LittleEndian.Uint32(head[8:]))
	default:
		return h, fmt.Errorf(".npy version %d, want 1 or 2 (save with plain names and types)", head[6])
	}
	if n > maxHeader {
		return h, fmt.Errorf("the header has %d bytes, want at most %d", n, maxHeader)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return h, errors.New("the header is cut short")
	}
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("the header is not understood")
		}
	}()
	nr, err := npy.NewReader(io.MultiReader(bytes.NewReader(head), bytes.NewReader(text)))
	if err != nil {
		return h, fmt.Errorf("the header is not understood: %w", err)
	}
	return nr.Header, nil
}

// rowMajor turns column-major data (first index fastest) into row-major order.
func rowMajor[T any](src []T, shape []int) []T {
	if src == nil {
		return nil
	}
	out := make([]T, len(src))
	index := make([]int, len(shape))
	for k := range out {
		from, stride := 0, 1
		for d, i := range index {
			from += i * stride
			stride *= shape[d]
		}
		out[k] = src[from]
		for d := len(index) - 1; d >= 0; d-- {
			if index[d]++; index[d] < shape[d] {
				break
			}
			index[d] = 0
		}
	}
	return out
}
