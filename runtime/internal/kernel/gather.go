package kernel

// gather moves channels whose rows of levels have gaps to where they follow each other without.
type gather struct {
	rows, cols, pitch int // pitch: bytes from a row to the next
	plane             int // bytes of a channel without gaps, or from one to the next
	strips            int // the rows of several lie side by side
	moves             *rowMoves
}

func newGather(v Vector, rows, cols, pitch int) gather {
	return gather{rows, cols, pitch, rows * cols, 1, newRowMoves(v, rows, cols, pitch, cols, 0, 0)}
}

// newStripGather is for channels of rows of 8 or 16 columns in strips, plane bytes apart in the end.
func newStripGather(rows, cols, strips, plane int) gather {
	long := rows / strips
	m := &rowMoves{groups: long, from: strips * cols, to: cols, bytes: cols}
	for i := range m.shuffle {
		m.shuffle[i] = byte(i)
	}
	return gather{long, cols, strips * cols, plane, strips, m}
}

// channels moves n channels, which are step bytes apart in line and take size bytes without gaps.
func (g *gather) channels(v Vector, dst, line []byte, n, step, size int) {
	if g.strips > 1 {
		for range g.strips {
			vectorMoveRows(v, dst, line, g.moves, n, g.plane, step)
			for range g.rows {
				dst = dst[g.cols:]
			}
			line = line[g.cols:]
		}
		return
	}
	if len(dst) >= size+depthSlack { // vectors write behind
		g.vector(v, dst, line, n, step)
		return
	}
	for ; n > 0; n-- {
		if len(dst) >= g.plane+depthSlack {
			g.vector(v, dst, line, 1, step)
		} else {
			gatherRows(dst[:g.plane], line, g.rows, g.cols, g.pitch)
		}
		dst, line = dst[g.plane:], line[min(step, len(line)):]
	}
}

// vector is channels with vectors, which write up to depthSlack bytes more.
func (g *gather) vector(v Vector, dst, line []byte, n, step int) {
	if g.moves != nil {
		vectorMoveRows(v, dst, line, g.moves, n, g.plane, step)
		return
	}
	vectorGather(v, dst, line, n, g.rows, g.cols, g.pitch, step)
}

// gatherRows copies rows of cols bytes that are pitch bytes apart.
func gatherRows(dst, line []byte, rows, cols, pitch int) {
	for ; rows > 0; rows-- {
		copy(dst[:cols], line)
		dst = dst[cols:]
		line = line[min(pitch, len(line)):]
	}
}

// rowMoves moves the rows of a small channel, a group of them at a time. Assembly knows the
// order of fields.
type rowMoves struct {
	shuffle  [moveBytes]byte // where a byte comes from; 0x80: from nowhere
	add      [moveBytes]byte // what is added to it
	groups   int
	from, to int // bytes from a group to the next
	bytes    int // that are written: 8 or moveBytes
}

// moveBytes is the size of a group, with what lies behind it.
const moveBytes = 16

// newRowMoves prepares rows of cols bytes, which are from bytes apart and will be to bytes apart.
// data is added to them, the bytes between and behind become gap, but none beyond a group. It
// returns nil where v cannot do that, or not faster.
func newRowMoves(v Vector, rows, cols, from, to int, data, gap byte) *rowMoves {
	n := min(rows, moveBytes) // rows of a group
	for n > 0 && (rows%n != 0 || (n-1)*max(from, to)+cols > moveBytes) {
		n--
	}
	if n == 0 || !v.has().movesRows {
		return nil
	}
	m := &rowMoves{groups: rows / n, from: n * from, to: n * to, bytes: moveBytes}
	for i := range moveBytes {
		m.shuffle[i], m.add[i] = 0x80, gap
		if row, col := i/to, i%to; row < n && col < cols {
			m.shuffle[i], m.add[i] = byte(row*from+col), data
		}
	}
	return m
}

// moveRows moves a number of channels, which are toStep bytes apart in dst and fromStep bytes in src. It
// reads and writes up to moveBytes bytes behind the rows.
func moveRows(dst, src []byte, m *rowMoves, channels, toStep, fromStep int) {
	for c := range channels {
		for g := range m.groups {
			in, out := src[c*fromStep+g*m.from:], dst[c*toStep+g*m.to:]
			for i, from := range m.shuffle[:m.bytes] {
				out[i] = m.add[i]
				if from < moveBytes {
					out[i] += in[from]
				}
			}
		}
	}
}
