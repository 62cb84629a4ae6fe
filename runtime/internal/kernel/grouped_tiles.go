package kernel

import "fmt"

// tiling is a way to cut the positions of a grid into tiles whose rows fit in a buffer.
type tiling struct {
	rows, cols int // positions of a tile
	strips     int // runs of rows that lie side by side, see stripCount
	total      [2]int
	pitch      int // bytes of a row, or of one of every strip
	words      int // of the lanes of a tile
	maps       []planeMap
	base       []int // byte offset of each term in the buffer
	bytes      int   // of the buffer
	cost       int
}

// wideTile is the most bytes of a row of positions; longer ones are cut into tiles.
const wideTile = 256

// passWords is the number of words that sums spends its time on when asked for n.
func (k *Grouped) passWords(n int) int {
	if m := k.vector.laneWords(); m > 1 {
		return ceilDiv(n, m) * m
	}
	if n%4 == 3 || k.vector.has().tapUnit == 1 {
		n += n & 1 // blocks are of 4 or 2 words
	}
	return n
}

// passCost is the cost of one tap on n words: a load and an addition per word, and the
// address once per pass.
func (k *Grouped) passCost(n int) int {
	if m := k.vector.laneWords(); m > 1 {
		n /= m
		if k.vector == NEON {
			return n + ceilDiv(n, 4) + 2*ceilDiv(n, 8) // one load of up to four
		}
		return n + ceilDiv(n, 8)
	}
	c := n / 4 * (4 + 1)
	if n&2 != 0 {
		c += 2 + 1
	}
	if n&1 != 0 {
		c += 1 + 1
	}
	return c
}

// chooseTiles finds the cheapest tiling of a grid of rows x cols positions.
func (k *Grouped) chooseTiles(l *Layer, axes [][2]axis, rows, cols, digits int) (*tiling, error) {
	width := k.laneBytes()
	side := max(1, ceilDiv(cols*width, wideTile))
	var best *tiling
	for {
		tileCols := ceilDiv(cols, side)
		for n := 1; n <= rows; n++ {
			if r := ceilDiv(rows, ceilDiv(rows, n)); r != n {
				continue // a smaller tile needs no more tiles
			}
			t := k.layout(l, axes, n, k.stripCount(axes, n, tileCols, rows, cols), tileCols, rows, cols)
			if t.bytes > maxTapRows || best != nil && k.rowsMost > 0 && t.bytes > max(k.rowsMost, best.bytes) {
				break
			}
			t.cost = k.tilingCost(l, axes, t, digits)
			if best == nil || t.cost < best.cost {
				best = t
			}
		}
		if best != nil {
			return best, nil
		}
		if tileCols == 1 {
			return nil, fmt.Errorf("kernel: grouped: rows of one position take more than %d bytes", maxTapRows)
		}
		side *= 2
	}
}

// stripCount is the number of strips of a tile. Rows shorter than a vector would make most
// taps, which are one row or several apart, meet vectors that lie across two lines of the cache. So the rows of
// a tile are divided into as many runs as fill a vector, which lie side by side: one row of
// each, then the next one of each.
func (k *Grouped) stripCount(axes [][2]axis, rows, cols, totalRows, totalCols int) int {
	width := cols * k.laneBytes()
	if !k.strips || k.groupUnits == 0 || cols != totalCols || width != 8 && width != 16 {
		return 1
	}
	tall := false
	for _, a := range axes {
		if !k.vectorFills(a[1]) {
			return 1 // rows that are written one by one do not lie in strips
		}
		tall = tall || len(a[0].at) > 1
	}
	if n := k.vector.laneWords() * k.vector.wordBytes() / width; tall && rows%n == 0 && totalRows%rows == 0 {
		return n
	}
	return 1
}

// rowAlign is the alignment of the rows of a plane, in bytes.
func (k *Grouped) rowAlign() int { return max(tapBytes, k.vector.laneWords()*k.vector.wordBytes()) }

func alignUp(n, align int) int { return ceilDiv(n, align) * align }

// layout places the planes of all terms for tiles of rows x cols positions.
func (k *Grouped) layout(l *Layer, axes [][2]axis, rows, strips, cols, totalRows, totalCols int) *tiling {
	t := &tiling{rows: rows, strips: strips, cols: cols, total: [2]int{totalRows, totalCols}}
	t.pitch = ceilDiv(strips*cols*k.laneBytes(), tapBytes) * tapBytes
	long, word := rows/strips, k.vector.wordBytes()
	t.words = k.passWords(ceilDiv(long*t.pitch, word))
	at := alignUp(t.words*word, k.rowAlign()) // a row of zeros, for the taps that fill up a unit
	sections := sections(l)
	for i := range l.Terms {
		term := &l.Terms[i]
		m := newPlaneMap(term, axes[i][0], axes[i][1], long, t.pitch, cols, totalCols, k.rowAlign())
		t.maps = append(t.maps, m)
		t.base = append(t.base, at)
		at += min(term.Shape[0]/sections, maxTapRows) * m.bytes
		if at > maxTapRows {
			t.bytes = at
			return t
		}
	}
	// Passes may read beyond the last row.
	t.bytes = ceilDiv(at+t.words*word-long*t.pitch, word) * word
	return t
}

// groupedTermCost is what a term takes without vectors, however small it is, in additions of words.
const groupedTermCost = 600

// tilingCost estimates the time of a tiling in additions of words.
func (k *Grouped) tilingCost(l *Layer, axes [][2]axis, t *tiling, digits int) int {
	fill := 0
	for i := range l.Terms {
		lines := 0
		for _, p := range t.maps[i].planes {
			lines += t.rows + p.rows*t.strips
		}
		fill += l.Terms[i].Shape[0] * lines * (8 + t.cols*max(1, axes[i][1].stride*4)/8)
	}
	add := k.passCost(t.words) * digits
	if k.groupUnits > 0 {
		add += add / (2 * k.groupUnits) // moving groups to 16-bit lanes
	}
	if t.bytes > k.vector.has().cache {
		add += add / 4
	}
	finish := l.Out[0] * t.rows * t.cols * 3
	tiles := ceilDiv(t.total[0], t.rows) * ceilDiv(t.total[1], t.cols)
	cost := tiles * (fill + add + finish + l.Out[0]*k.vector.has().channelCost + k.expand)
	if !k.vector.any() {
		cost += len(l.Terms) * groupedTermCost
	}
	return cost
}
