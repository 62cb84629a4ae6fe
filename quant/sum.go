package quant

import (
	"fmt"
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
}

// term is a linear map whose real weights are unit*centres[indices[i]] per step of its
// input tensor.
type term struct {
	runtime.Term
	centres []int32
	unit    float64
	indices []uint16
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

// fineness is how many bits finer the common unit of several terms is made than the
// finest of theirs, at most, so that the others are nearly whole multiples of it.
const fineness = 8

// inaccuracy is what a term's unit may be wrong by, as a part of a level of the result when the
// term spans all levels.
const inaccuracy = 1.0 / 16

// matching is a common unit of terms.
type matching struct {
	unit      float64
	multiples []float64 // of it, by term: their own units
}

// matchings lists common units from the best on. The first one's multiples are whole and take few
// additions, if there is such a unit: they differ from the units of terms by nothing or, where that is
// impossible, by too little to matter to a result of that many levels. The others do not differ at
// all, and centres are rounded.
func matchings(terms []term, levels int) []matching {
	finest := math.Inf(1)
	for _, t := range terms {
		finest = math.Min(finest, t.unit)
	}
	var list []matching
	for _, tolerance := range []float64{1e-9, inaccuracy / float64(levels)} {
		if m, ok := wholeMatching(terms, finest, tolerance); ok {
			list = append(list, m)
			break
		}
	}
	for shift := fineness; shift >= -16; shift-- {
		m := matching{unit: math.Ldexp(finest, -shift)}
		for _, t := range terms {
			m.multiples = append(m.multiples, t.unit/m.unit)
		}
		list = append(list, m)
	}
	return list
}

// wholeMatching finds the unit whose multiples have the fewest signed binary digits; of several
// the coarsest.
func wholeMatching(terms []term, finest, tolerance float64) (best matching, ok bool) {
	least := math.MaxInt
	for shift := range fineness + 1 {
		m, digits := matching{unit: math.Ldexp(finest, -shift)}, 0
		for _, t := range terms {
			k := wholeMultiple(t.unit/m.unit, tolerance)
			if k == 0 {
				digits = math.MaxInt
				break
			}
			digits += signedDigits(k)
			m.multiples = append(m.multiples, float64(k))
		}
		if digits < least {
			best, least = m, digits
		}
	}
	return best, least < math.MaxInt
}

// wholeMultiple is the whole number next to ratio, which is 1 or more, whose signed binary digits are the
// fewest, and of those the nearest one; 0 if there is none within tolerance*ratio.
func wholeMultiple(ratio, tolerance float64) int32 {
	if ratio > 1<<24 {
		return 0
	}
	best, least, nearest := int32(0), math.MaxInt, 0.0
	for k := math.Ceil(ratio * (1 - tolerance)); k <= ratio*(1+tolerance); k++ {
		digits, far := signedDigits(int32(k)), math.Abs(k-ratio)
		if digits < least || digits == least && far < nearest {
			best, least, nearest = int32(k), digits, far
		}
	}
	return best
}

// emit turns a sum into an instruction over a common unit, with integer biases and without
// a requantization, and returns that unit. The result will have that many levels.
func (c *compiler) emit(s *sum, out, levels int) (*runtime.Linear, float64, error) {
	for _, m := range matchings(s.terms, levels) {
		// Codebooks enter the program once a unit is chosen: those of units that do not fit would stay in the file.
		linear, books, ok := s.over(m)
		if !ok {
			continue
		}
		if linear.Out = out; inRange(c.prog, linear, books) != nil {
			continue
		}
		for i, centres := range books {
			linear.Terms[i].Codebook = c.codebook(centres)
		}
		return linear, m.unit, nil
	}
	return nil, 0, fmt.Errorf("no unit keeps the accumulators within 32 bits; the weights or their inputs are out of proportion")
}

// over is the sum in multiples of a common unit: an instruction whose term i has its weights in codebook i of books. It
// fails when a centre or a bias does not fit an int32.
func (s *sum) over(m matching) (linear *runtime.Linear, books [][]int32, ok bool) {
	linear = &runtime.Linear{}
	for _, v := range s.bias {
		b := math.Round(v / m.unit)
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

// rescale multiplies centres by factor and rounds; centres that fall together are merged.
// It fails when one does not fit an int32.
func rescale(centres []int32, indices []uint16, factor float64) ([]int32, []uint16, bool) {
	var out []int32
	position := make([]uint16, len(centres))
	for i, c := range centres {
		v := math.Round(float64(c) * factor)
		if math.Abs(v) > math.MaxInt32 {
			return centres, indices, false
		}
		if len(out) == 0 || out[len(out)-1] != int32(v) {
			out = append(out, int32(v))
		}
		position[i] = uint16(len(out) - 1)
	}
	if len(out) == len(centres) {
		return out, indices, true
	}
	moved := make([]uint16, len(indices))
	for i, w := range indices {
		moved[i] = position[w]
	}
	return out, moved, true
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
	if st.sum == nil {
		return state{shape: v.Shape, tensor: c.mapped(st, levels), levels: levels}, nil
	}
	id := c.tensor(v.Shape, levels)
	c.prog.Tensors[id].Shape = st.sum.shape
	linear, unit, err := c.emit(st.sum, id, levels.Count)
	if err != nil {
		return state{}, err
	}
	if err := c.requantize(linear, st.funcs, unit, levels); err != nil {
		return state{}, err
	}
	return state{shape: v.Shape, tensor: id, levels: levels}, nil
}

// requantize completes an instruction by the step functions that apply funcs to its accumulators, and adds it
// to the program.
func (c *compiler) requantize(linear *runtime.Linear, funcs []*function, unit float64, levels Levels) error {
	lo, hi, err := c.prog.AccRange(linear)
	if err != nil {
		return err
	}
	channels := 1
	if byChannel(funcs) {
		channels = len(linear.Bias)
	} else {
		lo[0], hi[0] = slices.Min(lo), slices.Max(hi)
	}
	for ch := range channels {
		step, err := stepFunction(funcs, ch, unit, levels, int64(lo[ch]), int64(hi[ch]))
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
	id := len(c.prog.Tensors)
	c.prog.Tensors = append(c.prog.Tensors, runtime.Tensor{Shape: st.sum.shape})
	linear, unit, err := c.emit(st.sum, id, 256)
	if err != nil {
		return state{}, err
	}
	c.prog.Tensors[id].Scale = runtime.ScaleOf(unit)
	c.prog.Instrs = append(c.prog.Instrs, linear)
	c.sums[st.sum] = id
	return state{shape: st.shape, tensor: id}, nil
}
