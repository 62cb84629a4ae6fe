package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"qconv/runtime"
	"qconv/runtime/idx"
)

// numberInput reads numbers, the elements of input i one sample after the other, and makes levels of them.
func numberInput(f *inputFile, p *runtime.Program, i int) (samples [][]byte, first int, many bool, err error) {
	data, err := f.all()
	if err != nil {
		return nil, 0, false, err
	}
	t := &p.Tensors[p.Inputs[i].Tensor]
	n := t.Elems()
	if t.Scale.Mant == 0 {
		return nil, 0, false, fmt.Errorf("the program does not know what numbers its levels stand for; give raw bytes of %s", times(t.Shape))
	}
	var all []float32
	switch f.kind {
	case kindNPY:
		all, err = parseNPY(data)
	case kindF32, kindS16:
		all, err = parseNumbers(f.kind, data)
	case kindWAV:
		all, err = parseWAV(data, p)
	default:
		all, err = parseCSV(data, n)
	}
	if err != nil {
		return nil, 0, false, err
	}
	if len(all) == 0 || len(all)%n != 0 {
		return nil, 0, false, fmt.Errorf("holds %d numbers, which are %d times %d (%s, channels x rows x columns) and %d more", len(all), len(all)/n, n, times(t.Shape), len(all)%n)
	}
	for k, v := range all {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, 0, false, fmt.Errorf("number %d is %v, want finite numbers", k, v)
		}
	}
	first, to, err := idx.ParseRange(f.part, len(all)/n)
	if err != nil {
		return nil, 0, false, err
	}
	for s := first; s < to; s++ {
		levels := make([]byte, n)
		p.NumberLevels(levels, i, all[s*n:][:n])
		samples = append(samples, levels)
	}
	return samples, first, len(all) > n, nil
}

// parseNumbers reads numbers of a kind in numberBytes, the lowest byte first: IEEE 754 numbers of 32 bits, or PCM of 16 bits, whose integers
// are divided by 32768.
func parseNumbers(kind string, data []byte) ([]float32, error) {
	size := numberBytes[kind]
	if len(data)%size != 0 {
		return nil, fmt.Errorf("has %d bytes, no whole count of numbers of %d bytes", len(data), size)
	}
	all := make([]float32, len(data)/size)
	for i := range all {
		if kind == kindS16 {
			all[i] = float32(int16(binary.LittleEndian.Uint16(data[2*i:]))) / (1 << 15)
		} else {
			all[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
	}
	return all, nil
}

// parseCSV reads a sample from every line: n numbers between commas, semicolons or blanks. A first line that holds no number is
// a header.
func parseCSV(data []byte, n int) ([]float32, error) {
	var all []float32
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		fields := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(",; \t\r\n", r) })
		if len(fields) == 0 {
			continue
		}
		before := len(all)
		for k, field := range fields {
			v, err := strconv.ParseFloat(field, 32)
			if err != nil && number == 1 && k == 0 {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("line %d, column %d: %.20q is no number", number, k+1, field)
			}
			all = append(all, float32(v))
		}
		if got := len(all) - before; got != n && got > 0 {
			return nil, fmt.Errorf("line %d holds %d numbers, want %d, a sample in every line", number, got, n)
		}
	}
	return all, nil
}

// npyMagic starts a file of NumPy: an array with a header that says what it holds.
const npyMagic = "\x93NUMPY"

var npyHeader = regexp.MustCompile(`'descr':\s*'([^']*)',\s*'fortran_order':\s*(True|False),\s*'shape':\s*\(([^)]*)\)`)

// parseNPY reads an array of float32, float64 or integers of 8, 16 or 32 bits, the lowest byte first and rows before columns.
func parseNPY(data []byte) ([]float32, error) {
	const fixed = len(npyMagic) + 2 // with the version
	if !bytes.HasPrefix(data, []byte(npyMagic)) || len(data) < fixed+4 {
		return nil, fmt.Errorf("not an array of NumPy (.npy)")
	}
	from, size := fixed+2, int(binary.LittleEndian.Uint16(data[fixed:]))
	if data[len(npyMagic)] > 1 {
		from, size = fixed+4, int(min(binary.LittleEndian.Uint32(data[fixed:]), maxInputBytes))
	}
	if from+size > len(data) {
		return nil, fmt.Errorf("ends within its header")
	}
	m := npyHeader.FindSubmatch(data[from : from+size])
	if m == nil {
		return nil, fmt.Errorf("its header is not understood")
	}
	count := 1
	for field := range strings.SplitSeq(string(m[3]), ",") {
		if field = strings.TrimSpace(field); field != "" {
			d, err := strconv.Atoi(field)
			if err != nil || d < 0 || d > maxInputBytes || count > maxInputBytes {
				return nil, fmt.Errorf("its shape (%s) is not understood", m[3])
			}
			count *= d
		}
	}
	read, width := npyReader(string(m[1]))
	switch body := data[from+size:]; {
	case read == nil:
		return nil, fmt.Errorf("holds numbers of type %q, want float32, float64, or integers of up to 32 bits with the lowest byte first", m[1])
	case string(m[2]) == "True":
		return nil, fmt.Errorf("columns come before rows (fortran_order); save it with numpy.ascontiguousarray")
	case len(body) != count*width:
		return nil, fmt.Errorf("holds %d bytes of numbers, want %d for its shape (%s)", len(body), count*width, m[3])
	default:
		all := make([]float32, count)
		for i := range all {
			all[i] = read(body[i*width:])
		}
		return all, nil
	}
}

// npyReader reads a number of a type as NumPy names it, of so many bytes; nil for types that are none.
func npyReader(descr string) (read func([]byte) float32, width int) {
	le := binary.LittleEndian
	switch strings.TrimLeft(descr, "<|=") {
	case "f4":
		return func(b []byte) float32 { return math.Float32frombits(le.Uint32(b)) }, 4
	case "f8":
		return func(b []byte) float32 { return float32(math.Float64frombits(le.Uint64(b))) }, 8
	case "u1", "b1":
		return func(b []byte) float32 { return float32(b[0]) }, 1
	case "i1":
		return func(b []byte) float32 { return float32(int8(b[0])) }, 1
	case "u2":
		return func(b []byte) float32 { return float32(le.Uint16(b)) }, 2
	case "i2":
		return func(b []byte) float32 { return float32(int16(le.Uint16(b))) }, 2
	case "u4":
		return func(b []byte) float32 { return float32(le.Uint32(b)) }, 4
	case "i4":
		return func(b []byte) float32 { return float32(int32(le.Uint32(b))) }, 4
	}
	return nil, 0
}
