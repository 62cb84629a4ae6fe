package kernel

import (
	"math"
	"unsafe"
)

// lookColumns is the number of columns of a strip whose products are looked up.
const lookColumns = 4

// Sizes of the tables of looks: for every level the low bytes of the products with the 16
// digits, and their high bytes.
const (
	lookShift = 5
	lookBytes = 1 << lookShift
)

// makeLooks computes the products of the levels of t with digits. They are never negative:
// those of a level below zero are too large by what 15*t.Zero adds to all.
func (p *sortedPart) makeLooks(t *Term) {
	p.tables = make([]byte, t.Levels*lookBytes)
	for x := range t.Levels {
		for d := range 16 {
			product := d*(x-t.Zero) + 15*t.Zero
			p.tables[x*lookBytes+d] = byte(product)
			p.tables[x*lookBytes+16+d] = byte(product >> 8)
		}
	}
	p.group = 0xFF / max(1, 15*(t.Levels-1)>>8)
	p.groups = max(1, lookRows/p.group)
	p.group = min(p.group, lookRows)
	if top := 0xFF / 15; p.vector.has().smallLooks && t.Zero <= top {
		p.small = min(t.Levels, top+1)
	}
	p.listLen = 2*p.n + lookSlack
	p.zeros = uint32(p.n * t.Zero)
}

// lookRows is the number of rows whose products can be added in lanes of 16 bits.
const lookRows = 0xFF

// runLooks adds the part's share to acc and returns what is missing from every element.
func (p *sortedPart) runLooks(acc []int32, in []byte, list []uint32) int32 {
	small, large := list[:p.listLen], list[p.listLen:][:p.listLen]
	few, many, total := vectorLookList(p.vector, small, large, in, p.zero != 0, p.small)
	total -= p.zeros
	if few+many > 0 {
		var sums stripSums
		small, large = small[:few], large[:many]
		rows, streams := unsafe.Pointer(unsafe.SliceData(p.rows)), p.streams
		for at := 0; len(streams) > 0; at += p.pairBytes {
			m := min(2*lookColumns, len(streams))
			vectorLooks(p.vector, &sums, unsafe.Add(rows, at), small, large, p.tables, p.group, p.groups)
			vectorStreams(p.vector, acc, &sums, streams[:m], 8*lookColumns)
			streams = streams[m:]
		}
	}
	return p.lowTimes(total) - p.excess
}

// lookList lists the rows of the elements of in and the tables of their levels, in pairs: those of
// levels below split in small, the others in large, whose lengths it returns with the sum of in.
// Unless all is set, rows of level 0 are left out. The lists have room for lookSlack entries more.
func lookList(small, large []uint32, in []byte, all bool, split int) (few, many int, sum uint32) {
	at := uint32(0)
	for _, x := range in {
		switch {
		case x == 0 && !all:
		case int(x) < split:
			small[few], small[few+1] = at, uint32(x)<<lookShift
			few += 2
		default:
			large[many], large[many+1] = at, uint32(x)<<lookShift
			many += 2
		}
		at += lookBytes
		sum += uint32(x)
	}
	return few, many, sum
}

// lookSlack is the number of entries behind a list that may be written.
const lookSlack = 16

// lookSums adds up the products of one strip of rows at base. The lists hold pairs: where a row
// is, and where the table of its level is. The products of small take one byte.
//
//	out[i]    = sum over rows of table[row[i] & 15]
//	out[32+i] = sum over rows of table[row[i] >> 4]
func lookSums(out *stripSums, base unsafe.Pointer, small, large []uint32, tables []byte) {
	*out = stripSums{}
	for _, list := range [2][]uint32{small, large} {
		for ; len(list) >= 2; list = list[2:] {
			row := (*[lookBytes]byte)(unsafe.Add(base, list[0]))
			table := (*[lookBytes]byte)(tables[list[1]:])
			for i, b := range row {
				out[i] += int32(table[b&15]) + int32(table[16+(b&15)])<<8
				out[8*lookColumns+i] += int32(table[b>>4]) + int32(table[16+(b>>4)])<<8
			}
		}
	}
}

// takesLimited says that [Requantizer.runLimited] can be used.
func (r *Requantizer) takesLimited(v Vector) bool {
	return v.has().looks && r.bins != nil && r.bins.top <= math.MaxUint16
}

// limitedLanes is the words of lanes that runLimited takes for n sums: whole vectors are read.
func limitedLanes(v Vector, n int) int { return ceilDiv(2*alignUp(n, scratchAlign), v.wordBytes()) }

// runLimited writes the levels of acc+add, whole words of them, by vectors.
func (r *Requantizer) runLimited(v Vector, dst []byte, acc []int32, add int32, lanes []uint16) {
	b := r.bins
	lanes = lanes[:len(acc)]
	vectorLimit(v, lanes, acc, add-b.low, int32(b.top))
	if b.shift > v.has().binShift {
		vectorMixLevels(v, dst, lanes, 0, true, lanesAlone[:], b, b.low)
		return
	}
	binLaneLevels(v, dst, lanes, b, 0)
}

// lanesAlone is a mix of one segment.
var lanesAlone [1]mixEntry

// addTo computes out[i] = acc[i]+add, modulo 2^32.
func addTo(out, acc []int32, add int32) {
	acc = acc[:len(out)]
	for i, a := range acc {
		out[i] = a + add
	}
}

// limitLanes computes lanes[i] = acc[i]+add limited to [0, top], with top < 2^16. The sum is
// taken modulo 2^32.
func limitLanes(lanes []uint16, acc []int32, add, top int32) {
	lanes = lanes[:len(acc)]
	for i, a := range acc {
		lanes[i] = uint16(clamp(a+add, top))
	}
}
