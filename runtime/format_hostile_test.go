package runtime

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand"
	goruntime "runtime"
	"strings"
	"testing"
)

// decodeBytes decodes data and returns the memory that took.
func decodeBytes(data []byte) uint64 {
	var before, after goruntime.MemStats
	goruntime.ReadMemStats(&before)
	Decode(data)
	goruntime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// varint is the coding of v.
func varint(v uint64) string { return string(binary.AppendUvarint(nil, v)) }

// TestMemoryBound decodes files that claim far more than they hold.
func TestMemoryBound(t *testing.T) {
	const tensor = "\x01\x01\x01\x03\x00\x00\x00\x00\x00" // 1 element, 4 levels
	// A tensor of 2^24 channels, and a Linear from it to itself.
	wide := "\x02" + tensor + varint(1<<24) + "\x01\x01\x03\x00\x00\x00\x00\x00"
	linear := "\x01\x01\x01\x01\x00\x01\x00\x00\x01\x01\x01\x00"
	manySteps := varint(1000) + strings.Repeat(varint(maxBreaks)+"\x00\x00\x02"+"\x02\x00\x00\x00", 1000)
	tests := map[string][]chunkText{
		"2^24 biases of no bits":                {{"TNSR", wide}, {"BOOK", "\x01\x01\x02"}, {"STEP", "\x01\x00\x00"}, {"PORT", "\x00\x00\x01\x01\x00"}, {"CODE", linear}, {"BIAS", "\x00\x00"}},
		"2^24 steps of no bits":                 {{"TNSR", wide}, {"BOOK", "\x01\x01\x02"}, {"STEP", "\x01\x00\x00"}, {"PORT", "\x00\x00\x01\x01\x00"}, {"CODE", "\x01\x01\x01\x02\x00\x00\x00"}},
		"2^24 input tables of two bytes":        {{"TNSR", wide}, {"PORT", "\x01\x04\x00\x00"}},
		"a thousand step functions of no bits":  {{"TNSR", "\x01" + tensor}, {"STEP", manySteps}},
		"2^24 self-test outputs of no bits":     {{"TNSR", wide}, {"PORT", "\x01\x00\x01\x01\x00"}, {"CODE", "\x01\x05\x00\x00\x00"}, {"test", "\x01\x00\x00\x00\x00\x00\x00"}},
		"65536 tensors":                         {{"TNSR", varint(65536) + strings.Repeat(tensor, 4)}},
		"65536 labels":                          {{"TNSR", "\x01" + tensor}, {"PORT", "\x00\x00\x01\x00\x00"}, {"CODE", "\x00"}, {"labl", varint(65535) + strings.Repeat("\x00", 300)}},
		"a label of 1024 bytes":                 {{"TNSR", "\x01" + tensor}, {"PORT", "\x00\x00\x01\x00\x00"}, {"CODE", "\x00"}, {"labl", "\x01" + varint(1024)}},
		"many copies of a piece":                {{"TNSR", "\x02" + tensor + tensor}, {"PORT", "\x00\x00\x01\x01\x00"}, {"CODE", "\x01\x05\x01\x00" + varint(5000) + strings.Repeat("\x00\x00\x00\x00", 5000)}},
		"65536 loops":                           {{"TNSR", "\x02" + tensor + tensor}, {"PORT", "\x00\x00\x01\x01\x00"}, {"CODE", "\x01\x05\x01\x00\x00"}, {"LOOP", varint(65536) + strings.Repeat("\x00\x01\x01\x00", 2000)}},
		"many carries of no use":                {{"TNSR", "\x02" + tensor + tensor}, {"PORT", "\x00\x00\x01\x01\x00"}, {"CODE", "\x01\x05\x01\x00\x00"}, {"LOOP", "\x01\x00\x01\x01" + varint(5000) + strings.Repeat("\x01\x00", 5000)}},
		"a state of 2^24 levels of no bits":     {{"TNSR", wide}, {"PORT", "\x00\x00\x01\x01\x00"}, {"STAT", "\x00\x01\x01\x01\x01\x02\x00\x00\x00"}},
		"65536 states":                          {{"TNSR", "\x02" + tensor + tensor}, {"PORT", "\x00\x00\x01\x01\x00"}, {"STAT", "\x00" + varint(65536) + strings.Repeat("\x00\x01\x00\x00", 2000)}},
		"many states to the same tensor":        {{"TNSR", "\x02" + tensor + tensor}, {"PORT", "\x00\x00\x01\x01\x00"}, {"STAT", "\x00" + varint(5000) + strings.Repeat("\x00\x01\x00\x00", 5000)}},
		"many instructions that are not filled": {{"TNSR", "\x02" + tensor + tensor}, {"PORT", "\x00\x00\x01\x01\x00"}, {"CODE", varint(5000) + strings.Repeat("\x05\x01\x00\x00", 5000)}},
	}
	for name, list := range tests {
		data := join(append(list, chunkText{"DONE", ""}))
		if _, err := Decode(data); err == nil {
			t.Errorf("%s: accepted", name)
		}
		if got, most := decodeBytes(data), uint64(2<<20+256*len(data)); got > most {
			t.Errorf("%s: %d bytes of memory for a file of %d, want at most %d", name, got, len(data), most)
		}
	}
	for _, g := range goldens {
		data := mustEncode(t, g.make())
		if got, most := decodeBytes(data), uint64(2<<20+256*len(data)); got > most {
			t.Errorf("%s: %d bytes of memory for a file of %d, want at most %d", g.name, got, len(data), most)
		}
	}
}

// TestWeightsBound checks that a small file cannot make a reader decode 2^28 weights.
func TestWeightsBound(t *testing.T) {
	p := tinyProgram()
	p.SelfTests = nil
	p.Tensors[0].Shape = [3]int{1 << 10, 1, 1}
	p.Tensors[1].Shape = [3]int{1 << 12, 1, 1}
	l := p.Instrs[0].(*Linear)
	l.Bias = make([]int32, 1<<12)
	l.Terms[0].Kernel = [2]int{1, 1}
	l.Terms[0].Weights = PackWeights(make([]uint16, 1<<22), 3)
	// A writer makes the file as large as that takes, and no larger.
	file := mustEncode(t, p)
	if want := (1<<22 - 1<<20) / 256; len(file) != want {
		t.Errorf("the file has %d bytes, want %d", len(file), want)
	}
	if _, err := Decode(file); err != nil {
		t.Error(err)
	}
	parts := split(t, file)
	room := &parts[len(parts)-1]
	if room.id == endID {
		room = &parts[len(parts)-2]
	}
	room.payload = room.payload[1:]
	_, err := Decode(join(parts))
	wantError(t, err, `chunk "WGTS"`, "4194304 weights")
	list := split(t, mustEncode(t, tinyProgram()))
	for i := range list {
		switch list[i].id {
		case "TNSR":
			list[i].payload = "\x02\x80\x08\x01\x01\x03\x00\x00\x00\x00\x00\x80\x20\x01\x01\x00\x00\x00\x00\x00"
		case "CODE":
			list[i].payload = "\x01\x01\x01\x00\x01\x00\x00\x01\x01\x01\x00"
		case "BIAS":
			list[i].payload = "\x00\x00"
		case "WGTS":
			list[i].payload = "\x00\x01\x00"
		}
	}
	_, err = Decode(join(list))
	wantError(t, err, `chunk "WGTS"`, "4194304 weights")
}

// fixChecksums gives every chunk of a file, as far as there are any, the right checksum.
func fixChecksums(file []byte) []byte {
	file = bytes.Clone(file)
	for at := headSize; len(file)-at >= frameBefore+frameAfter; {
		length := int(min(binary.LittleEndian.Uint32(file[at+4:]), maxFileBytes))
		end := at + frameBefore + length
		if end+frameAfter > len(file) {
			break
		}
		binary.LittleEndian.PutUint32(file[end:], crc32.Checksum(file[at:end], castagnoli))
		at = end + frameAfter
	}
	return file
}

// checkAny decodes anything. What is accepted must be valid and survive another trip
// through a file.
func checkAny(t *testing.T, data []byte) {
	t.Helper()
	p, err := Decode(data)
	if dumpErr := Dump(new(bytes.Buffer), data); (dumpErr == nil) != (err == nil) {
		t.Fatalf("Dump says %v, Decode %v", dumpErr, err)
	}
	if err != nil {
		if _, ok := err.(*FormatError); !ok {
			t.Fatalf("error %q of type %T, want a FormatError", err, err)
		}
		return
	}
	if err := p.Validate(); err != nil {
		t.Fatalf("a decoded program is not valid: %v", err)
	}
	again, err := Encode(p)
	if err != nil {
		if !strings.Contains(err.Error(), "in a file of") {
			t.Fatal(err)
		}
		return // without what was skipped the file is too small for its program
	}
	q, err := Decode(again)
	if err != nil {
		t.Fatal(err)
	}
	if !samePrograms(p, q) {
		t.Fatal("the program changed on the way through another file")
	}
}

// FuzzDecode decodes anything, also with mended checksums: it is refused, or survives another trip through a file.
func FuzzDecode(f *testing.F) {
	for _, file := range editedFiles(f) {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, file := range [][]byte{data, fixChecksums(data)} {
			// Work is bounded before anything is decoded that takes long.
			_, err := decodeWithin(bytes.Clone(file), smallLimits.For(int64(len(file))), nil)
			if limit := (*LimitError)(nil); !errors.As(err, &limit) {
				checkAny(t, file)
			}
		}
	})
}

// TestDamagedPayloads changes bytes and repairs the checksums, so that the damage reaches
// the readers of the chunks.
func TestDamagedPayloads(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for _, g := range goldens {
		file := mustEncode(t, g.make())
		for at := headSize; at < len(file); at++ {
			data := bytes.Clone(file)
			data[at] ^= byte(1 + r.Intn(255))
			checkAny(t, fixChecksums(data))
		}
	}
}

func TestNotAProgram(t *testing.T) {
	tests := []struct{ name, data, want string }{
		{"empty", "", "the file is empty"},
		{"short", magic[:5], "it is cut short"},
		{"magic only", magic, "the file is cut short"},
		{"CR LF to LF", "\x89QLT\n\x1a\n", "line ends of the file were changed"},
		{"LF to CR LF", "\x89QLT\r\r\n\x1a\r\n", "line ends of the file were changed"},
		{"7 bits", "\x09QLT\r\n\x1a\n\x01", "top bit"},
		{"LFS", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"},
		{"HTML", "\n <!DOCTYPE html><html>", "web page"},
		{"HTML in capitals", "<HTML>", "web page"},
		{"ONNX", "\x08\x07\x12\x07pytorch", "ONNX model"},
		{"ONNX with opset first", "\x08\x08\x42\x04", "ONNX model"},
		{"zip", "PK\x03\x04abcdefgh", "zip archive"},
		{"gzip", "\x1f\x8b\x08abcdefgh", "gzip-compressed"},
		{"other", "RIFFabcdefgh", "starts with 52 49 46 46"},
		{"version", magic + "\x04\x00", "format version 4, want 1..3"},
		{"version 256", magic + "\x01\x01", "format version 257, want 1..3"},
	}
	for _, tt := range tests {
		_, err := Decode([]byte(tt.data))
		wantError(t, err, tt.want)
	}
}

func TestFormatErrorMessage(t *testing.T) {
	list := split(t, mustEncode(t, tinyProgram()))
	list[0].payload = strings.Replace(list[0].payload, "\x03\x00", "\x03\x04", 1)
	_, err := Decode(join(list))
	const want = `runtime: chunk "TNSR" at byte 19: tensor 0 has zero level 4, want 0..3`
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	e := &FormatError{Path: "a.qlut", Offset: 3, Reason: bytes.ErrTooLarge}
	if got, want := e.Error(), "runtime: a.qlut: byte 3: "+bytes.ErrTooLarge.Error(); got != want {
		t.Errorf("error %q, want %q", got, want)
	}
}
