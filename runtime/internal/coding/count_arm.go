//go:build !purego

package coding

// countFours is Count of whole fours of indices; it returns the others.
func countFours(counts *[256]uint32, indices []uint16) []uint16 {
	if n := len(indices) >> 2; n > 0 {
		countARM(counts, &indices[0], n)
		indices = indices[n<<2:]
	}
	return indices
}

// countARM counts fours of indices.
//
//go:noescape
func countARM(counts *[256]uint32, indices *uint16, fours int)
