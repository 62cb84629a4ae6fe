package runtime

import (
	"fmt"
	"math"
	"unsafe"
)

// The ways in which the steps of an instruction are given.
const (
	stepsNone = iota
	stepsOne
	stepsEach // one for each channel
)

func encodeLinear(w *writer, p *Program, l *Linear) {
	w.uint(l.Out)
	encodeUses(w, l.Steps)
	w.uint(len(l.Terms))
	for k := range l.Terms {
		t := &l.Terms[k]
		w.uint(t.In)
		w.uint(t.Codebook)
		w.uint(t.Groups)
		w.window(t.window())
	}
}

// encodeUses writes which step functions an instruction has.
func encodeUses(w *writer, steps []int) {
	switch {
	case len(steps) == 0:
		w.byte(stepsNone)
	case len(steps) == 1:
		w.byte(stepsOne)
		w.uint(steps[0])
	default:
		w.byte(stepsEach)
		w.uint(steps[0])
		differences := make([]int64, len(steps)-1)
		for i := range differences {
			differences[i] = int64(steps[i+1]) - int64(steps[i])
		}
		w.entries++
		w.list(differences)
	}
}

// decodeUses reads which step functions an instruction has that writes a tensor of so many channels.
func decodeUses(r *reader, channels int) []int {
	from := r.pos
	switch form := r.byte("form of the step functions"); form {
	case stepsNone:
	case stepsOne:
		return []int{r.uint("step function", maxSteps)}
	case stepsEach:
		return decodeStepsEach(r, channels)
	default:
		r.fail(from, "form of the step functions is %d, want 0..%d", form, stepsEach)
	}
	return nil
}

func decodeLinear(r *reader, p *Program) *Linear {
	l := &Linear{Out: r.tensor("output", p)}
	l.Steps = decodeUses(r, p.Tensors[l.Out].Shape[0])
	n := r.count("number of terms", maxTerms, 6)
	for k := 0; k < n && r.err == nil; k++ {
		r.enterPart("term", k)
		r.hold(2, unsafe.Sizeof(Term{})) // the list grows by doubling
		t := Term{In: r.tensor("input", p), Codebook: r.uint("codebook", maxCodebooks), Groups: r.uint("groups", maxElems)}
		g := r.window(windowFlags)
		t.Kernel, t.Stride, t.Dilation, t.Pad, t.Up = g.kernel, g.stride, g.dilation, g.pad, g.up
		l.Terms = append(l.Terms, t)
	}
	return l
}

// decodeStepsEach reads the numbers of n step functions.
func decodeStepsEach(r *reader, n int) []int {
	if !r.take("the list of step functions", n, unsafe.Sizeof(0)) {
		return nil
	}
	last := int64(r.uint("first step function", maxSteps))
	steps := make([]int, n)
	steps[0] = int(last)
	r.list("differences of the step functions", n-1, -maxSteps, maxSteps, func(i int, v int64) {
		last += v
		steps[i+1] = int(last)
		if last < 0 || last > maxSteps {
			r.fail(r.pos, "the step function of channel %d is %d, want 0..%d", i+1, last, maxSteps)
		}
	})
	return steps
}

func (t *Term) window() window {
	return window{t.Kernel, t.Stride, t.Dilation, t.Pad, t.Up}
}

// weightCount is the number of weights that t takes for out, at most maxWeights; an
// error if there would be more, or if the groups do not divide the channels.
func (t *Term) weightCount(out, in *Tensor) (int, error) {
	if t.Groups < 1 || in.Shape[0]%t.Groups != 0 || out.Shape[0]%t.Groups != 0 {
		return 0, fmt.Errorf("%d groups do not divide %d input and %d output channels", t.Groups, in.Shape[0], out.Shape[0])
	}
	n := int64(1)
	for _, f := range [...]int{out.Shape[0], in.Shape[0] / t.Groups, t.Kernel[0], t.Kernel[1]} {
		if n *= int64(f); n > maxWeights {
			return 0, fmt.Errorf("more than %d weights", maxWeights)
		}
	}
	return int(n), nil
}

// requantizes checks the step functions of an instruction that sums into tensor t.
func (c *checker) requantizes(steps []int, t int) error {
	p, out := c.p, &c.p.Tensors[t]
	switch n, channels := len(steps), out.Shape[0]; {
	case out.Levels == 0 && n != 0:
		return fmt.Errorf("%d step functions, want 0 because tensor %d holds accumulators", n, t)
	case out.Levels != 0 && n != 1 && n != channels:
		return fmt.Errorf("%d step functions, want 1 or %d, one for each channel", n, channels)
	}
	for o, s := range steps {
		if s < 0 || s >= len(p.Steps) {
			return fmt.Errorf("step function %d for channel %d, want 0..%d", s, o, len(p.Steps)-1)
		}
		if top := int(c.topLevel[s]); top >= out.Levels {
			return fmt.Errorf("step function %d delivers level %d, want 0..%d, the levels of tensor %d", s, top, out.Levels-1, t)
		}
	}
	return nil
}

// linear checks all of l but biases and weights, and returns its multiply-accumulates.
func (c *checker) linear(l *Linear) (work int64, err error) {
	p := c.p
	out := &p.Tensors[l.Out]
	if err := c.requantizes(l.Steps, l.Out); err != nil {
		return 0, err
	}
	if n := len(l.Terms); n < 1 || n > maxTerms {
		return 0, fmt.Errorf("%d terms, want 1..%d", n, maxTerms)
	}
	for k := range l.Terms {
		t := &l.Terms[k]
		in := &p.Tensors[t.In]
		g := t.window()
		if err := g.check(out, in); err != nil {
			return 0, fmt.Errorf("term %d: %w", k, err)
		}
		weights, err := t.weightCount(out, in)
		if err != nil {
			return 0, fmt.Errorf("term %d: %w", k, err)
		}
		if t.Codebook < 0 || t.Codebook >= len(p.Codebooks) {
			return 0, fmt.Errorf("term %d: codebook %d, want 0..%d", k, t.Codebook, len(p.Codebooks)-1)
		}
		if c.totalWeights += int64(weights); c.totalWeights > maxWeights {
			return 0, fmt.Errorf("term %d: more than %d weights up to here", k, maxWeights)
		}
		work += int64(weights) * int64(out.Shape[1]) * int64(out.Shape[2]) // at most 2^28 * 2^24
		if work > maxWork {
			return math.MaxInt64 / 2, nil
		}
	}
	return work, nil
}
