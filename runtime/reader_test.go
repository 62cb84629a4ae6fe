package runtime

import (
	"encoding/binary"
	"fmt"
	"math/rand"
	"os"
	"strings"
	"testing"

	"qconv/internal/testtool"
)

// readerCase draws samples for a program and says what a Runner makes of them, as the steps of a stream.
func readerCase(t *testing.T, r *rand.Rand, name string, file []byte, p *Program) testtool.Case {
	t.Helper()
	samples := make([][]byte, 3)
	for i := range samples {
		for _, in := range p.Inputs {
			levels := 256
			if in.Tables == nil {
				levels = p.Tensors[in.Tensor].Levels
			}
			for range p.Tensors[in.Tensor].Elems() {
				samples[i] = append(samples[i], byte(r.Intn(levels)))
			}
		}
	}
	return testtool.NewCase(t, name, file, samples, mustRunner(t, p, Options{}).StepSample)
}

// TestSecondReader runs programs in the second reader, which knows FORMAT.md and no Go.
func TestSecondReader(t *testing.T) {
	reader := testtool.NewReader(t, "testdata/reader.py")
	r := rand.New(rand.NewSource(11))
	digits, err := os.ReadFile("testdata/digits.qlut")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Decode(digits)
	if err != nil {
		t.Fatal(err)
	}
	cases := []testtool.Case{readerCase(t, r, "digits", digits, p)}
	for _, g := range goldens {
		cases = append(cases, readerCase(t, r, g.name, mustEncode(t, g.make()), g.make()))
	}
	for _, centres := range [][]int32{evenCentres(-8, 7), {-30000, -100, -1, 0, 3, 700, 30001}} {
		for name, p := range map[string]*Program{
			"lenet": lenetProgram(r, 32, centres), "resnet": resnetProgram(r, 32, centres),
		} {
			cases = append(cases, readerCase(t, r, name, mustEncode(t, p), p))
		}
	}
	n := 200
	if testing.Short() {
		n = 50
	}
	for seed := range int64(n) {
		p := randomProgram(seed)
		cases = append(cases, readerCase(t, r, fmt.Sprint("random program ", seed), mustEncode(t, p), p))
	}
	reader.Compare(t, cases, "--stream")
}

// TestSecondReaderRefuses edits fields of programs, mends the checksums, and demands that the
// second reader accepts what Decode accepts, and then finds the same results. The environment
// variable QCONV_READER_EDITS sets another number of edits.
func TestSecondReaderRefuses(t *testing.T) {
	reader := testtool.NewReader(t, "testdata/reader.py")
	n := 600
	if testing.Short() {
		n = 200
	}
	if text := os.Getenv("QCONV_READER_EDITS"); text != "" {
		if _, err := fmt.Sscan(text, &n); err != nil {
			t.Fatal("QCONV_READER_EDITS: ", err)
		}
	}
	r := rand.New(rand.NewSource(12))
	e := newEditor(t, r)
	const batch = 500
	accepted := 0
	for done := 0; done < n; done += batch {
		var files [][]byte
		var edits []string
		for range min(batch, n-done) {
			file, edit := e.edit()
			files, edits = append(files, file), append(edits, edit)
		}
		var cases []testtool.Case
		for i, fault := range reader.Check(t, files) {
			p, err := Decode(files[i])
			if (err == nil) != (fault == "") {
				t.Errorf("%s: Decode says %v, the second reader %q", edits[i], err, fault)
			}
			if err == nil && fault == "" {
				accepted++
				if light(p) {
					cases = append(cases, readerCase(t, r, edits[i], files[i], p))
				}
			}
		}
		if len(cases) > 0 {
			reader.Compare(t, cases, "--stream")
		}
	}
	t.Logf("%d of %d edited files are valid", accepted, n)
	if accepted < n/20 || accepted > n*19/20 {
		t.Errorf("%d of %d edited files are valid, want a mixture", accepted, n)
	}
}

// light says whether a program runs in milliseconds.
func light(p *Program) bool {
	elems := 0
	for i := range p.Tensors {
		elems += p.Tensors[i].Elems()
	}
	return p.MACs() < 1e6 && elems < 1e5
}

// editor draws broken files.
type editor struct {
	r      *rand.Rand
	bases  []editorBase
	fields []string // of all bases, as bytes
}

type editorBase struct {
	chunks []chunkText
	fields []editorField
}

// editorField is a field of a payload and its meaning.
type editorField struct {
	chunk, from, to int
	meaning         string
}

func newEditor(t *testing.T, r *rand.Rand) *editor {
	t.Helper()
	e := &editor{r: r}
	files := [][]byte{mustEncode(t, tinyProgram())}
	for range 3 {
		files = append(files, mustEncode(t, allProgram()))
	}
	for seed := range int64(30) {
		files = append(files, mustEncode(t, randomProgram(seed)))
	}
	for _, file := range files {
		base := editorBase{chunks: split(t, file)}
		frames, err := readFrames(file)
		if err != nil {
			t.Fatal(err)
		}
		chunk := 0
		for line := range strings.Lines(mustDump(t, file)) {
			var from, to int
			if _, err := fmt.Sscanf(line, "%d-%d:", &from, &to); err != nil {
				t.Fatal(err)
			}
			for chunk < len(frames) && from >= frames[chunk].end {
				chunk++
			}
			_, meaning, _ := strings.Cut(line, "# ")
			if chunk < len(frames) && from >= frames[chunk].start && meaning != "" {
				start := frames[chunk].start
				base.fields = append(base.fields, editorField{chunk, from - start, to - start, strings.TrimSpace(meaning)})
				e.fields = append(e.fields, string(file[from:to]))
			}
		}
		e.bases = append(e.bases, base)
	}
	return e
}

// edit changes a field, rarely two, of a base and says what it did.
func (e *editor) edit() (file []byte, what string) {
	base := e.bases[e.r.Intn(len(e.bases))]
	chunks := append([]chunkText{}, base.chunks...)
	if e.r.Intn(40) == 0 {
		a, b := e.r.Intn(len(chunks)), e.r.Intn(len(chunks))
		switch e.r.Intn(4) {
		case 0:
			chunks[a], chunks[b] = chunks[b], chunks[a]
			what = fmt.Sprintf("chunks %d and %d exchanged", a, b)
		case 1:
			what = "chunk " + chunks[a].id + " left out"
			chunks = append(chunks[:a], chunks[a+1:]...)
		case 2:
			what = "chunk " + chunks[a].id + " of no bytes"
			chunks[a].payload = ""
		case 3:
			what = "chunk " + chunks[a].id + " of one 0"
			chunks[a].payload = "\x00"
		}
		return join(chunks), what
	}
	f := base.fields[e.r.Intn(len(base.fields))]
	for chunk := e.r.Intn(2 * len(chunks)); f.chunk != chunk && chunk < len(chunks) && chunks[chunk].payload != ""; {
		f = base.fields[e.r.Intn(len(base.fields))] // every other time all chunks are as likely
	}
	payload := chunks[f.chunk].payload
	old := payload[f.from:f.to]
	next := e.change(old)
	chunks[f.chunk].payload = payload[:f.from] + next + payload[f.to:]
	return join(chunks), fmt.Sprintf("%s: %x became %x", f.meaning, old, next)
}

// change draws another field in place of an old one.
func (e *editor) change(old string) string {
	b := []byte(old)
	at := 0
	if len(b) > 0 {
		at = e.r.Intn(len(b))
	}
	switch kind := e.r.Intn(8); {
	case kind == 0:
		return e.fields[e.r.Intn(len(e.fields))]
	case kind == 1:
		edges := []uint64{0, 1, 2, 3, 127, 128, 255, 256, 65535, 65536, 1 << 24, 1<<24 + 1, 1 << 25, 1<<31 - 1, 1 << 31, 1<<32 - 2, 1<<32 - 1, 1 << 32, 1<<33 - 1, 1<<35 - 1}
		return string(binary.AppendUvarint(nil, edges[e.r.Intn(len(edges))]))
	case kind == 2 && len(b) > 0:
		return string(append(append(append([]byte{}, b[:at]...), byte(e.r.Intn(256))), b[at:]...))
	case kind == 3 && len(b) > 1:
		return string(append(b[:at], b[at+1:]...))
	case kind == 4 && len(b) > 0:
		b[at] = byte(e.r.Intn(256))
	case kind == 5 && len(b) > 0:
		b[at] ^= 1 << e.r.Intn(8)
	case kind == 6 && len(b) > 0:
		b[at]++
	case len(b) > 0:
		b[at]--
	}
	return string(b)
}
