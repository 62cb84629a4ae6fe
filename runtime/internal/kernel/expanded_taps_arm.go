//go:build !purego

package kernel

// countTaps adds the taps of weights to the lengths of their lists: those of weight w are lists[start[w]] and what
// follows, up to 0.
func countTaps(counts *[maxExpandLists]uint32, weights, start []uint16, lists []uint8) {
	if len(weights) > 0 {
		countTapsARM(counts, &weights[0], len(weights), &start[0], &lists[0])
	}
}

// placeTaps writes to prog, for every weight, first plus its row to the ends of its lists, which are told as in countTaps.
func placeTaps(prog []uint16, ends *[maxExpandLists]uint32, weights, rows []uint16, first uint16, start []uint16, lists []uint8) {
	if len(weights) > 0 {
		rows = rows[:len(weights)]
		placeTapsARM(&prog[0], ends, &weights[0], &rows[0], len(weights), int(first), &start[0], &lists[0])
	}
}

//go:noescape
func countTapsARM(counts *[maxExpandLists]uint32, weights *uint16, n int, start *uint16, lists *uint8)

//go:noescape
func placeTapsARM(prog *uint16, ends *[maxExpandLists]uint32, weights, rows *uint16, n, first int, start *uint16, lists *uint8)
