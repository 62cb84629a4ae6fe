// Package runtime loads and runs integer programs made by qconv. It needs no
// floating-point unit and no multiplier: inference is table look-ups, additions,
// shifts and comparisons. It imports nothing but the standard library.
//
// A [Program] is what a .qlut file holds (FORMAT.md is its specification); a [Runner]
// executes one. One Program may be shared by many Runners.
//
// Begin with [Open] and [NewRunner]. [Program.Top] names the best classes of a result; package picture of this folder brings pictures of any
// size into an input's shape.
package runtime

// Program is a network lowered to integers. A Program returned by [Decode] has been
// validated: every index is in range, every accumulator is proved to fit an int32.
// It must not be modified afterwards. FORMAT.md lists all rules that [Program.Validate]
// enforces.
type Program struct {
	// Tensors lists every activation; an instruction names tensors by position.
	Tensors []Tensor
	// Codebooks lists the integer weight centres that terms refer to.
	Codebooks []Codebook
	// Steps lists the accumulator-to-level functions that instructions refer to.
	Steps []Step
	// Instrs run in order. Each tensor but the inputs and the states of a stream is written by exactly one
	// instruction ([Copy] and its Pieces count as one) before it is read.
	Instrs []Instr
	// Loops are parts of Instrs that run several times, in order; most programs have none.
	Loops []Loop
	// Stream makes the program one step of many; nil for most.
	Stream *Stream

	// Inputs are the inputs in the order of the network's, at least one, each of another tensor.
	Inputs  []Input
	Outputs []Output

	// Normalizations says what is left to the reader of outputs, in order of these.
	Normalizations []Normalization

	// Features says which features of sound the input takes, in words of whoever computes them; may be empty.
	Features string
	// Labels names the classes in order of the first output's elements; may be empty.
	Labels []string
	// Source is the SHA-256 of the ONNX file the program was made from.
	Source [32]byte
	// Producer names the program that wrote the file.
	Producer string

	SelfTests []SelfTest
}

// Tensor describes an activation of one sample: Shape[0] channels of Shape[1] rows of
// Shape[2] columns, stored [C][H][W] without gaps.
//
// A tensor with Levels > 0 holds level indices, one byte each, in [0, Levels); index i
// stands for the real value Scale*(i-Zero). A tensor with Levels == 0 holds int32
// accumulators, or positions that an [ArgMax] found; a stands for Scale*a. Only outputs and
// what an [ArgMax] reads may do so.
type Tensor struct {
	Shape  [3]int
	Levels int   // 0, or 2..256
	Zero   int   // in [0, Levels): the index worth exactly 0
	Scale  Scale // real value of one step; not used by Run
}

// Elems is the number of elements.
func (t *Tensor) Elems() int { return t.Shape[0] * t.Shape[1] * t.Shape[2] }

// Scale is the real number Mant * 2^Exp, kept without floating point. Mant is
// normalized: its top bit is set, or it is 0 and so is Exp.
type Scale struct {
	Mant uint32
	Exp  int32
}

// Codebook holds the distinct integer weights of one or more terms, ascending.
// A weight index w stands for the integer Centres[w].
type Codebook struct {
	Centres []int32
}

// Step maps an accumulator to a level: it is the requantization rule of the format.
//
//	level(acc) = Values[j],  j = number of Breaks <= acc
//
// Breaks ascend strictly. For a rising function Values are 0, 1, 2, ...; any scalar
// function of the accumulator, rising or not, is such a table.
type Step struct {
	Breaks []int32
	Values []uint8 // len(Breaks)+1
}

// Level applies the step function by its definition.
func (s *Step) Level(acc int32) uint8 {
	lo, hi := 0, len(s.Breaks)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if s.Breaks[mid] <= acc {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return s.Values[lo]
}

// Instr is one instruction: [*Linear], [*MaxPool], [*Map], [*Map2], [*Copy], [*ArgMax] or [*MatMul].
type Instr interface {
	// Dst is the tensor the instruction writes.
	Dst() int
	// Srcs are the tensors the instruction reads, in order of its operands.
	Srcs() []int
}

// Linear sums linear maps of one or more tensors, adds the bias, and requantizes:
//
//	acc[o][y][x] = Bias[o] + sum over terms, taps of C_w * (in - zero)
//	out[o][y][x] = Steps[o](acc), or acc itself where Out holds accumulators
//
// Residual additions and shortcut convolutions are terms like any other.
type Linear struct {
	Out   int
	Terms []Term
	Bias  []int32 // one per output channel
	// Steps are positions in Program.Steps: one for all channels, one per channel, or
	// none when Out holds accumulators.
	Steps []int

	found *accRange // nil: nothing yet
}

// Term is one linear map, a 2-D correlation over In:
//
//	sum over c, ky, kx of C[w[o][c][ky][kx]] * (in[g*Cg+c][v][u] - zero)
//	v*Up[0] = y*Stride[0] - Pad[0] + ky*Dilation[0]   (u alike with index 1)
//
// where g is the group of output channel o and Cg the channels per group. Taps whose v
// or u is not a whole number, or lies outside the input, contribute 0. Up > 1 makes it
// a transposed convolution. A fully connected layer has a kernel as large as its input.
type Term struct {
	In       int
	Codebook int
	Groups   int
	Kernel   [2]int // height, width
	Stride   [2]int
	Dilation [2]int
	Pad      [2]int // rows above, columns to the left; may be negative
	Up       [2]int
	// Weights are codebook indices in order [O][Cg][KH][KW], packed for the codebook's size.
	Weights Weights
}

// MaxPool takes the largest index in every window. Positions outside the input are skipped;
// no window lies wholly outside.
type MaxPool struct {
	Out, In  int
	Kernel   [2]int
	Stride   [2]int
	Dilation [2]int
	Pad      [2]int
}

// Map replaces every index by a table entry: out = Table[c][in], with one table for all
// channels or one per channel. Each table has as many entries as In has levels.
type Map struct {
	Out, In int
	Tables  [][]uint8
}

// Map2 combines two tensors through a two-dimensional table:
//
//	out[c][y][x] = Table[a*levels(B) + b]
//
// B has A's shape, or size 1 along any dimension, which is then repeated.
type Map2 struct {
	Out, A, B int
	Table     []uint8
}

// Copy moves indices: Out is filled with Fill, then every piece copies a strided block.
// Reshape, slice, concat, transpose, pad, nearest resize are copies. Pieces run in order:
// where two write the same element, the later one wins.
type Copy struct {
	Out    int
	Fill   uint8
	Pieces []Piece
}

// Piece copies, for every i with 0 <= i[d] < Dims[d]:
//
//	out[OutStart + sum i[d]*OutStride[d]] = in[InStart + sum i[d]*InStride[d]]
//
// Offsets and strides count elements; unused trailing dimensions have size 1. No two i write the same
// element: in order of its size, every OutStride of a dimension with Dims > 1 exceeds the way that the
// smaller ones lead together.
type Piece struct {
	In                  int
	Dims                [6]int
	OutStart, InStart   int
	OutStride, InStride [6]int
	// OutStep and InStep are added to the starts for every iteration of the [Loop] the Copy stands in that has run. 0 outside of loops. A Copy
	// with an OutStep has that one piece, and all iterations together write every element of Out once.
	OutStep, InStep int
}

// ArgMax finds where along a line the largest element stands. In holds levels or accumulators and is seen as
// [outer][Length][Inner]; the result is an int32 for each line, [outer][Inner] in that order:
//
//	out[o*Inner+i] = the k in [0, Length) for which in[(o*Length+k)*Inner+i] is largest
//
// Of equal elements it is the first, or the last. Out is a tensor of int32 positions: without levels, of any
// shape with as many elements.
type ArgMax struct {
	Out, In       int
	Length, Inner int
	Last          bool // of equal elements the last counts
	Least         bool // the smallest element is looked for instead
}

// MatMul multiplies matrices of two tensors, one of each channel, exactly:
//
//	acc[c][y][x] = sum over k of (a[c][y][k] - zero of A) * (b[c][k][x] - zero of B)
//	out[c][y][x] = Steps[c](acc), or acc itself where Out holds accumulators
//
// A is [C][Y][K], B is [C][K][X] and Out is [C][Y][X].
type MatMul struct {
	Out, A, B int
	// Steps are positions in Program.Steps: one for all channels, one per channel, or
	// none when Out holds accumulators.
	Steps []int
}

func (i *Linear) Dst() int  { return i.Out }
func (i *MaxPool) Dst() int { return i.Out }
func (i *Map) Dst() int     { return i.Out }
func (i *Map2) Dst() int    { return i.Out }
func (i *Copy) Dst() int    { return i.Out }
func (i *ArgMax) Dst() int  { return i.Out }
func (i *MatMul) Dst() int  { return i.Out }

func (i *Linear) Srcs() []int {
	ids := make([]int, len(i.Terms))
	for k := range i.Terms {
		ids[k] = i.Terms[k].In
	}
	return ids
}
func (i *MaxPool) Srcs() []int { return []int{i.In} }
func (i *Map) Srcs() []int     { return []int{i.In} }
func (i *Map2) Srcs() []int    { return []int{i.A, i.B} }
func (i *ArgMax) Srcs() []int  { return []int{i.In} }
func (i *MatMul) Srcs() []int  { return []int{i.A, i.B} }
func (i *Copy) Srcs() []int {
	ids := make([]int, len(i.Pieces))
	for k := range i.Pieces {
		ids[k] = i.Pieces[k].In
	}
	return ids
}

// Input says how an input of a sample enters the program.
type Input struct {
	// Name tells several inputs apart. A program with one input has no name for it.
	Name   string
	Tensor int
	// Tables maps input bytes (pixels) to level indices, one table of 256 for all
	// channels or one per channel; nil when bytes are level indices already.
	Tables [][]uint8
	// Interleaved says that bytes come as [H][W][C], as pictures are stored, and not
	// as [C][H][W].
	Interleaved bool
	// Shifts says, by channel, by which power of two a step is larger than Scale says, -64..64: index i of
	// channel c stands for 2^Shifts[c]*Scale*(i-Zero). Nil where all are 0. Run does not use it.
	Shifts []int8
}

// Output names a tensor that is a result.
type Output struct {
	Name   string
	Tensor int
}

// SelfTest is an input, given as the seed of the generator of FORMAT.md, together with
// the exact elements of all outputs, one output after the other.
type SelfTest struct {
	Seed uint32
	Want []int32
}
