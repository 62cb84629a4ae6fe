package kernel

// moves says how the columns of a panel are collected: vector by vector in ascending
// order of dst, each of which may spoil what the next one writes.
type moves struct {
	n        int
	src, dst [tileCols]int32
}

// add appends a run of n elements.
func (m *moves) add(src, dst, n int) {
	for i := 0; i < n; i += vecLen {
		m.src[m.n], m.dst[m.n] = int32(src+i), int32(dst+i)
		m.n++
	}
}

// gatherPanelGeneric sets panel[k*tileCols+dst+l] = src[off[k]+src+l] for all moves and
// l < vecLen, k after k.
func gatherPanelGeneric(panel, src []float32, off []int32, m *moves) {
	for k, o := range off {
		for i := 0; i < m.n; i++ {
			*(*[vecLen]float32)(panel[k*tileCols+int(m.dst[i]):]) = [vecLen]float32(src[o+m.src[i]:])
		}
	}
}
