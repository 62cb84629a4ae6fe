//go:build !arm || purego

package coding

// countFours is Count of whole fours of indices; it returns the others.
func countFours(counts *[256]uint32, indices []uint16) []uint16 {
	for len(indices) >= 4 {
		q := (*[4]uint16)(indices)
		counts[uint8(q[0])]++
		counts[uint8(q[1])]++
		counts[uint8(q[2])]++
		counts[uint8(q[3])]++
		indices = indices[4:]
	}
	return indices
}
