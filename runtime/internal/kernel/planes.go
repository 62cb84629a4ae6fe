package kernel

// planes describe how the inputs of a [Grouped] kernel are laid out as rows for taps.
//
// A plane holds, for one input channel, what one kernel column meets: row j of it lists
// the input at rows first+j*strideY and columns x*strideX+tx, x = 0..cols-1. Kernel rows
// that differ by a multiple of the stride read the same plane at different rows. Places
// outside the input hold the index worth zero. Rows are padded to the pitch, so that
// every row starts at an address a tap can name.
type plane struct {
	first int // input row of plane row 0 in the first tile
	off   int // byte offset within the planes of a channel
	rows  int // plane rows beyond those of the tile
	cols  []colRange
}

// colRange is the part of a plane row that lies inside the input, for one column of tiles.
type colRange struct {
	lo, hi int // columns of the tile
	from   int // input column that lo meets
}

// axis is the geometry of a term along one axis on a grid of output positions
// start, start+period, ...: position i meets the input at i*stride+at[k] with kernel
// coordinate k, where ok[k].
type axis struct {
	stride int
	at     []int
	ok     []bool
}

// newAxis restricts axis a of t to the positions start, start+period, ..., where period
// makes the input coordinate advance by whole numbers.
func newAxis(t *Term, a, start, period int) axis {
	x := axis{stride: period * t.Stride[a] / t.Up[a]}
	for k := range t.Kernel[a] {
		n := start*t.Stride[a] - t.Pad[a] + k*t.Dilation[a]
		d := floorDiv(n, t.Up[a])
		x.at = append(x.at, d)
		x.ok = append(x.ok, d*t.Up[a] == n)
	}
	return x
}

func floorDiv(a, b int) int {
	d := a / b
	if d*b > a {
		d--
	}
	return d
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// planeMap says where the taps of one term find their rows.
type planeMap struct {
	planes []plane
	bytes  int     // of all planes of a channel
	at     [][]int // [KH][KW]: byte offset within the channel, or -1
}

// newPlaneMap lays out the planes of a term for tiles of rows x cols positions whose
// rows take pitch bytes. tiles is the number of tiles side by side, total the number of
// positions in a row of the grid. Planes start at multiples of align bytes.
func newPlaneMap(t *Term, y, x axis, rows, pitch, cols, total, align int) planeMap {
	var m planeMap
	type key struct{ phase, tx int }
	type span struct{ lo, hi int }
	spans := map[key]span{}
	var order []key
	split := func(ky int) (phase, row int) {
		row = floorDiv(y.at[ky], y.stride)
		return y.at[ky] - row*y.stride, row
	}
	for kx := range x.at {
		for ky := range y.at {
			if !x.ok[kx] || !y.ok[ky] {
				continue
			}
			phase, row := split(ky)
			k := key{phase, x.at[kx]}
			if s, found := spans[k]; found {
				spans[k] = span{min(s.lo, row), max(s.hi, row)}
			} else {
				spans[k] = span{row, row}
				order = append(order, k)
			}
		}
	}
	offs := map[key]int{}
	for _, k := range order {
		s := spans[k]
		p := plane{first: s.lo*y.stride + k.phase, off: m.bytes, rows: s.hi - s.lo}
		for x0 := 0; x0 < total; x0 += cols {
			n := min(cols, total-x0)
			base := x0*x.stride + k.tx // input column of tile column 0
			lo := min(n, max(0, ceilDiv(-base, x.stride)))
			hi := max(lo, min(n, ceilDiv(t.Shape[2]-base, x.stride)))
			p.cols = append(p.cols, colRange{lo, hi, base + lo*x.stride})
		}
		offs[k] = m.bytes
		// Rows beyond any buffer need no exact count.
		m.bytes = min(m.bytes+alignUp(min(rows+p.rows, maxTapRows)*pitch, align), 2*maxTapRows)
		m.planes = append(m.planes, p)
	}
	for ky := range y.at {
		line := make([]int, len(x.at))
		for kx := range line {
			line[kx] = -1
			if x.ok[kx] && y.ok[ky] {
				phase, row := split(ky)
				k := key{phase, x.at[kx]}
				line[kx] = offs[k] + (row-spans[k].lo)*pitch
			}
		}
		m.at = append(m.at, line)
	}
	return m
}

// period is the smallest step of output coordinates along axis a after which every
// term meets the same kernel coordinates again.
func period(terms []Term, a int) int {
	p := 1
	for i := range terms {
		t := &terms[i]
		q := t.Up[a] / gcd(t.Up[a], t.Stride[a])
		p = p / gcd(p, q) * q
	}
	return p
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// divisors of the number of channels that keep every group of every term together.
func sections(l *Layer) int {
	n := l.Out[0]
	for i := range l.Terms {
		n = gcd(n, l.Terms[i].Groups)
	}
	return n
}
