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

// stepWriter writes segments as steps.
type stepWriter struct {
	room  int // rows of a group
	buf   []uint16
	at    int  // how much of it is written
	tail  int  // where the tail of the latest step is
	used  int  // rows of the latest group, those counted twice that are doubled
	shift int  // binary digits since the latest group that was added to the sums
	begun bool // there is one
}

// write appends the steps of s to prog.
func (w *stepWriter) write(prog []uint16, s *segment) []uint16 {
	size := 3 // entries; steps have three besides rows
	for i := range s.planes {
		p := &s.planes[i]
		size += 3 + 4*(len(p.add.rows)+len(p.sub.rows))
	}
	if len(w.buf) < size {
		w.buf = make([]uint16, 2*size)
	}
	w.at, w.shift, w.begun = 0, 0, false
	for i := range s.planes {
		w.plane(&s.planes[i], i == 0)
	}
	if len(s.planes) == 0 {
		w.zeros()
	}
	w.spill()
	w.buf[w.tail] += uint16(stepLast) << 8
	return append(prog, w.buf[:w.at]...)
}

// plane writes the steps of a plane. The latest group goes on where that saves one.
func (w *stepWriter) plane(p *programPlane, first bool) {
	add, sub := tapCursor{rows: p.add.rows, spans: p.add.spans}, tapCursor{rows: p.sub.rows, spans: p.sub.spans}
	left := len(add.rows) + len(sub.rows)
	last := left // rows of the last group of the plane
	for last > w.room {
		last -= w.room
	}
	switch {
	case first:
		w.used = 0
	case p.shift < 8 && w.used<<p.shift+last <= w.room:
		w.buf[w.tail] = uint16(p.shift) | uint16(stepDouble)<<8
		w.used <<= p.shift
		w.shift += p.shift
		if left == 0 {
			w.step(&sub, &add, 0, 0)
			return
		}
	default:
		w.spill()
		w.used, w.shift = 0, p.shift
	}
	if left == 0 {
		w.zeros()
		return
	}
	for {
		n := min(w.room-w.used, left)
		left -= n
		w.used += n
		subs := min(n, len(sub.rows))
		w.step(&sub, &add, subs, n-subs)
		if left == 0 {
			return
		}
		w.spill()
		w.used = 0
	}
}

// spill adds the latest group to the sums.
func (w *stepWriter) spill() {
	if w.begun {
		w.buf[w.tail] = uint16(w.shift) | uint16(stepMiddle)<<8
	} else {
		w.buf[w.tail] = uint16(stepFirst) << 8
	}
	w.shift, w.begun = 0, true
}

// zeros writes a step that adds the row of zeros.
func (w *stepWriter) zeros() {
	w.buf[w.at], w.buf[w.at+1] = 1, 0
	w.at += 3
	w.tail = w.at - 1
}

// step writes a step of so many rows to subtract and to add. Its tail is not known yet.
func (w *stepWriter) step(sub, add *tapCursor, subs, adds int) {
	buf := w.buf[w.at:][: subs+adds+3 : subs+adds+3]
	buf[0] = uint16(adds | subs<<8)
	w.at += 2 + adds
	buf = buf[1:]
	if subs > 0 {
		bias := sub.take(buf[1:], subs)
		buf[0] = uint16(bias | bias<<8)
		buf = buf[1+subs:]
		w.at += 1 + subs
	}
	add.take(buf, adds)
	w.tail = w.at - 1
}

// tapCursor is what is left of a tapList.
type tapCursor struct {
	rows  []uint16
	spans []tapSpan
	taken int // rows of the first span
}

// take copies the next n rows to dst and returns the most that they can be together.
func (c *tapCursor) take(dst []uint16, n int) (sum int) {
	dst = dst[:n]
	for i, row := range c.rows[:n] {
		dst[i] = row
	}
	c.rows = c.rows[n:]
	if len(c.spans) == 1 {
		return n * int(c.spans[0].top)
	}
	for n > 0 {
		s := &c.spans[0]
		m := min(n, s.n-c.taken)
		sum += m * int(s.top)
		n -= m
		if c.taken += m; c.taken == s.n {
			c.spans, c.taken = c.spans[1:], 0
		}
	}
	return sum
}
