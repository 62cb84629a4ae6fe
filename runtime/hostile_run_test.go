package runtime

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand"
	"reflect"
	"runtime/metrics"
	"slices"
	"testing"

	"qconv/runtime/internal/kernel"
)

var edits = flag.Int("edits", 2000, "how many edits of each kind the tests of edited programs try")

// smallLimits bound what one edited program may cost the tests.
var smallLimits = Limits{Memory: 16 << 20, MACs: 1 << 17}

// outcome is what became of a file.
type outcome struct{ Tried, Refused, Ran, Differed int }

// add runs data and counts what became of it.
func (o *outcome) add(t *testing.T, what string, data []byte) {
	t.Helper()
	o.Tried++
	ran, err := runAny(data)
	switch {
	case err != nil:
		o.Differed++
		t.Errorf("%s: %v\n%x", what, err, data)
	case ran:
		o.Ran++
	default:
		o.Refused++
	}
}

// report prints the counts in one line for machines.
func (o *outcome) report(t *testing.T, kind string) {
	line, _ := json.Marshal(o)
	t.Logf("edits of %s: %s", kind, line)
}

// anyKernels are the choices that must agree.
func anyKernels() []Options {
	list := []Options{{Kernel: kernelGeneric}, {Kernel: kernelPacked}, {LowMemory: true}}
	for _, v := range kernel.Available() {
		list = append(list, Options{Kernel: v.String()})
	}
	return list
}

// runAny decodes anything within smallLimits. It returns false if that is refused, and an error if it is accepted
// and kernels do not agree with the definition.
func runAny(data []byte) (ran bool, err error) {
	before := allocated()
	p, err := decodeWithin(data, smallLimits.For(int64(len(data))), nil)
	if got, most := allocated()-before, uint64(2<<20+256*len(data)); got > most {
		return false, fmt.Errorf("decoding took %d bytes, want at most %d", got, most)
	}
	var format *FormatError
	var limit *LimitError
	switch {
	case errors.As(err, &format), errors.As(err, &limit):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("%w of type %T, want a FormatError or a LimitError", err, err)
	}
	inputs := p.GenerateInputs(1)
	var want [][]int32
	for _, o := range anyKernels() {
		o.Limits = smallLimits
		r, err := NewRunner(p, o)
		if errors.As(err, &limit) {
			return false, nil
		}
		if err != nil {
			return true, err
		}
		got, err := r.RunLevels(inputs...)
		if err != nil {
			return true, err
		}
		if want == nil {
			want = evaluate(p, inputs...)
		}
		for i := range want {
			if !slices.Equal(got[i], want[i]) {
				return true, fmt.Errorf("%+v: output %d differs from the definition", o, i)
			}
		}
	}
	return true, nil
}

// allocated is the memory allocated so far, in bytes, freed or not.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// editedFiles are the files that are edited.
func editedFiles(t testing.TB) [][]byte {
	var files [][]byte
	for _, g := range goldens {
		files = append(files, mustEncode(t, g.make()))
	}
	for seed := range int64(40) {
		files = append(files, mustEncode(t, randomProgram(seed)))
	}
	return files
}

func TestFlipsAndTruncations(t *testing.T) {
	var flips, cuts outcome
	data := mustEncode(t, tinyProgram())
	for bit := range 8 * len(data) {
		flipped := bytes.Clone(data)
		flipped[bit/8] ^= 1 << (bit % 8)
		flips.add(t, fmt.Sprintf("bit %d", bit), flipped)
	}
	for n := range data {
		cuts.add(t, fmt.Sprintf("%d bytes", n), data[:n:n])
	}
	if flips.Ran > 0 || cuts.Ran > 0 {
		t.Errorf("%d files with a flipped bit and %d that are cut were accepted", flips.Ran, cuts.Ran)
	}
	flips.report(t, "bits")
	cuts.report(t, "length")
}

// TestChunkEdits duplicates, drops, swaps, splices and resizes chunks, and mends their checksums.
func TestChunkEdits(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	var files [][]chunkText
	for _, f := range editedFiles(t) {
		files = append(files, split(t, f))
	}
	var o outcome
	for n := range *edits {
		list := slices.Clone(files[r.Intn(len(files))])
		for range 1 + r.Intn(2) {
			list = editChunks(r, list, files[r.Intn(len(files))])
		}
		o.add(t, fmt.Sprintf("edit %d", n), join(list))
	}
	o.report(t, "chunks")
}

// editChunks changes list in one way; other is another file.
func editChunks(r *rand.Rand, list, other []chunkText) []chunkText {
	if len(list) == 0 {
		return slices.Clone(other)
	}
	i, j := r.Intn(len(list)), r.Intn(len(list))
	switch r.Intn(8) {
	case 0:
		return slices.Insert(list, j, list[i])
	case 1:
		return slices.Delete(list, i, i+1)
	case 2:
		list[i], list[j] = list[j], list[i]
	case 3:
		return slices.Insert(list, i, other[r.Intn(len(other))])
	case 4: // the chunk of the same kind of another file
		for _, c := range other {
			if c.id == list[i].id {
				list[i] = c
			}
		}
	case 5:
		list[i].payload = list[i].payload[:r.Intn(len(list[i].payload)+1)]
	case 6:
		more := make([]byte, 1+r.Intn(8))
		r.Read(more)
		list[i].payload += string(more)
	case 7: // the front of one payload and the back of another
		p, q := list[i].payload, other[r.Intn(len(other))].payload
		list[i].payload = p[:r.Intn(len(p)+1)] + q[r.Intn(len(q)+1):]
	}
	return list
}

// TestFieldEdits changes single fields of programs, as they are in memory, as they are coded, and as bytes.
func TestFieldEdits(t *testing.T) {
	r := rand.New(rand.NewSource(2))
	files := editedFiles(t)
	var o outcome
	for n := 0; o.Tried < *edits; n++ {
		file := files[r.Intn(len(files))]
		var data []byte
		switch n % 3 {
		case 0:
			data = editProgram(t, r, file)
		case 1:
			data = editCoded(t, r, file)
		case 2:
			data = bytes.Clone(file)
			for range 1 + r.Intn(3) {
				data[headSize+r.Intn(len(data)-headSize)] = byte(edgeValue(r, r.Int63()))
			}
			data = fixChecksums(data)
		}
		if data != nil {
			o.add(t, fmt.Sprintf("edit %d", n), data)
		}
	}
	o.report(t, "fields")
}

// edgeValue is a number at the edge of some range, next to old, or random.
func edgeValue(r *rand.Rand, old int64) int64 {
	edges := []int64{0, 1, -1, 2, 3, 4, 5, 7, 8, 16, 31, 32, 33, 64, 127, 128, 255, 256, 257, 1023, 1024, 1025, 1200, 1201, 4096, 4097,
		1<<16 - 1, 1 << 16, 1<<16 + 1, 1 << 20, 1 << 24, 1<<24 + 1, 1 << 28, 1 << 30, math.MaxInt32, 1 << 31, math.MinInt32, math.MaxUint32}
	switch r.Intn(6) {
	case 0:
		return old + 1
	case 1:
		return old - 1
	case 2:
		return -old
	case 3:
		return int64(r.Intn(300))
	}
	return edges[r.Intn(len(edges))]
}

// editProgram changes one field of the program in a file and encodes it without a look at what it means; nil if the result cannot
// be coded at all.
func editProgram(t *testing.T, r *rand.Rand, file []byte) (data []byte) {
	p, err := Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	editValue(r, reflect.ValueOf(p).Elem())
	defer func() {
		if recover() != nil {
			data = nil // lists that lack entries
		}
	}()
	if len(p.SelfTests) > 0 && len(p.SelfTests[0].Want) != p.outputElems() {
		p.SelfTests = nil
	}
	return encodeAnyway(p)
}

// encodeAnyway is Encode without a check of p.
func encodeAnyway(p *Program) []byte {
	var list []chunkText
	for _, c := range chunks {
		if c.present == nil || c.present(p) {
			var w writer
			c.encode(&w, p)
			list = append(list, chunkText{c.id, string(w.buf)})
		}
	}
	return join(append(list, chunkText{endID, ""}))
}

// editValue changes one number, or the length of one list, somewhere in v.
func editValue(r *rand.Rand, v reflect.Value) {
	if w, ok := v.Addr().Interface().(*Weights); ok {
		switch n := len(w.data); r.Intn(4) {
		case 0:
			w.kind ^= 1 << r.Intn(3)
		case 1:
			w.data = slices.Clone(w.data[:r.Intn(n+1)])
		case 2:
			w.data = append(slices.Clone(w.data), byte(r.Intn(256)))
		case 3:
			if n > 0 {
				w.data = slices.Clone(w.data)
				w.data[r.Intn(n)] ^= 1 << r.Intn(8)
			}
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		if f := v.Field(r.Intn(v.NumField())); f.CanSet() {
			editValue(r, f)
		}
	case reflect.Array:
		editValue(r, v.Index(r.Intn(v.Len())))
	case reflect.Interface:
		editValue(r, v.Elem().Elem())
	case reflect.Slice:
		n := v.Len()
		switch {
		case n > 0 && r.Intn(10) == 0:
			v.Set(v.Slice(0, n-1))
		case n > 0 && r.Intn(10) == 0:
			v.Set(reflect.Append(v, v.Index(r.Intn(n))))
		case n > 0:
			editValue(r, v.Index(r.Intn(n)))
		}
	case reflect.Int, reflect.Int32:
		v.SetInt(edgeValue(r, v.Int()))
	case reflect.Uint8, reflect.Uint32:
		v.SetUint(uint64(edgeValue(r, int64(v.Uint()))))
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.String:
		v.SetString(v.String() + []string{"", "\xff", "\x00", "\u202e", "é"}[r.Intn(5)])
	}
}

// editCoded replaces one field of a file by a number or by other bytes.
func editCoded(t *testing.T, r *rand.Rand, file []byte) []byte {
	type field struct{ from, to int }
	var fields []field
	frames, err := readFrames(file)
	if err != nil {
		t.Fatal(err)
	}
	note := func(from, to int, _ string) { fields = append(fields, field{from, to}) }
	if _, err := decodeFrames(file, frames, decoding{limits: NoLimits.For(0), note: note}); err != nil {
		t.Fatal(err)
	}
	f := fields[r.Intn(len(fields))]
	var list []chunkText
	for _, c := range frames {
		payload := string(file[c.start:c.end])
		if c.start <= f.from && f.to <= c.end {
			payload = string(file[c.start:f.from]) + newField(r, file[f.from:f.to]) + string(file[f.to:c.end])
		}
		list = append(list, chunkText{c.id, payload})
	}
	return join(list)
}

// newField replaces the bytes of a field.
func newField(r *rand.Rand, old []byte) string {
	switch r.Intn(4) {
	case 0: // as many bytes
		b := make([]byte, len(old))
		r.Read(b)
		return string(b)
	case 1: // one byte is another one
		b := bytes.Clone(old)
		b[r.Intn(len(b))] = byte(edgeValue(r, int64(old[0])))
		return string(b)
	case 2: // padded: a number that takes more bytes than it needs
		return string(old[:len(old)-1]) + string([]byte{old[len(old)-1] | 0x80, 0})
	}
	v, _ := binary.Uvarint(old)
	return varint(uint64(edgeValue(r, int64(v))) & (1<<35 - 1))
}

// FuzzRun runs files with mended checksums in all kernels.
func FuzzRun(f *testing.F) {
	for _, file := range editedFiles(f) {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := runAny(fixChecksums(data)); err != nil {
			t.Fatal(err)
		}
	})
}
