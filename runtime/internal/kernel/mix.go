package kernel

// mix is how the lanes of a channel's segments make up its accumulators.
type mix struct {
	list     []mixEntry
	segments int
}

// mixEntry is a share of the sum that vectorMixLevels computes: +-(lane << shift). Assembly
// knows the order of fields.
type mixEntry struct {
	lanes int    // where the lanes of the segment are, in bytes from those of the first
	shift uint32 // of the lanes
	flags uint32
}

const (
	mixNegate = 1
	mixSame   = 2 // the lanes are those of the entry before
)

// Limits of a mix: segments, and entries.
const (
	mixSegments = 10
	mixEntries  = 32
)

// newMix lists the entries of a channel from the heads of its segments, whose lanes are per
// lanes apart. ok is false where they are too many.
func (k *Grouped) newMix(heads []uint16, per int) (m mix, ok bool) {
	step := per // bytes: lanes of even positions are half of them
	if k.groupUnits == 0 {
		step *= 2
	}
	m.segments = len(heads)
	for i, head := range heads {
		at := i * step
		if head&factorFlag == 0 {
			for j := range m.list {
				m.list[j].shift += uint32(head)
			}
			m.list = append(m.list, mixEntry{lanes: at})
			continue
		}
		flags := uint32(0)
		digits, position := factorOf(head)
		for _, d := range k.factors[position].digits {
			e := mixEntry{lanes: at, shift: uint32(d.shift) + uint32(digits), flags: flags}
			if d.negate {
				e.flags |= mixNegate
			}
			m.list = append(m.list, e)
			flags = mixSame
		}
	}
	return m, len(heads) <= mixSegments && len(m.list) <= mixEntries
}
