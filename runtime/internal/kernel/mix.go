package kernel

import "unsafe"

// mixEntry is a share of the sum that vectorMixLevels computes: +-(lane << shift). Assembly
// knows the order of fields.
type mixEntry struct {
	lanes int    // where the lanes of the segment are, in bytes
	shift uint32 // of the lanes
	flags uint32
}

const (
	mixNegate = 1
	mixSame   = 2 // the lanes are those of the entry before
)

// Limits of a sum: segments, and entries.
const (
	mixSegments = 10
	mixEntries  = 32
)

// mix runs all segments of a program and lists how their lanes make up the accumulators.
// ok is false where they are too many.
func (g *grid) mix(k *Grouped, list *[mixEntries]mixEntry, prog unsafe.Pointer, words int, s *Scratch) (n int, ok bool) {
	segments := *(*uint16)(prog)
	if segments > mixSegments {
		return 0, false
	}
	rows := unsafe.Pointer(unsafe.SliceData(s.rows))
	prog = unsafe.Add(prog, 2)
	lanes := s.lanes
	at, size := 0, words<<wordShift
	if k.groupUnits > 0 {
		size <<= 1
	}
	for ; segments > 0; segments-- {
		head := *(*uint16)(prog)
		var odd []word
		if k.groupUnits > 0 {
			odd = lanes[words:][:words]
		}
		prog = sums(k.vector, lanes[:words], odd, rows, unsafe.Add(prog, 2), k.groupUnits)
		if head&factorFlag == 0 {
			for i := range list[:n] {
				list[i].shift += uint32(head)
			}
			if n == len(list) {
				return 0, false
			}
			list[n] = mixEntry{lanes: at, shift: 0}
			n++
		} else {
			flags := uint32(0)
			for _, d := range k.factors[head&^factorFlag].digits {
				if n == len(list) {
					return 0, false
				}
				list[n] = mixEntry{lanes: at, shift: uint32(d.shift), flags: flags}
				if d.negate {
					list[n].flags |= mixNegate
				}
				flags = mixSame
				n++
			}
		}
		at += size
		lanes = lanes[size>>wordShift:]
	}
	return n, true
}

// add computes acc += m * lane for lanes of even and odd positions; where odd is
// nil, for lanes in order.
func (f *factor) add(acc []int32, even, odd []uint16) {
	for _, d := range f.digits {
		shift, sign := d.shift&31, int32(0)
		if d.negate {
			sign = -1
		}
		if odd == nil {
			for i, v := range even {
				acc[i] += (int32(v)<<shift ^ sign) - sign
			}
			continue
		}
		odd := odd[:len(even)]
		rest := acc
		for i, v := range even {
			pair := rest[:2]
			pair[0] += (int32(v)<<shift ^ sign) - sign
			pair[1] += (int32(odd[i])<<shift ^ sign) - sign
			rest = rest[2:]
		}
	}
}
