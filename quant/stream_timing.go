package quant

import (
	"fmt"

	"qconv/runtime"
)

// ratio is a positive or negative fraction in lowest terms, with a positive denominator.
type ratio struct{ num, den int }

func newRatio(num, den int) ratio {
	if den < 0 {
		num, den = -num, -den
	}
	if g := gcd(max(num, -num), den); g > 1 {
		num, den = num/g, den/g
	}
	return ratio{num, den}
}

func whole1(n int) ratio             { return ratio{n, 1} }
func (r ratio) times(n, d int) ratio { return newRatio(r.num*n, r.den*d) }
func (r ratio) plus(o ratio) ratio   { return newRatio(r.num*o.den+o.num*r.den, r.den*o.den) }
func (r ratio) less(o ratio) bool    { return r.num*o.den < o.num*r.den }
func (r ratio) ceil() int            { return -floorDiv(-r.num, r.den) }
func (r ratio) floor() int           { return floorDiv(r.num, r.den) }

func floorDiv(a, b int) int {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// timeKind says how a tensor of a program over a window goes with time.
type timeKind uint8

const (
	unknownTime timeKind = iota
	fixed                // the same in every window
	timed                // positions in time: those of the window one frame later are the same, one further on
	wholeWindow          // depends on the window and has no positions in time
	perStep              // of the body of a loop over time: the value of one position
)

// timing is how a tensor goes with time. Of a wholeWindow only first and early count: the first frame of the window that it is made of, and whether that is more than
// frames. A timed tensor is seen as [outer][n][inner]: n positions in time, inner elements from one to the next.
type timing struct {
	kind     timeKind
	n, inner int
	stride   ratio // input frames from one position to the next
	first    ratio // the first input frame that position 0 is made of; padding counts as frames
	early    int   // positions before this one are made of padding, or of what a recurrence begins with
	endless  bool  // made by a recurrence: of all frames before
	// The first lead positions are padding that comes before the first frame, all of one level.
	lead, leadLevel int
}

// paddedBy is the level that stands before the positions of t for a reader that wants a level there, or does not care with -1.
func (t *timing) paddedBy(level int) int {
	if level < 0 && t.lead > 0 {
		return t.leadLevel
	}
	return level
}

// timePlace is where the positions of a timed tensor stand in its shape: dimension axis is [before][n][after].
type timePlace struct{ axis, before, n, after int }

// placeIn finds the positions of t in a shape; false where they are no part of one dimension.
func (t *timing) placeIn(shape [3]int) (timePlace, bool) {
	suffix := 1
	for d := 2; d >= 0; d-- {
		if t.inner%suffix == 0 {
			after := t.inner / suffix
			if size := t.n * after; after <= shape[d] && shape[d]%size == 0 && t.n > 1 {
				return timePlace{d, shape[d] / size, t.n, after}, true
			}
		}
		suffix *= shape[d]
	}
	return timePlace{}, false
}

// full says that a place is a dimension of its own.
func (p timePlace) full() bool { return p.before == 1 && p.after == 1 }

// with is a shape with another number of positions.
func (p timePlace) with(shape [3]int, positions int) [3]int {
	shape[p.axis] = p.before * positions * p.after
	return shape
}

// split is an element of a timed tensor as its position in time, and which of the elements of a position it is.
func (t *timing) split(elem int) (k, rest int) {
	return elem / t.inner % t.n, elem/(t.inner*t.n)*t.inner + elem%t.inner
}

// join is the inverse of split, in a tensor of as many positions.
func (t *timing) join(k, rest, positions int) int {
	return (rest/t.inner*positions+k)*t.inner + rest%t.inner
}

// fits says whether the shape of a tensor can carry t.
func (t *timing) fits(tensor *runtime.Tensor) bool {
	_, ok := t.placeIn(tensor.Shape)
	return ok
}

// LookAheadError says that a program over a window is no stream: something needs frames that come later than what it is for.
type LookAheadError struct {
	What   string // the layer or instruction, with shapes
	Frames int    // of look-ahead; 0 for all of the window
	along  string // the dimension that was tried as time
}

func (e *LookAheadError) Error() string {
	switch e.Frames {
	case 0:
		return fmt.Sprintf("quant: stream: %s goes backwards in time%s: it needs the whole window before its first step", e.What, e.along)
	case 1:
		return fmt.Sprintf("quant: stream: %s looks 1 frame ahead%s: pad it on the left alone, by (kernel-1)*dilation", e.What, e.along)
	}
	return fmt.Sprintf("quant: stream: %s looks %d frames ahead%s: pad it on the left alone, by (kernel-1)*dilation", e.What, e.Frames, e.along)
}

// StreamError says why a program cannot be one step of a stream.
type StreamError struct{ reason string }

func (e *StreamError) Error() string { return "quant: stream: " + e.reason }
