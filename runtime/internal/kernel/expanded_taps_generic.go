//go:build !arm || purego

package kernel

// countTaps adds the taps of weights to the lengths of their lists: those of weight w are lists[start[w]] and what
// follows, up to 0.
func countTaps(counts *[maxExpandLists]uint32, weights, start []uint16, lists []uint8) {
	for _, w := range weights {
		at := int(start[w])
		for n := lists[at]; n != 0; n = lists[at] {
			counts[n]++
			at++
		}
	}
}

// placeTaps writes to prog, for every weight, first plus its row to the ends of its lists, which are told as in countTaps.
func placeTaps(prog []uint16, ends *[maxExpandLists]uint32, weights, rows []uint16, first uint16, start []uint16, lists []uint8) {
	rows = rows[:len(weights)]
	for i, w := range weights {
		at, row := int(start[w]), rows[i]+first
		for n := lists[at]; n != 0; n = lists[at] {
			prog[ends[n]] = row
			ends[n]++
			at++
		}
	}
}
