package kernel

// stepKind is what happens behind the taps of a step. Without vectors a segment of byte rows is a list of steps:
//
//	step = adds + subs<<8, { bias + bias<<8 if subs > 0 }, taps to subtract, taps to add, shift + kind<<8
//
// The rows of a step are added to s, or subtracted from it, in byte lanes, and bias is added to every lane. It is the most that can be
// subtracted: the rows times the largest index of all. Indices of a group of steps cannot sum to more than 255, so that nothing is carried from one lane to
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
	room   int      // rows of a group
	biases []uint16 // by the number of rows to subtract
	buf    []uint16
	at     int  // how much of it is written
	tail   int  // where the tail of the latest step is
	used   int  // rows of the latest group, those counted twice that are doubled
	shift  int  // binary digits since the latest group that was added to the sums
	begun  bool // there is one
}

// newStepWriter is for rows of indices that are at most top.
func newStepWriter(top int) stepWriter {
	w := stepWriter{room: maxByteLane / top}
	for n := range w.room + 1 {
		w.biases = append(w.biases, uint16(n*top|n*top<<8))
	}
	return w
}

// write appends the steps of s to prog.
func (w *stepWriter) write(prog []uint16, s *segment) []uint16 {
	size := 3
	for i := range s.planes {
		p := &s.planes[i]
		size += w.entries(len(p.add.rows) + len(p.sub.rows))
	}
	if len(w.buf) < size {
		w.buf = make([]uint16, 2*size)
	}
	w.start(w.buf)
	for i := range s.planes {
		p := &s.planes[i]
		w.plane(p.shift, p.sub.rows, p.add.rows, i == 0)
	}
	if len(s.planes) == 0 {
		w.zeros()
	}
	return append(prog, w.buf[:w.end()]...)
}

// entries is the most that the steps of a plane of n rows take.
func (w *stepWriter) entries(n int) int { return n + 3*max(1, ceilDiv(n, w.room)) }

// start begins a segment at the front of buf.
func (w *stepWriter) start(buf []uint16) { w.buf, w.at, w.shift, w.begun = buf, 0, 0, false }

// end ends the segment and returns its length.
func (w *stepWriter) end() int {
	w.spill()
	w.buf[w.tail] += uint16(stepLast) << 8
	return w.at
}

// plane writes the steps of a plane, the first one of its segment or shift digits behind the one before. The latest group goes on
// where that saves one. The rows to subtract and to add may lie in buf, in this order and so far behind what is written as steps
// take entries besides rows.
func (w *stepWriter) plane(shift int, sub, add []uint16, first bool) {
	left := len(add) + len(sub)
	last := left // rows of the last group of the plane
	for last > w.room {
		last -= w.room
	}
	switch {
	case first:
		w.used = 0
	case shift < 8 && w.used<<(shift&7)+last <= w.room:
		w.buf[w.tail] = uint16(shift) | uint16(stepDouble)<<8
		w.used <<= shift & 7
		w.shift += shift
		if left == 0 {
			w.step(nil, nil)
			return
		}
	default:
		w.spill()
		w.used, w.shift = 0, shift
	}
	if left == 0 {
		w.zeros()
		return
	}
	for {
		n := min(w.room-w.used, left)
		left -= n
		w.used += n
		subs := min(n, len(sub))
		w.step(sub[:subs], add[:n-subs])
		if left == 0 {
			return
		}
		sub, add = sub[subs:], add[n-subs:]
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

// step writes a step of these rows to subtract and to add. Its tail is not known yet.
func (w *stepWriter) step(sub, add []uint16) {
	buf := w.buf[w.at:]
	buf[0] = uint16(len(add) | len(sub)<<8)
	w.at += 2 + len(add)
	buf = buf[1:]
	if len(sub) > 0 {
		buf[0] = w.biases[len(sub)]
		copyRows(buf[1:], sub)
		buf = buf[1+len(sub):]
		w.at += 1 + len(sub)
	}
	copyRows(buf, add)
	w.tail = w.at - 1
}

// copyRows copies the few rows of a step, first ones first: dst may be some of the same memory, before them.
func copyRows(dst, rows []uint16) {
	dst = dst[:len(rows)]
	for len(rows) >= 4 {
		d, r := (*[4]uint16)(dst), (*[4]uint16)(rows)
		d[0] = r[0]
		d[1] = r[1]
		d[2] = r[2]
		d[3] = r[3]
		dst, rows = dst[4:], rows[4:]
	}
	for i, r := range rows {
		dst[i] = r
	}
}
