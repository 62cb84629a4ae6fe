package runtime

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldens are the programs of testdata.
var goldens = []struct {
	name string
	make func() *Program
}{
	{"tiny", tinyProgram},
	{"all", allProgram},
	{"positions", positionsProgram},
	{"products", productsProgram},
	{"factors", factorsProgram},
	{"inputs", inputsProgram},
	{"loops", loopsProgram},
	{"stream", streamProgram},
}

func mustEncode(t testing.TB, p *Program) []byte {
	t.Helper()
	data, err := Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func mustDump(t testing.TB, data []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := Dump(&b, data); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// parseDump puts the bytes of a dump together again.
func parseDump(t testing.TB, dump string) []byte {
	t.Helper()
	var data []byte
	for line := range strings.Lines(dump) {
		var from, to int
		if _, err := fmt.Sscanf(line, "%d-%d:", &from, &to); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		text, _, _ := strings.Cut(line[strings.Index(line, ":")+1:], "#")
		b, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(text), " ", ""))
		if err != nil || from != len(data) || to != from+len(b) {
			t.Fatalf("line %q: %d bytes after %d, %v", line, len(b), len(data), err)
		}
		data = append(data, b...)
	}
	return data
}

// TestGolden compares the bytes that programs are written in with those in testdata, and
// reads these.
func TestGolden(t *testing.T) {
	for _, g := range goldens {
		t.Run(g.name, func(t *testing.T) {
			path := filepath.Join("testdata", g.name+".golden")
			p := g.make()
			got := mustDump(t, mustEncode(t, p))
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s differs from what Encode writes; run go test -update and read the difference", path)
			}
			q, err := Decode(parseDump(t, string(want)))
			if err != nil {
				t.Fatal(err)
			}
			if !samePrograms(p, q) {
				t.Errorf("%s does not decode to the program it was made from", path)
			}
		})
	}
}

// TestFormatDocument keeps the worked example of FORMAT.md true.
func TestFormatDocument(t *testing.T) {
	doc, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- tiny.golden -->\n```text\n", "```\n"
	before, rest, found := strings.Cut(string(doc), begin)
	_, after, _ := strings.Cut(rest, end)
	dump := mustDump(t, mustEncode(t, tinyProgram()))
	if want := before + begin + dump + end + after; !found || want != string(doc) {
		if *update && found {
			if err := os.WriteFile("FORMAT.md", []byte(want), 0o666); err != nil {
				t.Fatal(err)
			}
			return
		}
		t.Error("the worked example of FORMAT.md differs from what Encode writes; run go test -update and read the difference")
	}
}

func TestRoundTripRandom(t *testing.T) {
	for seed := range int64(300) {
		p := randomProgram(seed)
		if err := p.Validate(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		data := mustEncode(t, p)
		q, err := Decode(data)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if !samePrograms(p, q) {
			t.Fatalf("seed %d: the program changed on the way through the file", seed)
		}
		if !bytes.Equal(parseDump(t, mustDump(t, data)), data) {
			t.Fatalf("seed %d: the dump does not show every byte", seed)
		}
	}
}

func TestEncodeIsDeterministic(t *testing.T) {
	if a, b := mustEncode(t, allProgram()), mustEncode(t, allProgram()); !bytes.Equal(a, b) {
		t.Error("the same program gave two different files")
	}
}

// TestDecodeCopies checks that a Program does not refer to the bytes it was read from.
func TestDecodeCopies(t *testing.T) {
	data := mustEncode(t, allProgram())
	p, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	clear(data)
	if !samePrograms(p, allProgram()) {
		t.Error("the program changed with the bytes it was read from")
	}
}

func TestEveryBitFlipIsRejected(t *testing.T) {
	for _, g := range goldens {
		data := mustEncode(t, g.make())
		for bit := range 8 * len(data) {
			data[bit/8] ^= 1 << (bit % 8)
			if _, err := Decode(data); err == nil {
				t.Errorf("%s: bit %d of byte %d flipped: accepted", g.name, bit%8, bit/8)
			}
			data[bit/8] ^= 1 << (bit % 8)
		}
	}
}

func TestEveryTruncationIsRejected(t *testing.T) {
	for _, g := range goldens {
		data := mustEncode(t, g.make())
		for n := range data {
			if _, err := Decode(data[:n]); err == nil {
				t.Errorf("%s: accepted after %d of %d bytes", g.name, n, len(data))
			}
		}
		for _, more := range []string{"\x00", "\n", "DONE\x00\x00\x00\x00\x87\xde\x34\x76"} {
			if _, err := Decode(append(data[:len(data):len(data)], more...)); err == nil {
				t.Errorf("%s: accepted with %q at the end", g.name, more)
			}
		}
	}
}

// chunkText is a chunk as tests put files together.
type chunkText struct{ id, payload string }

func split(t testing.TB, file []byte) []chunkText {
	t.Helper()
	frames, err := readFrames(file)
	if err != nil {
		t.Fatal(err)
	}
	var list []chunkText
	for _, f := range frames {
		list = append(list, chunkText{f.id, string(file[f.start:f.end])})
	}
	return list
}

// join makes a file of chunks, of the version that they need.
func join(list []chunkText) []byte {
	file := joinAs(firstVersion, list)
	for _, version := range []uint16{2, 3} {
		if _, err := Decode(file); err != nil && strings.Contains(err.Error(), fmt.Sprint("want version ", version)) {
			file = joinAs(version, list)
		}
	}
	return file
}

func joinAs(version uint16, list []chunkText) []byte {
	file := binary.LittleEndian.AppendUint16([]byte(magic), version)
	for _, c := range list {
		file = appendFrame(file, c.id, []byte(c.payload))
	}
	return file
}

// TestUnknownChunks adds, drops and moves whole chunks.
func TestUnknownChunks(t *testing.T) {
	file := mustEncode(t, tinyProgram())
	insert := func(at int, c chunkText) []chunkText {
		list := split(t, file)
		return append(append(list[:at:at], c), list[at:]...)
	}
	for at := range len(split(t, file)) {
		p, err := Decode(join(insert(at, chunkText{"note", "anything"})))
		if err != nil || !samePrograms(p, tinyProgram()) {
			t.Errorf("an unknown chunk \"note\" before chunk %d changes the program: %v", at, err)
		}
		_, err = Decode(join(insert(at, chunkText{"NOTE", "anything"})))
		wantError(t, err, `chunk "NOTE"`, "newer version")
		list := split(t, file)
		_, err = Decode(join(append(list[:at+1:at+1], list[at:]...)))
		if err == nil {
			t.Errorf("chunk %q is accepted twice", list[at].id)
		}
		if _, err := Decode(join(append(list[:at:at], list[at+1:]...))); skippable(list[at].id) != (err == nil) {
			t.Errorf("chunk %q left out: %v", list[at].id, err)
		}
	}
	for _, id := range []string{"no t", "NOT1", "\x00\x00\x00\x00", "nöt"} {
		_, err := Decode(join(insert(1, chunkText{id, ""})))
		wantError(t, err, "want four letters")
	}
}

// wantError checks that err is a FormatError whose message has all parts.
func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one with %q", parts)
		return
	}
	if _, ok := err.(*FormatError); !ok {
		t.Errorf("error %q of type %T, want a FormatError", err, err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q, want %q in it", err, part)
		}
	}
}

// TestHostilePayloads replaces the payload of one chunk of the tiny program.
func TestHostilePayloads(t *testing.T) {
	const huge = "\xff\xff\xff\xff\x07" // 2^31-1
	tests := []struct{ id, payload, want string }{
		{"TNSR", "", "number takes 1 bytes, 0 remain"},
		{"TNSR", huge, "want 0..65536"},
		{"TNSR", "\x81\x80\x04", "number is 65537, want 0..65536"},
		{"TNSR", "\x80\x80\x04", "number is 65536, but 0 bytes remain"},
		{"TNSR", "\x80\x00", "needless last byte"},
		{"TNSR", "\xff\xff\xff\xff\xff\xff\x01", "more than 5 bytes"},
		{"TNSR", "\x00", "0 tensors, want 1..65536"},
		{"TNSR", "\x01\x01\x01\x01\x03\x04\x00\x00\x00\x00", "tensor 0 has zero level 4, want 0..3"},
		{"TNSR", "\x01\x01\x00\x01\x03\x00\x00\x00\x00\x00", "tensor 0 has 0 rows"},
		{"TNSR", "\x01\xff\xff\x03\xff\xff\x03\xff\xff\x03\x03\x00\x00\x00\x00\x00", "want at most 16777216 elements"},
		{"TNSR", "\x01\x01\x01\x01\x03\x00\x01\x00\x00\x00\x00", "top bit of the mantissa"},
		{"TNSR", "\x01\x01\x01\x01\x03\x00\x00\x00\x00\x00\x00", "1 bytes are left over"},
		{"BOOK", "\x01\x80\x80\x04\x00\x00\x02", ""},
		{"BOOK", "\x01\x81\x80\x04\x00\x00\x02", "want 0..65536"},
		{"BOOK", "\x01\x03\x00\x00\x00", "want 1..4294967295"},
		{"BOOK", "\x01\x03\x00\x21\x02\xfe\xff\xff\xff\x1f", "want at most 2147483647"},
		{"BOOK", "\x01\x03\x00\x22", "width byte 34, want 0..33"},
		{"BOOK", "\x01\x03\x00\x20\x02\x00", "takes 8 bytes, 1 remain"},
		{"BOOK", "\x01\x03\x03\x01\x04\x06", "fill up the last byte"},
		{"BOOK", "\x01\x00\x00", "left over"},
		{"BOOK", "\x02\x00\x02\x04\x00\x02", "codebook 0 has 0 centres"},
		{"PORT", "\x02\x00\x01\x01\x00", "tensor 2, want 0..1"},
		{"PORT", "\x01\x00\x01\x01\x00", "holds accumulators"},
		{"PORT", "\x00\x08\x01\x01\x00", "flags 8"},
		{"PORT", "\x00\x06\x01\x01\x00", "flags 6"},
		{"PORT", "\x00\x02\x00\x01\x01\x00", "table 0 of the input holds level 255, want 0..3"},
		{"PORT", "\x00\x00\x00", "0 outputs, want 1..256"},
		{"PORT", "\x00\x00\x01\x00\x01\xff", "not valid UTF-8"},
		{"PORT", "\x00\x00\x01\x01\x01\x61\x61", "1 bytes are left over"},
		{"CODE", "\x00", "tensor 1 is never written"},
		{"CODE", "\x01\x09\x01\x00\x00\x00\x00", "operation 9, want 1..8"},
		{"CODE", "\x01\x01\x01\x00\x00", "0 terms, want 1..4096"},
		{"CODE", "\x01\x01\x00\x00\x01\x00\x00\x01\x02\x02\x00", "writes tensor 0, which is written already"},
		{"CODE", "\x01\x01\x01\x00\x01\x01\x00\x01\x02\x02\x00", "reads tensor 1, which is not written yet"},
		{"CODE", "\x01\x01\x01\x00\x01\x00\x00\x03\x02\x02\x00", "3 groups do not divide 1 input and 2 output channels"},
		{"CODE", "\x01\x01\x01\x00\x01\x00\x01\x01\x02\x02\x00", "codebook 1, want 0..0"},
		{"CODE", "\x01\x01\x01\x00\x01\x00\x00\x01\x00\x02\x00", "kernel is 0 along rows"},
		{"CODE", "\x01\x01\x01\x00\x01\x00\x00\x01\xff\xff\x03\xff\xff\x03\x00", "more than 268435456 weights"},
		{"CODE", "\x01\x01\x01\x00\x01\x00\x00\x01\x02\x02\x10", "window flags 16"},
		{"CODE", "\x01\x01\x01\x00\x01\x00\x00\x01\x02\x02\x02\x81\x80\x80\x08\x01", "want 0..16777216"},
		{"CODE", "\x01\x01\x01\x01\x00\x01\x00\x00\x01\x02\x02\x00", "1 step functions, want 0"},
		{"CODE", "\x01\x02\x01\x00\x02\x02\x00", "writes tensor 1, which holds accumulators"},
		{"BIAS", "", "takes 1 bytes, 0 remain"},
		{"BIAS", "\x20\x00\xff\xff\xff\xff\xff\xff\xff\xff", "entry 0 of list is 4294967295"},
		{"BIAS", "\x00\xfe\xff\xff\xff\x0f", "accumulator of channel 0 may take"},
		{"WGTS", "", "takes 1 bytes, 0 remain"},
		{"WGTS", "\x00\x01\x03", "index 3, want 0..2"},
		{"WGTS", "\x01\x02\xff\xff", "index 3, want 0..2"},
		{"WGTS", "\x01\x03\x00\x00\x00", "in 3 bytes, want 2"},
		{"WGTS", "\x03\x01\x00", "coding 3, want 0..2"},
		{"WGTS", "\x02\x05\x05\x00\x00\x00\x00", "number of the frequency table is too large"},
		{"WGTS", "\x02\x01\x0f", "a table of 2^15 states for 8 indices, want 2^5..2^6"},
		{"WGTS", "\x00" + huge, "want 0..1073741824"},
		{"labl", huge, "want 0..65536"},
		{"labl", "\x01\x05abcd", "but 4 bytes remain"},
		{"prov", "short", "takes 32 bytes, 5 remain"},
		{"test", "\x01\x00\x00\x00\x00\x20\x00\x00", "takes 8 bytes, 1 remain"},
		{"test", "\xff\xff\x03", "want 0..1024"},
	}
	for _, tt := range tests {
		list := split(t, mustEncode(t, tinyProgram()))
		for i := range list {
			if list[i].id == tt.id {
				list[i].payload = tt.payload
			}
		}
		_, err := Decode(join(list))
		if tt.want == "" {
			if err != nil && strings.Contains(err.Error(), tt.id) {
				t.Errorf("%s % x: %v", tt.id, tt.payload, err)
			}
			continue
		}
		wantError(t, err, tt.want)
	}
}

// samePrograms compares all but what decoding found out about layers.
func samePrograms(p, q *Program) bool {
	for _, program := range []*Program{p, q} {
		if program == nil {
			return p == q
		}
		for _, l := range program.linears() {
			l.found = nil
		}
	}
	return reflect.DeepEqual(p, q)
}
