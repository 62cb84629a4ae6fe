package runtime

import (
	"math"
	"strings"
	"testing"
)

// TestValidate spoils one thing of a valid program at a time.
func TestValidate(t *testing.T) {
	linear := func(p *Program, i int) *Linear { return p.Instrs[i].(*Linear) }
	pool := func(p *Program) *MaxPool { return p.Instrs[1].(*MaxPool) }
	mapping := func(p *Program) *Map { return p.Instrs[2].(*Map) }
	map2 := func(p *Program) *Map2 { return p.Instrs[4].(*Map2) }
	copying := func(p *Program) *Copy { return p.Instrs[5].(*Copy) }
	tests := []struct {
		want  string
		spoil func(p *Program)
	}{
		{"0 tensors, want 1..65536", func(p *Program) { p.Tensors = nil }},
		{"tensor 1 has -1 rows", func(p *Program) { p.Tensors[1].Shape[1] = -1 }},
		{"tensor 2 has 1 levels, want 2..256", func(p *Program) { p.Tensors[2].Levels = 1 }},
		{"tensor 2 has 300 levels, want 2..256", func(p *Program) { p.Tensors[2].Levels = 300 }},
		{"tensor 2 has zero level 32, want 0..31", func(p *Program) { p.Tensors[2].Zero = 32 }},
		{"tensor 7 holds accumulators and has zero level 1", func(p *Program) { p.Tensors[7].Zero = 1 }},
		{"top bit of the mantissa", func(p *Program) { p.Tensors[0].Scale.Mant = 1 }},
		{"top bit of the mantissa", func(p *Program) { p.Tensors[0].Scale.Mant = 0 }},
		{"exponent 1201", func(p *Program) { p.Tensors[0].Scale.Exp = 1201 }},
		{"elements together", func(p *Program) {
			for i := range 5 {
				p.Tensors[i].Shape = [3]int{1 << 24, 1, 1}
			}
		}},
		{"codebook 1 has 0 centres", func(p *Program) { p.Codebooks[1].Centres = nil }},
		{"codebook 0: centre 3 is -6, want more than -6", func(p *Program) { p.Codebooks[0].Centres[3] = -6 }},
		{"step function 0 has 31 values, want 32", func(p *Program) { p.Steps[0].Values = p.Steps[0].Values[1:] }},
		{"step function 1: break 4 is 4, want more than 4", func(p *Program) { p.Steps[1].Breaks[4] = 4 }},
		{"the input is tensor 9, want 0..8", func(p *Program) { p.Inputs[0].Tensor = 9 }},
		{"the input is tensor 7, which holds accumulators", func(p *Program) { p.Inputs[0].Tensor = 7 }},
		{"the input has 2 tables, want 0, 1 or 3", func(p *Program) { p.Inputs[0].Tables = p.Inputs[0].Tables[:2] }},
		{"table 1 of the input has 255 entries", func(p *Program) { p.Inputs[0].Tables[1] = p.Inputs[0].Tables[1][1:] }},
		{"table 2 of the input holds level 32", func(p *Program) { p.Inputs[0].Tables[2][7] = 32 }},
		{"0 outputs", func(p *Program) { p.Outputs = nil }},
		{"output 1 is tensor -1", func(p *Program) { p.Outputs[1].Tensor = -1 }},
		{"name of output 0 has 1025 bytes", func(p *Program) { p.Outputs[0].Name = strings.Repeat("x", 1025) }},
		{"name of output 0 is not valid UTF-8", func(p *Program) { p.Outputs[0].Name = "\xc3" }},
		{"tensor 7 holds accumulators, is not an output, and no ArgMax reads it", func(p *Program) { p.Outputs = p.Outputs[1:]; p.SelfTests = nil }},
		{"instruction 3: there is none", func(p *Program) { p.Instrs[3] = nil }},
		{"instruction 3 (Map): there is none", func(p *Program) { p.Instrs[3] = (*Map)(nil) }},
		{"instruction 3: is of an unknown type", func(p *Program) { p.Instrs[3] = otherInstr{4} }},
		{"instruction 1 (MaxPool): writes tensor 1, which is written already", func(p *Program) { pool(p).Out = 1 }},
		{"instruction 1 (MaxPool): writes tensor -1", func(p *Program) { pool(p).Out = -1 }},
		{"instruction 1 (MaxPool): reads tensor 9, want 0..8", func(p *Program) { pool(p).In = 9 }},
		{"instruction 1 (MaxPool): reads tensor 3, which is not written yet", func(p *Program) { pool(p).In = 3 }},
		{"instruction 1 (MaxPool): 4 output channels, want 3", func(p *Program) { pool(p).In = 0 }},
		{"input with 32 levels, want at most 31", func(p *Program) { p.Tensors[2].Levels = 31 }},
		{"the window of output row 3 lies outside the input", func(p *Program) { pool(p).Stride[0] = 3 }},
		{"the window of output row 0 lies outside the input", func(p *Program) { pool(p).Pad[0] = 3 }},
		{"the window of output column 0 lies outside the input", func(p *Program) { pool(p).Kernel[1], pool(p).Dilation[1], pool(p).Pad[1] = 2, 20, 1 }},
		{"dilation is 0 along rows", func(p *Program) { pool(p).Dilation[0] = 0 }},
		{"stride is 0 along columns", func(p *Program) { pool(p).Stride[1] = 0 }},
		{"a window reaches position", func(p *Program) { pool(p).Kernel[0], pool(p).Dilation[0] = 1<<20, 1<<20 }},
		{"multiply-accumulates, comparisons and moves", func(p *Program) { pool(p).Kernel = [2]int{1 << 24, 1 << 24} }},
		{"instruction 2 (Map): 3 tables, want 1 or 4", func(p *Program) { mapping(p).Tables = mapping(p).Tables[:3] }},
		{"table 1 has 31 entries, want 32", func(p *Program) { mapping(p).Tables[1] = mapping(p).Tables[1][:31] }},
		{"table 0 holds level 200", func(p *Program) { mapping(p).Tables[0][3] = 200 }},
		{"output shape [4 4 3], want [4 4 4]", func(p *Program) { p.Tensors[3].Shape[2] = 3 }},
		{"input b has 2 rows, want 1 or 4", func(p *Program) { p.Tensors[4].Shape[1] = 2 }},
		{"table of 511 entries, want 512", func(p *Program) { map2(p).Table = map2(p).Table[1:] }},
		{"the table holds level 40", func(p *Program) { map2(p).Table[17] = 40 }},
		{"fill with level 32", func(p *Program) { copying(p).Fill = 32 }},
		{"piece 0: covers output elements 0..252, want 0..127", func(p *Program) { copying(p).Pieces[0].OutStride[0] = 4 }},
		{"piece 1: covers input elements 0..64, want 0..63", func(p *Program) { copying(p).Pieces[1].InStart, copying(p).Pieces[1].InStride[0] = 3, 49 }},
		{"piece 1: covers input elements -1..", func(p *Program) { copying(p).Pieces[1].InStart = 2 }},
		{"piece 0: input starts at element -1", func(p *Program) { copying(p).Pieces[0].InStart = -1 }},
		{"piece 0: size 0 in dimension 5", func(p *Program) { copying(p).Pieces[0].Dims[5] = 0 }},
		{"piece 0: input stride", func(p *Program) { copying(p).Pieces[0].InStride[1] = math.MinInt32 }},
		{"pieces 0 to 2 move 160 elements, want at most 128", func(p *Program) { copying(p).Pieces = append(copying(p).Pieces, copying(p).Pieces...) }},
		{"instruction 0 (Linear): 2 step functions, want 1 or 4", func(p *Program) { linear(p, 0).Steps = []int{0, 0} }},
		{"0 step functions, want 1 or 4", func(p *Program) { linear(p, 0).Steps = nil }},
		{"1 step functions, want 0 because tensor 7", func(p *Program) { linear(p, 7).Steps = []int{0} }},
		{"step function 5 for channel 2", func(p *Program) { linear(p, 0).Steps[2] = 5 }},
		{"step function 3 delivers level 128, want 0..31", func(p *Program) { linear(p, 0).Steps[2] = 3 }},
		{"0 terms, want 1..4096", func(p *Program) { linear(p, 0).Terms = nil }},
		{"term 0: 2 groups do not divide 3 input and 4 output channels", func(p *Program) { linear(p, 0).Terms[0].Groups = 2 }},
		{"term 0: 0 groups", func(p *Program) { linear(p, 0).Terms[0].Groups = 0 }},
		{"term 1: codebook 3, want 0..2", func(p *Program) { linear(p, 6).Terms[1].Codebook = 3 }},
		{"term 1: up is 0 along rows", func(p *Program) { linear(p, 6).Terms[1].Up[0] = 0 }},
		{"pad is 16777217 along rows", func(p *Program) { linear(p, 6).Terms[1].Pad[0] = 1<<24 + 1 }},
		{"more than 268435456 weights", func(p *Program) { linear(p, 0).Terms[0].Kernel = [2]int{1 << 14, 1 << 14} }},
		{"instruction 6 has 7 biases, want 8", func(p *Program) { linear(p, 6).Bias = linear(p, 6).Bias[:7] }},
		{"instruction 6: term 1: 7 weights, want 8", func(p *Program) { linear(p, 6).Terms[1].Weights = PackWeights(make([]uint16, 7), 16) }},
		{"instruction 6: term 1: weights for a codebook of 15 centres, want 16", func(p *Program) { linear(p, 6).Terms[1].Weights = PackWeights(make([]uint16, 8), 15) }},
		{"instruction 6: term 1: 0 weights, want 8", func(p *Program) { linear(p, 6).Terms[1].Weights = Weights{} }},
		{"the accumulator of channel 3 may take", func(p *Program) { linear(p, 0).Bias[3] = math.MaxInt32 - 100 }},
		{"the input has 2 shifts, want none or 3", func(p *Program) { p.Inputs[0].Shifts = p.Inputs[0].Shifts[:2] }},
		{"shift 1 of the input is 65, want -64..64", func(p *Program) { p.Inputs[0].Shifts[1] = 65 }},
		{"label 1 is not valid UTF-8", func(p *Program) { p.Labels[1] = "\xff" }},
		{"the producer has 2000 bytes", func(p *Program) { p.Producer = strings.Repeat("x", 2000) }},
		{"self-test 1 has 57 output elements, want 58", func(p *Program) { p.SelfTests[1].Want = p.SelfTests[1].Want[1:] }},
		{`self-test 2: element 0 of output "ünder" is 256, want 0..255`, func(p *Program) { p.SelfTests[2].Want[10] = 256 }},
		{`self-test 2: element 47 of output "ünder" is -1`, func(p *Program) { p.SelfTests[2].Want[57] = -1 }},
	}
	for _, tt := range tests {
		p := allProgram()
		tt.spoil(p)
		err := p.Validate()
		if err == nil {
			t.Errorf("valid, want an error with %q", tt.want)
			continue
		}
		if !strings.HasPrefix(err.Error(), "runtime: ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error %q, want one with %q", err, tt.want)
		}
		if _, encodeErr := Encode(p); encodeErr == nil || encodeErr.Error() != err.Error() {
			t.Errorf("Encode says %v, Validate %v", encodeErr, err)
		}
	}
	if err := allProgram().Validate(); err != nil {
		t.Error(err)
	}
}

// otherInstr is an instruction that does not exist.
type otherInstr struct{ out int }

func (i otherInstr) Dst() int    { return i.out }
func (i otherInstr) Srcs() []int { return nil }

// TestAccRange compares the ranges with the extremes of a fully connected layer, which
// can all be reached: every input at its last level where the centre has one sign, and at
// its first where it has the other.
func TestAccRange(t *testing.T) {
	p := tinyProgram()
	p.Tensors[0].Zero = 1
	l := p.Instrs[0].(*Linear)
	lo, hi, err := p.AccRange(l)
	if err != nil {
		t.Fatal(err)
	}
	weights := make([]uint16, l.Terms[0].Weights.Len())
	if err := l.Terms[0].Weights.Decode(weights); err != nil {
		t.Fatal(err)
	}
	for o := range lo {
		want := [2]int32{math.MaxInt32, math.MinInt32}
		for code := range 1 << 8 { // four inputs of four levels
			input := []byte{byte(code & 3), byte(code >> 2 & 3), byte(code >> 4 & 3), byte(code >> 6)}
			acc := evaluate(p, input)[0][o]
			want = [2]int32{min(want[0], acc), max(want[1], acc)}
		}
		if lo[o] != want[0] || hi[o] != want[1] {
			t.Errorf("channel %d: range %d..%d, want %d..%d", o, lo[o], hi[o], want[0], want[1])
		}
	}
}

// TestAccRangeLimits moves a channel to the edge of int32 and beyond.
func TestAccRangeLimits(t *testing.T) {
	p := tinyProgram()
	l := p.Instrs[0].(*Linear)
	lo, hi, err := p.AccRange(l)
	if err != nil {
		t.Fatal(err)
	}
	span := []int32{hi[0] - l.Bias[0], l.Bias[0] - lo[0]}
	for _, tt := range []struct {
		bias int32
		ok   bool
	}{
		{math.MaxInt32 - span[0], true}, {math.MaxInt32 - span[0] + 1, false},
		{math.MinInt32 + span[1], true}, {math.MinInt32 + span[1] - 1, false},
	} {
		l.Bias[0] = tt.bias
		if _, _, err := p.AccRange(l); (err == nil) != tt.ok {
			t.Errorf("bias %d: error %v, want valid: %v", tt.bias, err, tt.ok)
		}
	}
	// Centres whose sums leave 64 bits if nothing is cut.
	p.Codebooks[0].Centres = []int32{math.MinInt32, 0, math.MaxInt32}
	if _, _, err := p.AccRange(l); err == nil {
		t.Error("centres of 31 bits: no error, want an overflow")
	}
}

func TestMACs(t *testing.T) {
	p, _ := network(16, lenet)
	for k, want := range []int{16 * 25, 32 * 16 * 25, 128 * 32 * 25, 1280} {
		if got := p.LinearMACs(p.Instrs[k].(*Linear)); got != want {
			t.Errorf("layer %d: %d MACs, want %d", k, got, want)
		}
	}
	p = allProgram()
	if got, want := p.MACs(), 64*108+64+6*(192+8)+640; got != want {
		t.Errorf("%d MACs, want %d", got, want)
	}
	p.Tensors[7].Shape = [3]int{10, 1 << 12, 1 << 12}
	if got, want := p.MACs(), min(64*108+64+6*(192+8)+int64(640)<<24, math.MaxInt); int64(got) != want {
		t.Errorf("%d MACs, want %d", got, want)
	}
}
