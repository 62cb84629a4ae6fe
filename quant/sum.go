package quant

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"qconv/onnx"
	"qconv/runtime"
)

// sum is an accumulator that is still growing: terms whose weights are integers in
// units that may differ, and a bias in real numbers.
type sum struct {
	shape [3]int // of the accumulators
	terms []term
	bias  []float64 // one per channel

	product *product // in place of all terms and biases; nothing is added to it
}

// term is a linear map whose real weights are unit*centres[indices[i]] per step of its
// input tensor.
type term struct {
	runtime.Term
	centres []int32
	unit    float64
	units   []float64 // in place of unit, one for each output channel; nil where all have the same
	indices []uint16
	layer   string // the node whose weights these are; empty for those that are made here
}

// unitOf is the unit of an output channel.
func (t *term) unitOf(channel int) float64 {
	if t.units != nil {
		return t.units[channel]
	}
	return t.unit
}

// join adds two accumulators of the same shape.
func join(a, b *sum) *sum {
	out := &sum{shape: a.shape, terms: slices.Concat(a.terms, b.terms), bias: slices.Clone(a.bias)}
	for i, v := range b.bias {
		out.bias[i] += v
	}
	return out
}

// scaled multiplies an accumulator by a number, which may be negative.
func (s *sum) scaled(factor float64) *sum {
	out := &sum{shape: s.shape, bias: slices.Clone(s.bias), terms: slices.Clone(s.terms)}
	for i := range out.bias {
		out.bias[i] *= factor
	}
	for i := range out.terms {
		t := &out.terms[i]
		t.unit *= math.Abs(factor)
		if t.units != nil {
			t.units = slices.Clone(t.units)
			for ch := range t.units {
				t.units[ch] *= math.Abs(factor)
			}
		}
		if factor < 0 {
			t.negate()
		}
	}
	return out
}

// negate turns the sign of all weights: the codebook is mirrored, and so are the indices.
func (t *term) negate() {
	last := len(t.centres) - 1
	mirrored := make([]int32, len(t.centres))
	for i, c := range t.centres {
		mirrored[last-i] = -c
	}
	indices := make([]uint16, len(t.indices))
	for i, w := range t.indices {
		indices[i] = uint16(last) - w
	}
	t.centres, t.indices = mirrored, indices
}

// identity is the accumulator that repeats a tensor of levels, as a residual addition needs.
func identity(st state, shape [3]int) *sum {
	return &sum{
		shape: shape,
		bias:  make([]float64, shape[0]),
		terms: []term{{
			Term: runtime.Term{
				In: st.tensor, Groups: shape[0], Kernel: [2]int{1, 1}, Stride: [2]int{1, 1},
				Dilation: [2]int{1, 1}, Up: [2]int{1, 1},
			},
			centres: []int32{1},
			unit:    st.levels.Step,
			indices: make([]uint16, shape[0]),
		}},
	}
}

// emit turns a sum into an instruction over a common unit, with integer biases and without
// a requantization, and returns how its terms were matched. The result will have that many levels.
func (c *compiler) emit(s *sum, out, levels int, use use) (*runtime.Linear, matching, error) {
	spans := s.spans(c.prog.Tensors)
	for _, m := range matchings(s, levels, use, spans) {
		// Codebooks enter the program once a unit is chosen: those of units that do not fit would stay in the file.
		linear, books, ok := s.over(m, spans)
		if !ok {
			continue
		}
		if linear.Out = out; inRange(c.prog, linear, books) != nil {
			continue
		}
		for i, centres := range books {
			linear.Terms[i].Codebook = c.codebook(centres)
			if layer := s.terms[i].layer; layer != "" && c.named[linear] == "" {
				c.named[linear] = layer
			}
		}
		return linear, m, nil
	}
	return nil, matching{}, fmt.Errorf("no unit keeps the accumulators within 32 bits; the weights or their inputs are out of proportion")
}

// over is the sum in multiples of a common unit: an instruction whose term i has its weights in codebook i of books. It
// fails when a centre or a bias does not fit an int32, or a codebook grows too large. Where units differ by channel, and so do thresholds,
// a bias that does not fit beside the weights is left to these.
func (s *sum) over(m matching, spans []span) (linear *runtime.Linear, books [][]int32, ok bool) {
	linear = &runtime.Linear{}
	for ch, v := range s.bias {
		b := math.Round(v / m.unitOf(ch))
		if len(m.units) > 1 && !spans[ch].with(v).fits(m.units[ch]) {
			b = 0
		}
		if math.Abs(b) > math.MaxInt32 {
			return nil, nil, false
		}
		linear.Bias = append(linear.Bias, int32(b))
	}
	for i, t := range s.terms {
		rt := t.Term
		centres, indices, ok := rescale(t.centres, t.indices, m.multiples[i])
		if !ok {
			return nil, nil, false
		}
		rt.Codebook = i
		rt.Weights = runtime.PackWeights(indices, len(centres))
		linear.Terms = append(linear.Terms, rt)
		books = append(books, centres)
	}
	return linear, books, true
}

// inRange is an error where the accumulators of an instruction, over codebooks that are not in the program yet, leave 32 bits.
func inRange(p *runtime.Program, linear *runtime.Linear, books [][]int32) error {
	trial := *p
	trial.Codebooks = make([]runtime.Codebook, len(books))
	for i, centres := range books {
		trial.Codebooks[i].Centres = centres
	}
	_, _, err := trial.AccRange(linear)
	return err
}

// rescale multiplies centres by factors and rounds; centres that fall together are merged. There is one factor, or one for
// each output channel: rows of weights as many as there are factors. It fails when a product does not fit an int32, or products are too many.
func rescale(centres []int32, indices []uint16, factors []float64) ([]int32, []uint16, bool) {
	row := max(len(indices)/len(factors), 1)
	products := map[int32]bool{}
	moved := make([]int32, len(indices))
	table := make([]int32, len(centres))
	for ch, factor := range factors {
		for i, c := range centres {
			v := math.Round(float64(c) * factor)
			if math.Abs(v) > math.MaxInt32 {
				return centres, indices, false
			}
			table[i] = int32(v)
			if len(factors) == 1 {
				products[table[i]] = true
			}
		}
		for i := ch * row; i < min((ch+1)*row, len(indices)); i++ {
			moved[i] = table[indices[i]]
			products[moved[i]] = true
		}
	}
	out := slices.Sorted(maps.Keys(products))
	if len(out) > 65536 {
		return centres, indices, false
	}
	position := make(map[int32]uint16, len(out))
	for i, v := range out {
		position[v] = uint16(i)
	}
	found := make([]uint16, len(indices))
	for i, v := range moved {
		found[i] = position[v]
	}
	return out, found, true
}

// codebook returns the position of a codebook in the program, adding it when it is new.
func (c *compiler) codebook(centres []int32) int {
	key := fmt.Sprint(centres)
	if id, ok := c.books[key]; ok {
		return id
	}
	c.books[key] = len(c.prog.Codebooks)
	c.prog.Codebooks = append(c.prog.Codebooks, runtime.Codebook{Centres: centres})
	return c.books[key]
}

// close applies the functions of a state and brings it to the levels of site v: by the
// requantization of an accumulator, or by a table of a tensor.
func (c *compiler) close(v *onnx.Value, st state) (state, error) {
	levels, err := c.levelsOf(v)
	if err != nil {
		return state{}, err
	}
	if q := c.rounding(v, levels); q != nil {
		st.funcs = append(slices.Clone(st.funcs), quantizer(q))
	}
	if st.sum == nil {
		return state{shape: v.Shape, tensor: c.mapped(st, levels), levels: levels}, nil
	}
	if st.sum.product != nil {
		return c.closeProduct(v, st, levels)
	}
	id := c.tensor(v.Shape, levels)
	c.prog.Tensors[id].Shape = st.sum.shape
	// A network that rounds here itself, or was trained with these levels elsewhere, means that rounding, to the last half.
	use, rest := useLevels, []float64(nil)
	if c.model.Exact || roundsToCodes(st.funcs) {
		use = useExact
	}
	linear, m, err := c.emit(st.sum, id, levels.Count, use)
	if err != nil {
		return state{}, err
	}
	if use == useExact || len(m.units) > 1 {
		rest = st.sum.rest(linear, m, use)
	}
	if err := c.requantize(linear, st.funcs, m, rest, levels); err != nil {
		return state{}, err
	}
	return state{shape: v.Shape, tensor: id, levels: levels}, nil
}

// rounding is the rounding of the network's own that gives a value its levels; nil where levels are rounded to as usual.
func (c *compiler) rounding(v *onnx.Value, levels Levels) *onnx.Quantize {
	if q := c.analysis.rounding(v); q != nil {
		if own, ok := levelsOfCodes(q); ok && own == levels {
			return q
		}
	}
	return nil
}

// rest is what biases in units of the accumulators leave, by channel; nil where that is nothing but the rounding of float32 or, unless the
// use is exact, that of the unit.
func (s *sum) rest(linear *runtime.Linear, m matching, use use) []float64 {
	rest, some := make([]float64, len(s.bias)), false
	for ch, v := range s.bias {
		most := math.Ldexp(math.Abs(v), -23)
		if use != useExact {
			most = math.Max(most, m.unitOf(ch))
		}
		if d := v - float64(linear.Bias[ch])*m.unitOf(ch); math.Abs(d) > most {
			rest[ch], some = d, true
		}
	}
	if !some {
		return nil
	}
	return rest
}

// requantize completes an instruction by the step functions that apply funcs to its accumulators, and adds it
// to the program. Rest is what accumulators of each channel are short of; nil for nothing.
func (c *compiler) requantize(linear *runtime.Linear, funcs []*function, m matching, rest []float64, levels Levels) error {
	lo, hi, err := c.prog.AccRange(linear)
	if err != nil {
		return err
	}
	channels := 1
	if byChannel(funcs) || len(m.units) > 1 || rest != nil {
		channels = len(linear.Bias)
	} else {
		lo[0], hi[0] = slices.Min(lo), slices.Max(hi)
	}
	for ch := range channels {
		offset := 0.0
		if rest != nil {
			offset = rest[ch]
		}
		step, err := stepFunction(funcs, ch, m.unitOf(ch), offset, levels, int64(lo[ch]), int64(hi[ch]))
		if err != nil {
			return err
		}
		linear.Steps = append(linear.Steps, len(c.prog.Steps))
		c.prog.Steps = append(c.prog.Steps, step)
	}
	c.prog.Instrs = append(c.prog.Instrs, linear)
	return nil
}

// deliver ends an accumulator that is an output, or compared: its int32 values are the result.
func (c *compiler) deliver(st state) (state, error) {
	if id, ok := c.sums[st.sum]; ok {
		return state{shape: st.shape, tensor: id}, nil
	}
	if st.sum.product != nil {
		instr, err := c.multiply(st.sum, Levels{})
		if err != nil {
			return state{}, err
		}
		c.sums[st.sum] = instr.Out
		return state{shape: st.shape, tensor: instr.Out}, nil
	}
	id := len(c.prog.Tensors)
	c.prog.Tensors = append(c.prog.Tensors, runtime.Tensor{Shape: st.sum.shape})
	linear, m, err := c.emit(st.sum, id, 256, useSums)
	if err != nil {
		return state{}, err
	}
	c.prog.Tensors[id].Scale = runtime.ScaleOf(m.unitOf(0))
	c.prog.Instrs = append(c.prog.Instrs, linear)
	c.sums[st.sum] = id
	return state{shape: st.shape, tensor: id}, nil
}
