package dataset

import (
	"fmt"
	"slices"

	"qconv/finetune/features"
)

// Sequence says how samples are made of recordings: rows of numbers in time, each a step, as in a CSV file with a row for each step,
// or the samples of a WAV file. The zero value takes a recording as one sample.
type Sequence struct {
	// Window is how many steps a sample has, and Hop how many further the next one begins; both 0 do not cut recordings. A Hop of 0 is a Window, and
	// a Window of 0 that of the network's input. Steps that fill no window at the end of a recording are passed over. No window spans two recordings or a gap in one.
	Window, Hop int
	// Columns names those of a table that enter the network, as a,b,c, in this order; empty means all but labels and targets.
	Columns string
	// LabelColumn names the column of a table that holds the labels, several a,b,c with targets, or - for none; empty means the one by the customary
	// name, or the last where there is one more than the network takes.
	LabelColumn string
	// Majority labels a window by the label that most of its steps have, of several the one that comes first; without it by that of its last step. Targets are
	// those of the last step. A network with an output for every step gets the labels of all.
	Majority bool
	// Order of samples is "ntc" (steps, then values of a step), "nct", or "" to decide by the network's input, steps first where both fit.
	Order string
	// Pad appends zeros to recordings that are shorter than a sample, to sound before its features are computed.
	Pad bool
	// Features are computed of sound, whose steps their frames then are; nil takes the samples of sound themselves, -1..1.
	Features *features.Extractor
}

// cuts says whether recordings are cut into windows.
func (s Sequence) cuts() bool { return s.Window > 0 || s.Hop > 0 }

// check reports the first value that makes no sense.
func (s Sequence) check() error {
	switch {
	case s.Window < 0:
		return fmt.Errorf("the window is %d steps, want at least 1", s.Window)
	case s.Hop < 0:
		return fmt.Errorf("the hop is %d steps, want at least 1", s.Hop)
	case s.Order != "" && s.Order != "ntc" && s.Order != "nct":
		return fmt.Errorf("the order is %q, want \"ntc\" or \"nct\"", s.Order)
	}
	return nil
}

// form is how a sample is made of steps.
type form struct {
	steps, width  int   // 0 steps: as many as a recording has
	channelsFirst bool  // [width][steps], not [steps][width]
	shape         []int // of the sample
}

// formWith is the form of samples with so many values in a step, and steps where they are not 0, for the network's input. It fails where that
// takes no such samples.
func (o Options) formWith(width, steps int) (f form, ok bool) {
	f = form{steps: steps, width: width, shape: slices.Clone(o.Shape)}
	if len(o.Shape) == 0 {
		if f.channelsFirst = o.Order == "nct"; f.channelsFirst {
			f.shape = []int{width, steps}
		} else {
			f.shape = []int{steps, width}
		}
		return f, true
	}
	n := elems(o.Shape)
	if width < 1 || n%width != 0 || steps > 0 && n/width != steps {
		return f, false
	}
	f.steps = n / width
	dims := withoutOnes(o.Shape)
	first := slices.Equal(dims, withoutOnes([]int{f.steps, width})) || len(dims) == 1 // a vector takes them one step after the other
	last := slices.Equal(dims, withoutOnes([]int{width, f.steps}))
	f.channelsFirst = last && (!first || o.Order == "nct")
	return f, (first || last) && (o.Order == "" || len(dims) < 2 || f.channelsFirst == (o.Order == "nct"))
}

// remedy says what to do with sequences of another length than the network takes, and otherwise what else there is to say of samples of this shape.
func (o Options) remedy(shape []int, otherwise string) string {
	dims := withoutOnes(shape)
	if len(dims) == 1 {
		dims = append(dims, 1)
	}
	if len(dims) != 2 || len(withoutOnes(o.Shape)) == 0 {
		return otherwise
	}
	f, ok := o.formWith(dims[1], 0)
	if !ok || f.steps < 2 || f.steps >= dims[0] {
		return otherwise
	}
	return fmt.Sprintf("if these are %d steps of %d values, cut them into windows with --window %d --hop N", dims[0], dims[1], f.steps)
}

// stepWidth is how many of so many columns are likely to enter the network in a step.
func (o Options) stepWidth(columns int) int {
	if len(o.Shape) == 0 {
		return columns
	}
	if n := elems(o.Shape); o.Window > 0 && n%o.Window == 0 {
		return n / o.Window
	}
	dims := withoutOnes(o.Shape)
	if len(dims) < 2 {
		return 1
	}
	for _, extra := range []int{0, 1} {
		if f, ok := o.formWith(columns-extra, 0); ok && f.steps > 1 {
			return f.width
		}
	}
	if o.Order == "nct" {
		return dims[0]
	}
	return dims[len(dims)-1]
}

// formOf is the form of samples with so many values in a step, as the options want it.
func (p *opener) formOf(width int) (form, error) {
	f, ok := p.o.formWith(width, p.o.Window)
	if ok {
		return f, nil
	}
	one := valuesText(width)
	switch any, fits := p.o.formWith(width, 0); {
	case fits && p.o.Window > 0:
		return f, fmt.Errorf("windows of %d steps of %s, the network's input %v wants %d steps: say --window %d", p.o.Window, one, p.o.Shape, any.steps, any.steps)
	case p.o.Window > 0:
		return f, fmt.Errorf("windows of %d steps of %s, the network's input wants %v", p.o.Window, one, p.o.Shape)
	}
	return f, fmt.Errorf("steps of %s, the network's input wants %v: [steps, values] or [values, steps] of a sample", one, p.o.Shape)
}

// valuesText is so many values in words.
func valuesText(n int) string {
	if n == 1 {
		return "1 value"
	}
	return fmt.Sprintf("%d values", n)
}

// cut adds the windows of a recording with so many steps to those before it, or says why it has none.
func (p *opener) cut(f form, steps int, add func(first int)) error {
	want := f.steps
	if want == 0 {
		want = steps
	}
	switch {
	case steps == 0:
		return fmt.Errorf("holds no steps")
	case steps < want && p.o.Pad:
		add(0)
		return nil
	case steps < want:
		return fmt.Errorf("%d steps of %s, want %d steps (--pad appends zeros)", steps, valuesText(f.width), want)
	case !p.o.cuts() && steps > want:
		return fmt.Errorf("%d steps of %s, the network's input %v wants %d steps: cut it into windows with --window %d --hop N", steps, valuesText(f.width), p.o.Shape, want, want)
	case !p.o.cuts():
		add(0)
		return nil
	}
	hop := p.o.Hop
	if hop == 0 {
		hop = want
	}
	for first := 0; first+want <= steps; first += hop {
		add(first)
	}
	return nil
}
