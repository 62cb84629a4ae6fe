package runtime

import (
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// brokenRule is a program that breaks one rule of FORMAT.md and has right checksums.
type brokenRule struct {
	says string // FORMAT.md, spaces and line ends alike
	file []byte
	want string // part of the error
}

// spoiler makes programs that break rules.
type spoiler struct {
	t     *testing.T
	files map[string][]byte
	list  []brokenRule
}

// bytes says that a file breaks a rule.
func (s *spoiler) bytes(says string, file []byte, want string) {
	s.list = append(s.list, brokenRule{says, file, want})
}

// field replaces the field with the given meaning, "tensor 0: channels", in program "all" or "tiny".
func (s *spoiler) field(says, base, meaning, by, want string) {
	s.t.Helper()
	s.bytes(says, s.withField(s.files[base], meaning, by), want)
}

func (s *spoiler) withField(file []byte, meaning, by string) []byte {
	s.t.Helper()
	frames, err := readFrames(file)
	if err != nil {
		s.t.Fatal(err)
	}
	from, to := -1, -1
	note := func(a, b int, m string) {
		if from < 0 && (m == meaning || strings.HasPrefix(m, meaning) && strings.ContainsAny(m[len(meaning):][:1], " ,:")) {
			from, to = a, b
		}
	}
	if _, err := decodeFrames(file, frames, decoding{limits: NoLimits.For(0), note: note}); err != nil || from < 0 {
		s.t.Fatalf("%s: not found, %v", meaning, err)
	}
	var list []chunkText
	for _, f := range frames {
		payload := string(file[f.start:f.end])
		if f.start <= from && to <= f.end {
			payload = string(file[f.start:from]) + by + string(file[to:f.end])
		}
		list = append(list, chunkText{f.id, payload})
	}
	return join(list)
}

// payload replaces the payload of a chunk of "all" or "tiny".
func (s *spoiler) payload(says, base, id, payload, want string) {
	list := split(s.t, s.files[base])
	for i := range list {
		if list[i].id == id {
			list[i].payload = payload
		}
	}
	s.bytes(says, join(list), want)
}

// chunks changes the list of chunks of "all".
func (s *spoiler) chunks(says string, change func(list []chunkText) []chunkText, want string) {
	s.bytes(says, join(change(split(s.t, s.files["all"]))), want)
}

// program changes program "all" and writes it as it is.
func (s *spoiler) program(says string, change func(p *Program), want string) {
	p := allProgram()
	change(p)
	s.bytes(says, encodeAnyway(p), want)
}

// head changes bytes of "tiny" outside the chunks.
func (s *spoiler) head(says string, at int, by, want string) {
	file := slices.Clone(s.files["tiny"])
	copy(file[at:], by)
	s.bytes(says, file, want)
}

// TestRules breaks every rule of FORMAT.md, one at a time.
func TestRules(t *testing.T) {
	s := &spoiler{t: t, files: map[string][]byte{"all": mustEncode(t, allProgram()), "tiny": mustEncode(t, tinyProgram()), "positions": mustEncode(t, positionsProgram()), "inputs": mustEncode(t, inputsProgram()), "products": mustEncode(t, productsProgram()), "factors": mustEncode(t, factorsProgram()), "loops": mustEncode(t, loopsProgram()), "stream": mustEncode(t, streamProgram())}}
	s.structure()
	s.fieldTypes()
	s.tensors()
	s.lists()
	s.ports()
	s.windows()
	s.linears()
	s.moves()
	s.argMaxes()
	s.factors()
	s.matMuls()
	s.order()
	s.streams()
	s.loops()
	s.weights()
	s.normalizations()
	s.rest()
	s.limits()
	doc, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	text := spaces(string(doc))
	for _, b := range s.list {
		if !strings.Contains(text, spaces(b.says)) {
			t.Errorf("FORMAT.md does not say %q", b.says)
		}
		if _, err := Decode(b.file); err == nil {
			t.Errorf("%s: accepted", b.says)
		} else if !strings.Contains(err.Error(), b.want) {
			t.Errorf("%s: error %q, want %q in it", b.says, err, b.want)
		}
	}
	s.covered(string(doc))
	t.Logf("rules: %d programs that break one each", len(s.list))
}

var blanks = regexp.MustCompile(`\s+`)

func spaces(s string) string { return blanks.ReplaceAllString(s, " ") }

// covered checks that every row of FORMAT.md with a range, and every limit, is broken by some program.
func (s *spoiler) covered(doc string) {
	_, doc, _ = strings.Cut(doc, "## Structure of a file")
	doc, _, _ = strings.Cut(doc, "## Worked example")
	ranged := -1 // column of the ranges in the current table
	for line := range strings.Lines(doc) {
		if !strings.HasPrefix(line, "|") {
			ranged = -1
			continue
		}
		cells := strings.Split(line, "|")
		for i, c := range cells {
			if c = strings.TrimSpace(c); c == "range" || c == "value" || c == "at most" {
				ranged = i
			}
		}
		if ranged < 0 || ranged >= len(cells) || strings.HasPrefix(line, "|---") {
			continue
		}
		// A uint8 cannot leave 0..255.
		if c := strings.TrimSpace(cells[ranged]); c == "" || c == "0..255" && strings.Contains(line, "uint8") || c == "range" || c == "value" || c == "at most" {
			continue
		}
		if !slices.ContainsFunc(s.list, func(b brokenRule) bool { return strings.Contains(spaces(line), spaces(b.says)) }) {
			s.t.Errorf("no program breaks %s", line)
		}
	}
}

func (s *spoiler) structure() {
	s.head("| 0 | 8 | magic |", 0, "\x88", "starts with 88")
	s.head("| 8 | 2 | version | uint16 | 1..3 |", 8, "\x00", "version 0, want 1..3")
	s.head("| 8 | 2 | version | uint16 | 1..3 |", 8, "\x04", "version 4, want 1..3")
	s.head("| 8 | 2 | version | uint16 | 1..3 |", 9, "\x01", "version 257, want 1..3")
	s.head("The version of a file is the least that knows its operations", 8, "\x02", "file of version 2, want version 1")
	s.bytes("Operation 6 takes version 2", joinAs(1, split(s.t, s.files["positions"])), "file of version 1, want version 2")
	s.bytes("operations 7 and 8 version 3", joinAs(2, split(s.t, s.files["factors"])), "file of version 2, want version 3")
	s.bytes("operations 7 and 8 version 3", joinAs(2, split(s.t, s.files["products"])), "file of version 2, want version 3")
	s.head("| 0 | 4 | id | bytes | ASCII letters |", 10, "T1SR", "want four letters")
	s.head("| 4 | 4 | length | uint32 | 0 .. rest of the file - 4 |", 14, "\xff\xff\xff\x7f", "bytes remain")
	s.head("CRC-32C of id, length and payload", 38, "\x00", "the checksum is")
	skip := chunkText{"note", "x"}
	s.chunks("ids that start with a **capital** must be understood", func(l []chunkText) []chunkText {
		return slices.Insert(l, 1, chunkText{"Note", ""})
	}, "must not be skipped")
	s.chunks("The last chunk is `DONE`", func(l []chunkText) []chunkText { return l[:len(l)-1] }, "the end chunk")
	s.chunks("with no payload", func(l []chunkText) []chunkText { return append(l[:len(l)-1], chunkText{endID, "x"}) }, "holds 1 bytes, want 0")
	s.chunks("nothing may follow it", func(l []chunkText) []chunkText { return append(l, skip) }, "follow the end chunk")
	for i, id := range []string{"TNSR", "BOOK", "STEP", "PORT", "CODE", "BIAS", "WGTS"} {
		s.chunks("| `"+id+"` |", func(l []chunkText) []chunkText { return slices.Delete(l, i, i+1) }, "")
	}
	for i := range 9 {
		s.chunks("The known chunks stand in this order", func(l []chunkText) []chunkText {
			l[i], l[i+1] = l[i+1], l[i]
			return l
		}, "")
		s.chunks("each at most once", func(l []chunkText) []chunkText { return slices.Insert(l, i, l[i]) }, "")
		s.chunks("A payload must be used up exactly by its fields", func(l []chunkText) []chunkText {
			l[i].payload += "\x00"
			return l
		}, "left over, want 0")
		s.chunks("A payload must be used up exactly by its fields", func(l []chunkText) []chunkText {
			l[i].payload = l[i].payload[:len(l[i].payload)-1]
			return l
		}, "")
	}
}

func (s *spoiler) fieldTypes() {
	s.field("At most 5 bytes", "all", "tensor 0: channels", "\x83\x80\x80\x80\x80\x00", "more than 5 bytes")
	s.field("a last byte 0 is wrong unless it is the only one", "all", "tensor 0: channels", "\x83\x00", "needless last byte")
	s.field("a last byte 0 is wrong unless it is the only one", "all", "tensor 0: exponent of the scale", "\xc7\x00", "needless last byte")
	s.program("| string | uvarint length in bytes (0..1024)", func(p *Program) { p.Outputs[0].Name = strings.Repeat("x", 1025) }, "want 0..1024")
	s.program("| string | uvarint length in bytes (0..1024)", func(p *Program) { p.Labels[0] = strings.Repeat("x", 1025) }, "want 0..1024")
	s.program("then that much valid UTF-8", func(p *Program) { p.Outputs[0].Name = "\xc3" }, "not valid UTF-8")
	s.program("then that much valid UTF-8", func(p *Program) { p.Labels[0] = "\xed\xa0\x80" }, "not valid UTF-8")
	s.program("then that much valid UTF-8", func(p *Program) { p.Producer = "\xff" }, "not valid UTF-8")
	s.field("then that much valid UTF-8", "all", "label 2: length of text", "\x7f", "bytes remain")
	s.field("each at least 1", "all", "codebook 0: differences of centres", "\x00\x00", "want 1..4294967295")
	s.field("each at least 1", "all", "codebook 1: differences of centres", "\x21\x98\xd3\x03\xc6\x01\x00\x06\xf2\x0a\xea\xc9\x03", "want 1..4294967295")
	s.field("each at least 1", "all", "step function 1: differences of breaks", "\x0a\x01\x62\x6b\x00\x00\xf8", "want 1..4294967295")
	s.field("| 1 | width | uint8 | 0..33 |", "all", "codebook 0: differences of centres", "\x22\x02", "width byte 34, want 0..33")
	s.field("| 1 | width | uint8 | 0..33 |", "all", "biases of instruction 3: list", "\xff\x00", "width byte 255, want 0..33")
	s.field("Bits that fill up a last byte are 0", "all", "step function 0: differences of breaks", "\x02\x4e\x88\x88\x88\x88\x88\x88\x88\x88", "fill up the last byte")
	s.field("| 1 | form | uint8 | 0..2 | |", "all", "step function 0: values", "\x03", "form 3, want 0..2")
	s.field("| 1 | form | uint8 | 0..2 | |", "all", "input, table 0: form of entries", "\x03", "form 3, want 0..2")
	s.payload("(n <= 256)", "all", "STEP", "\x01"+varint(256)+"\x00\x00\x02\x00", "257 entries, want at most 256")
	s.field("| | differences | list of n-1 | -255..255 |", "all", "input, table 0: differences of entries", "\x00\x81\x04", "want -255..255")
	s.field("| | differences | list of n-1 | -255..255 |", "all", "input, table 0: differences of entries", "\x00\x82\x04", "want -255..255")
	s.field("n numbers 0..255", "all", "input, table 0: differences of entries", "\x00\x04", "is 256, want 0..255")
	s.field("n numbers 0..255", "all", "input, table 0: differences of entries", "\x00\x01", "is -1, want 0..255")
}

func (s *spoiler) tensors() {
	s.payload("uvarint number of tensors (1..65536)", "all", "TNSR", "\x00", "0 tensors, want 1..65536")
	s.payload("uvarint number of tensors (1..65536)", "all", "TNSR", varint(65537)+strings.Repeat("\x00", 8*65537), "want 0..65536")
	for d, name := range dimNames {
		says := "| 1..4 | " + name + " | uvarint | 1..2^24 |"
		s.field(says, "all", "tensor 3: "+name, "\x00", "has 0 "+name)
		s.field(says, "all", "tensor 3: "+name, varint(1<<24+1), "want 0..16777216")
		s.program("the product of the three is at most 2^24", func(p *Program) {
			p.Tensors[8].Shape = [3]int{1 << 12, 1 << 12, 1 << 12}
			p.Tensors[8].Shape[d] = 2
		}, "want at most 16777216 elements")
	}
	s.field("| 1 | zero level | uint8 | 0..last level |", "all", "tensor 0: zero level", "\x20", "zero level 32, want 0..31")
	s.field("| 4 | mantissa | uint32 | 0 or top bit set |", "all", "tensor 0: mantissa of the scale", "\x42\x08\x21\x04", "top bit of the mantissa")
	s.field("| 1..2 | exponent | varint | -1200..1200 |", "all", "tensor 0: exponent of the scale", varint(2402), "want -1200..1200")
	s.field("| 1..2 | exponent | varint | -1200..1200 |", "all", "tensor 0: exponent of the scale", varint(2401), "want -1200..1200")
	s.program("Only outputs and what an ArgMax reads may hold accumulators", func(p *Program) { p.Outputs, p.SelfTests = p.Outputs[1:], nil }, "is not an output")
	s.program("no other instruction reads them", func(p *Program) {
		p.Tensors = append(p.Tensors, Tensor{Shape: [3]int{10, 1, 1}, Levels: 4})
		p.Instrs = append(p.Instrs, &Copy{Out: 9, Pieces: []Piece{{In: 7, Dims: [6]int{1, 1, 1, 1, 1, 1}}}})
	}, "which holds accumulators, want levels")
}

func (s *spoiler) lists() {
	s.payload("uvarint number of codebooks (0..65536)", "all", "BOOK", varint(65537)+strings.Repeat("\x01", 2*65537), "want 0..65536")
	s.field("| 1..3 | number of centres | uvarint | 1..65536 |", "all", "codebooks: number", "\x04\x00", "codebook 0 has 0 centres")
	s.field("| 1..3 | number of centres | uvarint | 1..65536 |", "all", "codebook 0: number of centres", varint(65537), "want 0..65536")
	s.field("| | centres | ascending list | int32 |", "all", "codebook 2: first of centres", varint(1<<32), "want -2147483648..2147483647")
	s.field("| | centres | ascending list | int32 |", "all", "codebook 0: first of centres", varint(math.MaxUint32-1), "want at most 2147483647")
	s.payload("uvarint number of step functions (0..2^20)", "all", "STEP", varint(1<<20+1)+strings.Repeat("\x00", 2<<20+2), "want 0..1048576")
	s.field("| 1..3 | number of breaks n | uvarint | 0..65535 |", "all", "step function 0: number of breaks", varint(65536), "want 0..65535")
	s.field("| | breaks | ascending list of n | int32 |", "all", "step function 4: first of breaks", varint(1<<32+1), "want -2147483648..2147483647")
	s.field("| | breaks | ascending list of n | int32 |", "all", "step function 4: differences of breaks", "\x21"+varint(1<<33), "want 1..4294967295")
	s.field("| | breaks | ascending list of n | int32 |", "all", "step function 4: first of breaks", "\x01", "want at most 2147483647")
	s.program("| | values | table of n + 1 | 0..255 |", func(p *Program) { p.Steps[1].Values = p.Steps[1].Values[:5] }, "")
}

func (s *spoiler) ports() {
	s.field("| 1..3 | input | uvarint | a tensor with levels |", "all", "input: tensor", "\x09", "tensor 9, want 0..8")
	s.field("| 1..3 | input | uvarint | a tensor with levels |", "all", "input: tensor", "\x07", "")
	s.field("| 1..3 | input | uvarint | a tensor with levels |", "tiny", "input: tensor", "\x01", "holds accumulators, want levels")
	s.field("2 and 4 exclude one another, all other bits are 0", "all", "input: flags", "\x07", "flags 7")
	s.field("2 and 4 exclude one another, all other bits are 0", "all", "input: flags", "\x0d", "flags 13")
	s.field("| | input tables | tables of 256 | below the levels of the input |", "all", "input, table 0: first of entries", "\x01", "holds level 32, want 0..31")
	s.payload("| 1..2 | number of outputs | uvarint | 1..256 |", "tiny", "PORT", "\x00\x00\x00", "0 outputs, want 1..256")
	s.payload("| 1..2 | number of outputs | uvarint | 1..256 |", "tiny", "PORT", "\x00\x00"+varint(257)+strings.Repeat("\x01\x00", 257), "want 0..256")
	s.payload("| 1.. | first name | string |", "inputs", "INPS", "\x02a", "1 bytes remain")
	s.payload("| 1..2 | number | uvarint | 0..255 | of inputs", "inputs", "INPS", "\x01a"+varint(256)+strings.Repeat("\x01\x00\x00", 256), "want 0..255")
	s.payload("| | inputs | | | each a tensor, flags and input tables as in PORT, and a name (string) |", "inputs", "INPS", "\x01a\x01\x07\x00\x01b", "tensor 7, want 0..2")
	s.payload("| | inputs | | | each a tensor, flags and input tables as in PORT, and a name (string) |", "inputs", "INPS", "\x01a\x01\x01\x08\x01b", "flags 8")
	s.payload("Every input is another tensor", "inputs", "INPS", "\x01a\x01\x00\x00\x01b", "which is an input already")
	s.payload("and has another name", "inputs", "INPS", "\x01a\x01\x01\x00\x01a", "inputs have the same name")
	s.chunks("Without further inputs the first has no name", func(list []chunkText) []chunkText {
		at := slices.IndexFunc(list, func(c chunkText) bool { return c.id == "CODE" })
		return slices.Insert(list, at, chunkText{id: "INPS", payload: "\x01a\x00"})
	}, "want none")
	s.field("| | outputs | | | each a tensor (uvarint) and a name (string) |", "all", "output 1: tensor", "\x09", "tensor 9, want 0..8")
}

func (s *spoiler) windows() {
	const term, pool = "instruction 6, term 0: ", "instruction 1: "
	rule := map[string]string{
		"kernel": "| 2..8 | kernel | 2 uvarints | 1..2^24 |", "stride": "| | stride | 2 uvarints | 1..2^24 |",
		"dilation": "| | dilation | 2 uvarints | 1..2^24 |", "up": "| | up | 2 uvarints | 1..2^24 |",
	}
	for name, says := range rule {
		for _, axis := range []string{"rows", "columns"} {
			at := term
			if name == "stride" {
				at = pool
			}
			s.field(says, "all", at+name+", "+axis, "\x00", name+" is 0 along "+axis)
			s.field(says, "all", at+name+", "+axis, varint(1<<24+1), "want 0..16777216")
		}
	}
	s.field("| 1 | flags | uint8 | 0..15; 0..7 for a MaxPool |", "all", term+"window flags", "\x1e", "window flags 30, want 0..15")
	s.field("| 1 | flags | uint8 | 0..15; 0..7 for a MaxPool |", "all", pool+"padding to the left", "\x00\x01\x01", "")
	s.bytes("0..7 for a MaxPool", s.withField(s.withField(s.files["all"], pool+"padding to the left", "\x00"), pool+"window flags", "\x0d"), "window flags 13, want 0..7")
	for _, side := range []string{"padding above", "padding to the left"} {
		s.field("| | pad | 2 varints | -2^24..2^24 |", "all", term+side, varint(2<<24+2), "want -16777216..16777216")
		s.field("| | pad | 2 varints | -2^24..2^24 |", "all", term+side, varint(2<<24+1), "want -16777216..16777216")
	}
}

func (s *spoiler) linears() {
	linear := func(p *Program, i int) *Linear { return p.Instrs[i].(*Linear) }
	s.field("| | output | uvarint | a tensor |", "all", "instruction 0: output", "\x09", "output 9, want 0..8")
	s.field("| 1 | form | uint8 | 0..2 | 0: no step function", "all", "instruction 0: form of the step functions", "\x03", "want 0..2")
	s.program("The form is 0 if and only if the output holds accumulators", func(p *Program) { linear(p, 0).Steps = nil }, "0 step functions, want 1 or 4")
	s.program("The form is 0 if and only if the output holds accumulators", func(p *Program) { linear(p, 7).Steps = []int{0} }, "want 0 because tensor 7")
	s.program("| | step function | uvarint |", func(p *Program) { linear(p, 3).Steps[0] = 5 }, "step function 5")
	s.program("| | differences | list of channels - 1 |", func(p *Program) { linear(p, 0).Steps[2] = 5 }, "step function 5")
	s.field("| | differences | list of channels - 1 |", "all", "instruction 0: differences of the step functions", "\x00\x01", "is -1, want 0..")
	s.program("No value of a step function exceeds the last level of the output", func(p *Program) { linear(p, 0).Steps[2] = 3 }, "delivers level 128, want 0..31")
	s.field("| 1..2 | number of terms | uvarint | 1..4096 |", "all", "instruction 0: number of terms", "\x00", "")
	s.payload("| 1..2 | number of terms | uvarint | 1..4096 |", "tiny", "CODE", "\x01\x01\x01\x00\x00", "0 terms, want 1..4096")
	s.payload("| 1..2 | number of terms | uvarint | 1..4096 |", "tiny", "CODE", "\x01\x01\x01\x00"+varint(4097)+strings.Repeat("\x00\x00\x01\x02\x02\x00", 4097), "want 0..4096")
	s.field("each: input (uvarint, a tensor), codebook (uvarint), groups (uvarint), window", "all", "instruction 0, term 0: input", "\x09", "input 9, want 0..8")
	s.program("each: input (uvarint, a tensor), codebook (uvarint), groups (uvarint), window", func(p *Program) { linear(p, 6).Terms[1].Codebook = 3 }, "codebook 3, want 0..2")
	s.program("Groups divide the channels of input and output", func(p *Program) { linear(p, 0).Terms[0].Groups = 2 }, "do not divide")
	s.program("Groups divide the channels of input and output", func(p *Program) { linear(p, 0).Terms[0].Groups = 3 }, "do not divide")
	s.program("Groups divide the channels of input and output", func(p *Program) { linear(p, 0).Terms[0].Groups = 0 }, "0 groups")
	s.program("must both be int32", func(p *Program) { linear(p, 0).Bias[3] = math.MaxInt32 - 100 }, "the accumulator of channel 3")
	s.program("must both be int32", func(p *Program) { linear(p, 0).Bias[3] = math.MinInt32 + 100 }, "the accumulator of channel 3")
	s.field("a list of int32, one entry for each channel of its output", "all", "biases of instruction 3: list", "\x00"+varint(1<<32), "want -2147483648..2147483647")
}

func (s *spoiler) moves() {
	pool := func(p *Program) *MaxPool { return p.Instrs[1].(*MaxPool) }
	mapping := func(p *Program) *Map { return p.Instrs[2].(*Map) }
	map2 := func(p *Program) *Map2 { return p.Instrs[4].(*Map2) }
	copying := func(p *Program) *Copy { return p.Instrs[5].(*Copy) }
	s.program("Both have the same channels", func(p *Program) { pool(p).In = 0 }, "4 output channels, want 3")
	s.program("the input at most the levels of the output", func(p *Program) {
		p.Tensors[2].Levels = 31
		for k, t := range mapping(p).Tables {
			mapping(p).Tables[k] = t[:31]
		}
	}, "input with 32 levels, want at most 31")
	for _, spoil := range []func(m *MaxPool){
		func(m *MaxPool) { m.Stride[0] = 3 }, func(m *MaxPool) { m.Pad[0] = 3 }, func(m *MaxPool) { m.Pad[1] = -8 },
		func(m *MaxPool) { m.Kernel[1], m.Dilation[1], m.Pad[1] = 2, 20, 1 },
	} {
		s.program("Every window has at least one position inside the input", func(p *Program) { spoil(pool(p)) }, "lies outside the input")
	}
	s.program("Output and input have the same shape", func(p *Program) { p.Tensors[3].Shape = [3]int{4, 2, 8} }, "output shape")
	s.program("There is one table, or one for each channel", func(p *Program) { mapping(p).Tables = mapping(p).Tables[:3] }, "3 tables, want 1 or 4")
	s.program("There is one table, or one for each channel", func(p *Program) { mapping(p).Tables = nil }, "0 tables, want 1 or 4")
	s.program("No entry exceeds the last level of the output", func(p *Program) { mapping(p).Tables[0][3] = 32 }, "table 0 holds level 32")
	s.program("none above the last level of the output", func(p *Program) { map2(p).Table[17] = 32 }, "the table holds level 32")
	s.program("The output has the shape of a", func(p *Program) { map2(p).Out, p.Tensors[5].Shape = 5, [3]int{4, 2, 8} }, "output shape")
	for d := range 3 {
		s.program("Along each dimension b has the size of a, or 1", func(p *Program) { p.Tensors[4].Shape[d] = 2 }, "")
	}
	s.program("Along each dimension b has the size of a, or 1", func(p *Program) {
		p.Tensors[3].Shape = [3]int{4, 1, 16}
		map2(p).B = 2
	}, "")
	s.program("fill (uint8, a level of the output)", func(p *Program) { copying(p).Fill = 32 }, "fill with level 32")
	s.payload("number of pieces (uvarint, 0..65536)", "all", "CODE", "\x01\x05\x08\x00"+varint(65537)+strings.Repeat("\x05\x00\x00\x00", 65537), "want 0..65536")
	s.field("| | input | uvarint | a tensor | with at most the levels of the output |", "all", "instruction 5, piece 0: input", "\x09", "input 9, want 0..8")
	s.program("with at most the levels of the output", func(p *Program) { p.Tensors[8].Levels = 31; copying(p).Fill = 0 }, "input with 32 levels, want at most 31")
	s.program("| | output start | uvarint | | position of an element |", func(p *Program) { copying(p).Pieces[0].OutStart = 128 }, "output starts at element 128")
	s.program("| | input start | uvarint | | position of an element |", func(p *Program) { copying(p).Pieces[0].InStart = 64 }, "input starts at element 64")
	s.field("| 1 | dimensions | uint8 | 0..6 | |", "all", "instruction 5, piece 0: dimensions", "\x07", "7 dimensions, want 0..6")
	size := "size (uvarint, 1..2^24), output stride (varint), input stride (varint), both in -2^24..2^24"
	s.field(size, "all", "instruction 5, piece 0: size", "\x00", "size 0 in dimension 0")
	s.field(size, "all", "instruction 5, piece 0: size", varint(1<<24+1), "want 0..16777216")
	for _, side := range []string{"output", "input"} {
		s.field(size, "all", "instruction 5, piece 0: "+side+" stride", varint(2<<24+2), "want -16777216..16777216")
		s.field(size, "all", "instruction 5, piece 0: "+side+" stride", varint(2<<24+1), "want -16777216..16777216")
	}
	inside := "Every position that a piece reads or writes is inside its tensor"
	s.program(inside, func(p *Program) { copying(p).Pieces[0].OutStride[0] = 3 }, "covers output elements 0..189")
	s.program(inside, func(p *Program) { copying(p).Pieces[0].InStride[0] = 2 }, "covers input elements 0..126")
	s.program(inside, func(p *Program) { copying(p).Pieces[0].OutStride[0] = -1 }, "covers output elements -63..0")
	s.program(inside, func(p *Program) { copying(p).Pieces[1].InStart = 2 }, "covers input elements -1..")
	s.program("All pieces together write no more elements than the output has", func(p *Program) {
		copying(p).Pieces = append(copying(p).Pieces, copying(p).Pieces[0])
	}, "move 160 elements, want at most 128")
	apart := "each abs(output stride) is larger than the sum of (size - 1) * abs(output stride) over the dimensions before it"
	for _, q := range []Piece{
		{Dims: [6]int{2, 1, 1, 1, 1, 1}, InStride: [6]int{1}},
		{Dims: [6]int{4, 4, 1, 1, 1, 1}, OutStride: [6]int{3, 1}},
		{Dims: [6]int{4, 4, 1, 1, 1, 1}, OutStride: [6]int{1, 1}},
		{Dims: [6]int{4, 4, 1, 1, 1, 1}, OutStart: 32, OutStride: [6]int{1, -3}},
		{Dims: [6]int{2, 2, 2, 1, 1, 1}, OutStride: [6]int{3, 2, 1}},
	} {
		q.In = 5
		s.program(apart, func(p *Program) { copying(p).Pieces = []Piece{q} }, "the piece overlaps itself")
	}
}

// factors breaks products that stand for the table of a Map2.
func (s *spoiler) factors() {
	s.field("| | output, input a, input b | uvarints | | as those of a Map2 |", "factors", "instruction 0: input b", "\x09", "want 0..2")
	s.field("| 1 | shift | uint8 | 0..63 |", "factors", "instruction 0: shift", "\x40", "shift 64, want 0..63")
	s.field("| 1..2 | other entries n | uvarint | 0..255 |", "factors", "instruction 0: number of other entries", "\x80\x02", "256, want 0..255")
	s.field("| | positions | ascending list of n | 0 .. levels(a) * levels(b) - 1 |", "factors", "instruction 0: first of positions", "\x01", "at -1, want 0..543")
	s.field("| | positions | ascending list of n | 0 .. levels(a) * levels(b) - 1 |", "factors", "instruction 0: first of positions", "\x90\x03", "at 660, want 0..543")
	s.program("none above the last level of the output", func(p *Program) {
		*p = *factorsProgram()
		p.Instrs[0].(*Map2).Table[40] = 200
	}, "holds level 200, want 0..199")
}

func (s *spoiler) argMaxes() {
	argMax := func(says string, change func(p *Program, i *ArgMax), want string) {
		p := positionsProgram()
		p.SelfTests = nil
		change(p, p.Instrs[2].(*ArgMax))
		s.bytes(says, encodeAnyway(p), want)
	}
	length, inner := "| 1..4 | length | uvarint | 1..2^24 |", "| 1..4 | inner | uvarint | 1..2^24 |"
	argMax(length, func(_ *Program, i *ArgMax) { i.Length = 0 }, "length is 0, want 1..16777216")
	argMax(length, func(_ *Program, i *ArgMax) { i.Length = 1<<24 + 1 }, "want 0..16777216")
	argMax(inner, func(_ *Program, i *ArgMax) { i.Inner = 0 }, "inner is 0, want 1..16777216")
	argMax(inner, func(_ *Program, i *ArgMax) { i.Inner = 1<<24 + 1 }, "want 0..16777216")
	s.field("| 1 | flags | uint8 | 0..3 | 1: of equal elements the last counts", "positions", "instruction 2: flags", "\x04", "flags 4, want 0..3")
	argMax("length * inner divides the elements of the input", func(_ *Program, i *ArgMax) { i.Inner = 4 }, "blocks of 16 elements do not divide the 24 elements")
	argMax("The output has one element for each line", func(_ *Program, i *ArgMax) { i.Length = 2 }, "output of 6 elements, want 12")
	argMax("The output is a tensor of accumulators", func(p *Program, _ *ArgMax) { p.Tensors[3].Levels = 4 }, "holds levels, want int32")
	argMax("and before any instruction reads it", func(_ *Program, i *ArgMax) { i.In = 3 }, "not written yet")
}

func (s *spoiler) matMuls() {
	matMul := func(says string, change func(p *Program, i *MatMul), want string) {
		p := productsProgram()
		p.SelfTests = nil
		change(p, p.Instrs[0].(*MatMul))
		s.bytes(says, encodeAnyway(p), want)
	}
	shapes := "With a of C channels, Y rows and K columns, b has C channels, K rows and X columns"
	matMul(shapes, func(p *Program, _ *MatMul) { p.Tensors[1].Shape = [3]int{2, 4, 3} }, "input b of shape [2 4 3], want [2 5 3]")
	matMul(shapes, func(p *Program, _ *MatMul) { p.Tensors[1].Shape = [3]int{1, 5, 3} }, "input b of shape [1 5 3], want [2 5 3]")
	matMul("and the output C channels, Y rows and X columns", func(p *Program, _ *MatMul) { p.Tensors[2].Shape = [3]int{2, 4, 4} }, "output shape [2 4 4], want [2 4 3]")
	matMul("the step functions as those of a Linear", func(_ *Program, i *MatMul) { i.Steps = nil }, "0 step functions, want 1 or 2")
	matMul("the step functions as those of a Linear", func(_ *Program, i *MatMul) { i.Steps[1] = 9 }, "step function 9 for channel 1")
	matMul("input a, input b (uvarints, tensors with levels)", func(_ *Program, i *MatMul) { i.A = 3 }, "reads tensor 3")
	matMul("the four products of an end of a's range", func(p *Program, i *MatMul) {
		p.Tensors[0] = Tensor{Shape: [3]int{1, 1, 1 << 16}, Levels: 256}
		p.Tensors[1] = Tensor{Shape: [3]int{1, 1 << 16, 1}, Levels: 256}
		p.Tensors[2].Shape, i.Steps = [3]int{1, 1, 1}, i.Steps[:1]
	}, "the accumulators may take 0..4261478400")
}

func (s *spoiler) order() {
	s.payload("uvarint number of instructions (0..65536)", "all", "CODE", varint(65537)+strings.Repeat("\x05\x08\x00\x00", 65537), "want 0..65536")
	for _, op := range []string{"\x00", "\x09", "\xff"} {
		s.field("uint8 operation", "all", "instruction 4: operation", op, "want 1..8")
	}
	s.program("each other tensor is written by exactly one instruction", func(p *Program) { p.Instrs[1].(*MaxPool).Out = 1 }, "")
	s.program("The input tensors and the to of every state are written before the first", func(p *Program) { p.Instrs[1].(*MaxPool).Out = 0 }, "which is written already")
	s.program("before any instruction reads it", func(p *Program) { p.Instrs[1], p.Instrs[2] = p.Instrs[2], p.Instrs[1] }, "which is not written yet")
	s.program("before any instruction reads it", func(p *Program) { p.Instrs[1].(*MaxPool).In = 2 }, "which is not written yet")
	s.payload("No instruction but Linear, ArgMax and MatMul writes a tensor of accumulators", "tiny", "CODE", "\x01\x02\x01\x00\x02\x02\x00", "want levels")
	s.program("No tensor is left unwritten", func(p *Program) {
		p.Tensors = append(p.Tensors, Tensor{Shape: [3]int{1, 1, 1}, Levels: 2})
	}, "tensor 9 is never written")
}

func (s *spoiler) weights() {
	const plain, single, tans = "weights of instruction 6, term 1", "weights of instruction 3, term 0", "weights of instruction 0, term 0"
	s.field("| 1 | coding | uint8 | 0..2 |", "all", plain+": coding", "\x03", "coding 3, want 0..2")
	s.field("| length | data | bytes |", "all", plain+": length", varint(1000), "bytes remain")
	w := func(by string) func(p *Program) {
		return func(p *Program) { p.Instrs[0].(*Linear).Terms[0].Weights.data = []byte(by) }
	}
	code := func(i, k int, change func(w *Weights)) func(p *Program) {
		return func(p *Program) { change(&p.Instrs[i].(*Linear).Terms[k].Weights) }
	}
	s.program("the index in one byte, or in two (uint16) if it exceeds 255", code(3, 0, func(w *Weights) { w.data = nil }), "a single index in 0 bytes")
	s.program("the index in one byte, or in two (uint16) if it exceeds 255", code(3, 0, func(w *Weights) { w.data = []byte{0, 0} }), "a single index in 2 bytes")
	s.program("the index in one byte, or in two (uint16) if it exceeds 255", code(3, 0, func(w *Weights) { w.data = []byte{0, 1, 0} }), "a single index in 3 bytes")
	s.program("each in 0..size-1", code(3, 0, func(w *Weights) { w.data = []byte{1} }), "index 1, want 0..0")
	s.program("each in 0..size-1", code(6, 0, func(w *Weights) { w.kind, w.data = 1, []byte(strings.Repeat("\xff", 72)) }), "index 7, want 0..6")
	s.program("(count * w + 7) / 8 bytes", code(6, 1, func(w *Weights) { w.data = append(w.data, 0) }), "in 5 bytes, want 4")
	s.program("(count * w + 7) / 8 bytes", code(6, 1, func(w *Weights) { w.data = w.data[:3] }), "in 3 bytes, want 4")
	p := tinyProgram()
	l := p.Instrs[0].(*Linear)
	p.Tensors[0].Shape, p.Inputs[0].Tables, p.SelfTests, l.Terms[0].Kernel = [3]int{1, 3, 1}, nil, nil, [2]int{3, 1}
	l.Terms[0].Weights = PackWeights([]uint16{0, 1, 2, 2, 1, 0}, 3)
	l.Terms[0].Weights.data[1] |= 0x80
	s.bytes("Bits that fill up a last byte are 0", encodeAnyway(p), "fill up the last byte")

	data := string(allProgram().Instrs[0].(*Linear).Terms[0].Weights.data)
	s.program("| 4 | L | log2 of the number of states, 5..14", w("\xd4"+data[1:]), "2^4 states for 108 indices, want 2^5..2^6")
	s.program("with 2^L <= max(64, count)", w("\xd7"+data[1:]), "2^7 states for 108 indices, want 2^5..2^6")
	s.program("5..14", w("\xdf"+data[1:]), "2^15 states")
	s.program("(wrong if low > 24)", w("\x05"+strings.Repeat("\x00", 8)), "number of the frequency table is too large")
	s.program("(wrong if f < 0, f > left or s >= size)", w("\x25\x00\x02\x00\x00\x00"), "")
	s.program("no more than the zeros that fill up the last byte may be left", w(data+"\x00"), "left over")
	s.program("the bits that the decoder asks for", w(data[:len(data)-1]), "end early")
	s.program("the bits that the decoder asks for", w(""), "end early")
	s.bits()
}

// bits breaks the rules of tANS bit by bit: 40 indices below 6 with the frequencies of the example in FORMAT.md.
func (s *spoiler) bits() {
	spoil := func(says string, size int, data string, want string) {
		p := tinyProgram()
		p.SelfTests = nil
		p.Tensors[0].Shape = [3]int{20, 1, 1}
		p.Codebooks[0].Centres = evenCentres(0, int32(size-1))
		t := &p.Instrs[0].(*Linear).Terms[0]
		t.Kernel, t.Weights = [2]int{1, 1}, Weights{count: 40, size: size, kind: 2, data: []byte(data)}
		s.bytes(says, encodeAnyway(p), want)
	}
	const good = "\x05\x46\xde\xfd\x2f\x4e\x42\xfe\x48\x4c\x03"
	spoil("Each index gets as many of the states", 5, good[:10]+"\x83", "fill up the last byte")
	spoil("an index with frequency 0 does not occur", 4, good, "more entries than there are centres")
	spoil("or s >= size", 2, good, "more entries than there are centres")
	spoil("At the end x must be 0", 6, good[:9]+"\x4c\x02", "does not end in state 0")
	spoil("no more than the zeros that fill up the last byte may be left", 6, good+"\x00", "left over")
	spoil("5..14, with 2^L <= max(64, count)", 6, "\x47"+good[1:], "2^7 states for 40 indices")
	spoil("more zeros follow; (wrong if s > size)", 6, zerosBeyond(), "more entries than there are centres")
}

func (s *spoiler) normalizations() {
	norm := func(says string, change func(list []Normalization), want string) {
		p := positionsProgram()
		change(p.Normalizations)
		s.bytes(says, encodeAnyway(p), want)
	}
	order := "ascending, and each a position of an output"
	norm(order, func(list []Normalization) { list[1].Output = 4 }, "is of output 4, want 3..3")
	norm(order, func(list []Normalization) { list[1].Output = 2 }, "is of output 2, want 3..3")
	s.field("| 1 | function | uint8 | 0..1 |", "positions", "normalization 0: function", "\x02", "function 2, want 0..1")
	s.field("| 1 | dimensions | uvarint | 0..16 |", "positions", "normalization 0: dimensions", "\x11", "want 0..16")
	sizes := "| | sizes | uvarints | 1..2^24 |"
	norm(sizes, func(list []Normalization) { list[0].Shape[1] = 0 }, "size 0 in dimension 1")
	norm(sizes, func(list []Normalization) { list[0].Shape[0] = 1<<24 + 1 }, "want 0..16777216")
	norm("together as many elements as the output", func(list []Normalization) { list[0].Shape[1] = 6 }, "want one of 40 elements")
	line := "length * inner divides the elements of the output"
	for _, v := range []int{0, 3, 1<<24 + 1} {
		norm(line, func(list []Normalization) { list[0].Length = v }, "")
		norm(line, func(list []Normalization) { list[0].Inner = v }, "")
	}
}

func (s *spoiler) rest() {
	shifts := "list of C shifts, each in -64..64, C the channels of the input"
	s.payload(shifts, "all", "shft", "", "0 remain")
	s.field(shifts, "all", "input: shifts", "\x00"+varint(130), "want -64..64")
	s.payload("string: which features of sound enter", "all", "feat", "\x05mfcc", "4 bytes remain")
	s.payload("uvarint number (0..65536), then strings", "all", "labl", varint(65537)+strings.Repeat("\x00", 65537), "want 0..65536")
	s.payload("| 32 | source | bytes |", "tiny", "prov", strings.Repeat("x", 31), "31 remain")
	s.payload("| | producer | string |", "tiny", "prov", strings.Repeat("x", 32), "0 remain")
	s.payload("uvarint number (0..1024)", "tiny", "test", varint(1025)+strings.Repeat("\x00", 6*1025), "want 0..1024")
	s.payload("| 4 | seed | uint32 |", "tiny", "test", "\x01\x01\x00\x00", "")
	results := "for each output, a list of its elements: accumulators or levels"
	s.field(results, "all", "self-test 0, output 1: elements", "\x00"+varint(512), "is 256, want 0..255")
	s.field(results, "all", "self-test 0, output 1: elements", "\x00\x01", "is -1, want 0..255")
	s.field(results, "tiny", "self-test 0, output 0: elements", "\x00"+varint(1<<32), "want -2147483648..2147483647")
}

func (s *spoiler) limits() {
	s.program("| elements of a tensor | 2^24 |", func(p *Program) { p.Tensors[8].Shape = [3]int{8, 1 << 12, 1 << 12} }, "want at most 16777216 elements")
	total := "| elements of all tensors; elements of all outputs (a tensor that is several counts several times) | 2^26 each |"
	s.program(total, func(p *Program) {
		for i := range 5 {
			p.Tensors[i].Shape = [3]int{1 << 24, 1, 1}
		}
	}, "elements together, want at most 67108864")
	wide := "\x02\x01\x01\x01\x01\x00\x00\x00\x00\x00" + varint(1<<24) + "\x01\x01\x01\x00\x00\x00\x00\x00"
	s.bytes(total, join([]chunkText{{"TNSR", wide}, {"PORT", "\x00\x00\x05" + strings.Repeat("\x01\x00", 5)}, {"CODE", "\x01\x05\x01\x00\x00"}, {endID, ""}}),
		"elements together, want at most 67108864")
	weights := "| weights of a term; of all terms | 2^28 |"
	linear := func(p *Program, i int) *Linear { return p.Instrs[i].(*Linear) }
	s.program(weights, func(p *Program) { linear(p, 0).Terms[0].Kernel = [2]int{1 << 14, 1 << 14} }, "more than 268435456 weights")
	s.program(weights, func(p *Program) {
		l := linear(p, 7)
		for range 2 {
			l.Terms[0].Kernel = [2]int{1 << 10, 3000}
			l.Terms = append(l.Terms, l.Terms[0])
		}
	}, "more than 268435456 weights up to here")
	s.program("| weights of all terms, in a file of n bytes | 2^20 + 256 n |", func(p *Program) {
		l := linear(p, 7)
		l.Terms[0].Kernel = [2]int{300, 300}
	}, "more than a file of")
	s.payload("| entries of all lists, ascending lists and tables (as many as each is \"of\", whatever its form), in a file of n bytes | 2^16 + 8 n |", "all", "STEP",
		"\x02"+strings.Repeat(varint(maxBreaks)+"\x00\x00\x02\x02\x00\x00\x00", 2), "more than a file of")
	work := "one for each element written by Map, Map2, Copy and by a piece, and for each read by ArgMax | 2^36 |"
	s.program(work, func(p *Program) {
		p.Instrs[1].(*MaxPool).Kernel, p.Instrs[1].(*MaxPool).Pad = [2]int{1 << 20, 1 << 20}, [2]int{}
	}, "multiply-accumulates, comparisons and moves")
	far := "| (rows of the output - 1) * stride + (kernel - 1) * dilation + abs(pad), (rows of the input - 1) * up; columns alike | 2^30 - 1 |"
	for d := range 2 {
		s.program(far, func(p *Program) {
			m := p.Instrs[1].(*MaxPool)
			m.Kernel[d], m.Dilation[d] = 1<<13, 1<<18
		}, "a window reaches position")
		s.program(far, func(p *Program) {
			linear(p, 6).Terms[0].Up[d] = 1 << 24
			p.Tensors[8].Shape = [3]int{2, 64, 1}
			p.Tensors[8].Shape[1+d], p.Tensors[8].Shape[2-d] = 65, 1
		}, "a window reaches position")
	}
	s.list = append(s.list, brokenRule{"| bytes of the file | 2^30 |", nil, "the file is empty"}) // TestOpenErrors has a file that is too large
}

// zerosBeyond are frequencies whose zeros reach beyond the last of six indices.
func zerosBeyond() string {
	bits := "1010" // L = 5
	// The first frequency is 0: mean 0, dev 8, order 0, v = 0.
	bits += "1"
	// 20 more zeros: 21 = 10101 in five bits, with order 0: four zeros, a one, the bits below it.
	bits += "00001" + "1010"
	var out []byte
	for i, c := range bits {
		if i%8 == 0 {
			out = append(out, 0)
		}
		if c == '1' {
			out[i/8] |= 1 << (i % 8)
		}
	}
	return string(out) + strings.Repeat("\x00", 4)
}
