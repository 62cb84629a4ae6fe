package kernel

import "math/bits"

// Map replaces every index by an entry of a table of its channel.
type Map struct {
	tables []*[256]uint8 // one for all channels or one per channel
	plane  int           // elements of a channel
	levels int           // entries of a table that count
}

// NewMap prepares tables of up to 256 entries for channels of plane elements.
func NewMap(tables [][]uint8, plane int) *Map {
	k := &Map{plane: plane}
	for _, t := range tables {
		var full [256]uint8
		copy(full[:], t)
		k.levels = max(k.levels, len(t))
		k.tables = append(k.tables, &full)
	}
	return k
}

// Memory is the size of the tables in bytes.
func (k *Map) Memory() int { return 256 * len(k.tables) }

// Run computes dst[i] = table[in[i]]. It may run in place.
func (k *Map) Run(dst, in []byte) {
	if len(k.tables) == 1 {
		k.mapLevels(dst, in, k.tables[0])
		return
	}
	for _, t := range k.tables {
		k.mapLevels(dst[:k.plane], in[:k.plane], t)
		dst, in = dst[k.plane:], in[k.plane:]
	}
}

// RunInterleaved reads in as [H][W][C] and writes dst as [C][H][W] for channels channels.
func (k *Map) RunInterleaved(dst, in []byte, channels int) {
	t := k.tables[0]
	for c := range channels {
		if len(k.tables) > 1 {
			t = k.tables[c]
		}
		at := c
		for i := range dst[:k.plane] {
			dst[i] = t[in[at]]
			at += channels
		}
		dst = dst[k.plane:]
	}
}

// mapLevels is mapBytes with vectors, where they look up as many levels.
func (k *Map) mapLevels(dst, in []byte, t *[256]uint8) {
	n := len(in) &^ (mapStep - 1)
	if k.levels > mapsLevels || n == 0 {
		mapBytes(dst, in, t)
		return
	}
	vectorMapBytes(dst[:n], in[:n], t)
	mapBytes(dst[n:], in[n:], t)
}

func mapBytes(dst, in []byte, t *[256]uint8) {
	dst = dst[:len(in)]
	for i, x := range in {
		dst[i] = t[x]
	}
}

// Map2 combines two tensors through a table: dst = table[a][b]. The second one may be
// repeated along any of its dimensions.
type Map2 struct {
	table []uint8 // rows of 2^shift entries
	shift uint
	dims  [3]int // of dst and a
	step  [3]int // elements of b per step along each dimension
}

// NewMap2 prepares a table of rows of levelsB entries for tensors a and b of the given
// shapes; b has a's size or 1 along each dimension.
func NewMap2(table []uint8, levelsB int, a, b [3]int) *Map2 {
	k := &Map2{shift: uint(bits.Len(uint(levelsB - 1)))}
	for i := 0; i < len(table); i += levelsB {
		row := make([]uint8, 1<<k.shift)
		copy(row, table[i:i+levelsB])
		k.table = append(k.table, row...)
	}
	// Dimensions that b follows, or is repeated along, without a gap become one.
	k.dims = [3]int{1, 1, 1}
	at, size := 2, 1
	for d := 2; d >= 0; d-- {
		step := 0
		if b[d] > 1 {
			step = size
		}
		size *= b[d]
		switch {
		case a[d] == 1:
			continue
		case k.dims[at] == 1:
		case step == k.step[at]*k.dims[at]:
			k.dims[at] *= a[d]
			continue
		default:
			at--
		}
		k.dims[at], k.step[at] = a[d], step
	}
	return k
}

// Memory is the size of the table in bytes.
func (k *Map2) Memory() int { return len(k.table) }

// Run combines a and b. dst may be a.
func (k *Map2) Run(dst, a, b []byte) {
	channel := 0
	for range k.dims[0] {
		row := channel
		for range k.dims[1] {
			n := k.dims[2]
			if k.step[2] == 1 {
				combine(dst[:n], a[:n], b[row:][:n], k.table, k.shift&15)
			} else {
				combineStrided(dst[:n], a[:n], b[row:], k.step[2], k.table, k.shift&15)
			}
			dst, a = dst[n:], a[n:]
			row += k.step[1]
		}
		channel += k.step[0]
	}
}

// combine computes dst[i] = table[a[i]<<shift + b[i]].
func combine(dst, a, b, table []byte, shift uint) {
	dst, b = dst[:len(a)], b[:len(a)]
	for i, x := range a {
		dst[i] = table[uint(x)<<(shift&15)+uint(b[i])]
	}
}

// combineStrided is combine for every step-th element of b.
func combineStrided(dst, a, b []byte, step int, table []byte, shift uint) {
	dst = dst[:len(a)]
	at := 0
	for i, x := range a {
		dst[i] = table[uint(x)<<(shift&15)+uint(b[at])]
		at += step
	}
}
