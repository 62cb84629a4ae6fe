package finetune

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Tally is what [Measure] added up of a network, and of the one that it was compared with, over some samples. Those of the parts of all samples, joined in their
// order, are exactly that of all at once: floating-point numbers are added up block by block, and parts are whole blocks.
type Tally struct {
	Own   *NetworkTally `json:"own"`
	Other *NetworkTally `json:"other,omitempty"` // nil without another network
}

// NetworkTally is what the samples of a network come to.
type NetworkTally struct {
	Samples    int    `json:"samples"`
	Steps      int    `json:"steps"`    // of a sample, which have a class each; what is counted below are steps
	Labelled   int    `json:"labelled"` // samples with a label
	Right      int    `json:"right"`    // labelled samples whose label has the highest output
	Top5       int    `json:"top5"`
	Same       int    `json:"same"`    // samples with the same highest output as in the other network
	Answers    counts `json:"answers"` // samples by their highest output
	Labels     counts `json:"labels"`
	HasMSE     bool   `json:"has_mse"`
	HasTargets bool   `json:"has_targets"`
	Blocks     []Sums `json:"blocks"`
}

// Sums are those of the samples of a block.
type Sums struct {
	Errors    moments `json:"errors"`         // of samples
	Distances moments `json:"distances"`      // of samples, to the other network
	Compared  moments `json:"compared"`       // outputs of the other network
	Fits      []Fit   `json:"fits,omitempty"` // by output
}

// Part is one of Count parts of all samples, in their order, by Index from 0. The zero value is all of them.
type Part struct{ Index, Count int }

func (p Part) check() error {
	if p.Count < 0 || p.Index < 0 || p.Index >= max(p.Count, 1) {
		return fmt.Errorf("finetune: evaluate: part %d of %d, want an index from 0 to below the count", p.Index, p.Count)
	}
	return nil
}

// mostBlocks is how many blocks there are at most.
const mostBlocks = 1024

// blockSize is the number of samples of a block, a multiple of evaluated, so that a part asks a network for the same samples at a time as a whole does.
func blockSize(samples int) int {
	return evaluated * max(1, (samples+evaluated*mostBlocks-1)/(evaluated*mostBlocks))
}

// Positions are the first of so many samples that the part holds, and the one after its last. There may be none.
func (p Part) Positions(samples int) (from, to int) {
	count, size := max(p.Count, 1), blockSize(samples)
	blocks := (samples + size - 1) / size
	return min(samples, p.Index*blocks/count*size), min(samples, (p.Index+1)*blocks/count*size)
}

// Valid says whether a tally that was read from a file is one: with the same outputs in every block of both networks, and as many samples.
func (t *Tally) Valid() bool {
	if t.Own == nil {
		return false
	}
	for _, n := range []*NetworkTally{t.Own, t.Other} {
		if n == nil {
			continue
		}
		if n.Answers == nil || n.Labels == nil || n.Samples < 0 || n.Steps < 1 || n.Steps != t.Own.Steps || n.Labelled < 0 || n.Samples != t.Own.Samples || len(n.Blocks) != len(t.Own.Blocks) {
			return false
		}
		for _, b := range n.Blocks {
			if len(b.Fits) != len(t.Own.Blocks[0].Fits) {
				return false
			}
		}
	}
	return true
}

// Join adds the tally of the samples that follow. It fails where that is of other networks or data.
func (t *Tally) Join(next *Tally) error {
	if (t.Other == nil) != (next.Other == nil) {
		return fmt.Errorf("finetune: join: one part compares two networks, the other does not")
	}
	if err := t.Own.join(next.Own); err != nil || t.Other == nil {
		return err
	}
	return t.Other.join(next.Other)
}

func (t *NetworkTally) join(next *NetworkTally) error {
	if t.HasMSE != next.HasMSE || t.HasTargets != next.HasTargets || t.Steps != next.Steps {
		return fmt.Errorf("finetune: join: the parts have different targets")
	}
	t.Samples += next.Samples
	t.Labelled += next.Labelled
	t.Right += next.Right
	t.Top5 += next.Top5
	t.Same += next.Same
	t.Answers.add(next.Answers)
	t.Labels.add(next.Labels)
	t.Blocks = append(t.Blocks, next.Blocks...)
	first := t.Blocks[:min(1, len(t.Blocks))]
	for _, b := range next.Blocks {
		if !slices.EqualFunc(b.Fits, first[0].Fits, func(a, b Fit) bool { return a.first == b.first }) {
			return fmt.Errorf("finetune: join: the parts have different targets")
		}
	}
	return nil
}

// total adds up the blocks.
func (t *NetworkTally) total() (s Sums) {
	for i, b := range t.Blocks {
		s.Errors.join(b.Errors)
		s.Distances.join(b.Distances)
		s.Compared.join(b.Compared)
		if i == 0 {
			s.Fits = slices.Clone(b.Fits)
			continue
		}
		for e := range s.Fits {
			s.Fits[e].targets.join(b.Fits[e].targets)
			s.Fits[e].squares += b.Fits[e].squares
		}
	}
	return s
}

// Fits say how well every output follows its targets; none where the data have no targets.
func (t *NetworkTally) Fits() []Fit { return t.total().Fits }

// Metrics are the results; there must be samples. Without another network the second ones are empty.
func (t *Tally) Metrics() (own, other Metrics) {
	own = t.Own.metrics()
	if t.Other != nil {
		other = t.Other.metrics()
		other.Agreement, other.Distance, other.DistanceError = own.Agreement, own.Distance, own.DistanceError
	}
	return own, other
}

func (t *NetworkTally) metrics() Metrics {
	n, sums := float64(t.Samples*t.Steps), t.total()
	m := Metrics{Samples: t.Samples, Steps: t.Steps, Labelled: t.Labelled, Answers: len(t.Answers), HasMSE: t.HasMSE, HasTargets: t.HasTargets}
	class, times := t.Answers.most()
	m.MostClass, m.Most = class, float64(times)/n
	_, times = t.Labels.most()
	m.MostLabel = float64(times) / float64(max(m.Labelled, 1))
	m.Accuracy = float64(t.Right) / float64(max(m.Labelled, 1))
	m.Top5 = float64(t.Top5) / float64(max(m.Labelled, 1))
	if t.HasMSE {
		m.MSE, m.MSEError = sums.Errors.mean(), sums.Errors.error()
	}
	if sums.Distances.n > 0 {
		m.Agreement, m.Distance, m.DistanceError = float64(t.Same)/n, sums.Distances.mean(), sums.Distances.error()
	}
	m.Spread = math.Sqrt(sums.Compared.variance())
	vary := 0
	for _, f := range sums.Fits {
		if r2 := f.R2(); !math.IsNaN(r2) {
			m.R2 += r2
			vary++
		}
	}
	if t.HasTargets {
		m.R2 /= float64(vary)
	}
	return m
}

// counts is how often each class was there.
type counts map[int]int

func (c counts) add(more counts) {
	for k, n := range more {
		c[k] += n
	}
}

// most is the class that was there most often, the least of equals, and how often.
func (c counts) most() (class, times int) {
	for k, n := range c {
		if n > times || n == times && k < class {
			class, times = k, n
		}
	}
	return class, times
}

// moments are sums of numbers and of their squares.
type moments struct {
	n            int
	sum, squares float64
}

func (m *moments) add(v float64) {
	m.n++
	m.sum += v
	m.squares += v * v
}

func (m *moments) join(o moments) {
	m.n += o.n
	m.sum += o.sum
	m.squares += o.squares
}

func (m *moments) mean() float64     { return m.sum / float64(max(m.n, 1)) }
func (m *moments) error() float64    { return standardError(m.sum, m.squares, m.n) }
func (m *moments) variance() float64 { return max(0, m.squares/float64(max(m.n, 1))-m.mean()*m.mean()) }

// MarshalJSON writes [count, sum, sum of squares].
func (m moments) MarshalJSON() ([]byte, error) {
	return json.Marshal([]Exact{Exact(m.n), Exact(m.sum), Exact(m.squares)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (m *moments) UnmarshalJSON(text []byte) error {
	var v []Exact
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	if len(v) != 3 {
		return fmt.Errorf("%d numbers, want 3 for count, sum and sum of squares", len(v))
	}
	*m = moments{int(v[0]), float64(v[1]), float64(v[2])}
	return nil
}

// Fit says how well an output follows its targets. Targets are counted from that of the first sample, so that a large mean costs no digits.
type Fit struct {
	first   float64
	targets moments
	squares float64 // of the errors
}

// newFits are those of samples of which the first has the given targets.
func newFits(first []float32) []Fit {
	fits := make([]Fit, len(first))
	for e, v := range first {
		fits[e].first = float64(v)
	}
	return fits
}

// add counts a sample.
func (f *Fit) add(got, want float64) {
	f.targets.add(want - f.first)
	f.squares += (got - want) * (got - want)
}

// MSE is the mean squared error.
func (f *Fit) MSE() float64 { return f.squares / float64(max(f.targets.n, 1)) }

// R2 is the coefficient of determination, NaN where the targets do not vary.
func (f *Fit) R2() float64 {
	if v := f.targets.variance(); v > 1e-12*f.targets.squares/float64(f.targets.n) {
		return 1 - f.squares/float64(f.targets.n)/v
	}
	return math.NaN()
}

// MarshalJSON writes [first target, count, sum and sum of squares of what targets are above it, sum of squared errors].
func (f Fit) MarshalJSON() ([]byte, error) {
	return json.Marshal([]Exact{Exact(f.first), Exact(f.targets.n), Exact(f.targets.sum), Exact(f.targets.squares), Exact(f.squares)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (f *Fit) UnmarshalJSON(text []byte) error {
	var v []Exact
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	if len(v) != 5 {
		return fmt.Errorf("%d numbers, want 5 for the fit of an output", len(v))
	}
	*f = Fit{float64(v[0]), moments{int(v[1]), float64(v[2]), float64(v[3])}, float64(v[4])}
	return nil
}

// Exact is a number that JSON keeps to the last bit; one that is none, or infinite, is a text.
type Exact float64

// MarshalJSON writes a number, or "NaN", "+Inf" or "-Inf".
func (v Exact) MarshalJSON() ([]byte, error) {
	if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
		return strconv.AppendQuote(nil, strconv.FormatFloat(f, 'g', -1, 64)), nil
	}
	return json.Marshal(float64(v))
}

// UnmarshalJSON reads what MarshalJSON writes.
func (v *Exact) UnmarshalJSON(text []byte) error {
	f, err := strconv.ParseFloat(string(bytes.Trim(text, `"`)), 64)
	*v = Exact(f)
	return err
}
