package kernel

// stepKind is what happens behind the taps of a step. Without vectors a segment of byte rows is a list of steps:
//
//	step = adds + subs<<8, { bias + bias<<8 if subs > 0 }, taps to subtract, taps to add, shift + kind<<8
//
// The rows of a step are added to s, or subtracted from it, in byte lanes, and bias is added to every lane. bias is the most that
// is subtracted, and indices of a group of steps cannot sum to more than 255, so that nothing is carried from one lane to
// the next. A group is put together by doubling s, as planes are; then it is added to the sums of the segment:
//
//	T = T<<shift + s, D = D<<shift + (s>>8 & low8)
//
// Offsets of the segment are the biases, so that in the end D holds the odd lanes and T - D<<8 the even ones.
type stepKind uint16

const (
	stepMiddle stepKind = iota
	stepFirst           // there are no sums yet
	stepLast            // the segment ends
	stepOnly            // both
	stepDouble          // s <<= shift; the group goes on
)

// maxByteLane is the largest sum of a byte lane.
const maxByteLane = 255

// tapCursor is what is left of a tapList.
type tapCursor struct {
	rows  []uint16
	spans []tapSpan
	taken int // rows of the first span
}

func (l *tapList) cursor() tapCursor { return tapCursor{rows: l.rows, spans: l.spans} }

// take splits off as many rows as have a sum of at most limit.
func (c *tapCursor) take(limit int64) (rows []uint16, sum int64) {
	n := 0
	for len(c.spans) > 0 {
		s := c.spans[0]
		left := s.n - c.taken
		for left > 0 && sum+s.top <= limit {
			sum += s.top
			left--
			n++
		}
		if left > 0 {
			c.taken = s.n - left
			break
		}
		c.spans, c.taken = c.spans[1:], 0
	}
	rows, c.rows = c.rows[:n], c.rows[n:]
	return rows, sum
}

// step is a step before it is written.
type step struct {
	sub, add []uint16
	bias     int64
	shift    int
	kind     stepKind
}

// stepWriter writes segments as steps.
type stepWriter struct{ steps []step }

// write appends the steps of s to prog.
func (w *stepWriter) write(prog []uint16, s *segment) []uint16 {
	w.plan(s)
	for i := range w.steps {
		t := &w.steps[i]
		prog = append(prog, uint16(len(t.add)|len(t.sub)<<8))
		if len(t.sub) > 0 {
			prog = append(prog, uint16(t.bias|t.bias<<8))
		}
		prog = append(prog, t.sub...)
		prog = append(prog, t.add...)
		prog = append(prog, uint16(t.shift)|uint16(t.kind)<<8)
	}
	return prog
}

// zeroRow is a list with the row of zeros.
var zeroRow = []uint16{0}

// plan cuts s into steps.
func (w *stepWriter) plan(s *segment) {
	w.steps = w.steps[:0]
	used := int64(0)         // of the byte lanes of the latest group
	shift, begun := 0, false // binary digits since the latest group that was added to the sums, if there is one
	for i := range s.planes {
		p := &s.planes[i]
		more := false // the latest group goes on
		if i > 0 {
			more = p.shift < 8 && used<<p.shift <= maxByteLane && p.groups(used<<p.shift) <= p.groups(0)
			if more {
				last := &w.steps[len(w.steps)-1]
				last.kind, last.shift = stepDouble, p.shift
				used <<= p.shift
				shift += p.shift
			}
		}
		add, sub := p.add.cursor(), p.sub.cursor()
		for first := true; first || len(add.rows)+len(sub.rows) > 0; first = false {
			var t step
			if !(first && more) {
				if len(w.steps) > 0 {
					w.spill(&shift, &begun)
				}
				used = 0
				if first && i > 0 {
					shift += p.shift
				}
			}
			n := int64(0)
			t.sub, t.bias = sub.take(maxByteLane - used)
			t.add, n = add.take(maxByteLane - used - t.bias)
			used += t.bias + n
			if len(t.add)+len(t.sub) == 0 && !more {
				t.add = zeroRow
			}
			w.steps = append(w.steps, t)
		}
	}
	if len(s.planes) == 0 {
		w.steps = append(w.steps, step{add: zeroRow})
	}
	w.spill(&shift, &begun)
	last := &w.steps[len(w.steps)-1]
	last.kind += stepLast
}

// spill lets the latest step add its group to the sums.
func (w *stepWriter) spill(shift *int, begun *bool) {
	t := &w.steps[len(w.steps)-1]
	if *begun {
		t.shift, t.kind = *shift, stepMiddle
	} else {
		t.shift, t.kind = 0, stepFirst
	}
	*shift, *begun = 0, true
}

// groups is the number of groups that the rows of p take, where that much of the first one is used.
func (p *programPlane) groups(used int64) int {
	add, sub := p.add.cursor(), p.sub.cursor()
	n := 0
	for first := true; first || len(add.rows)+len(sub.rows) > 0; first = false {
		_, a := sub.take(maxByteLane - used)
		add.take(maxByteLane - used - a)
		used = 0
		n++
	}
	return n
}
