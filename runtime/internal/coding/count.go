package coding

// Count adds to counts how often every index occurs; each must be less than 256.
func Count(counts *[256]uint32, indices []uint16) {
	indices = countFours(counts, indices)
	for _, x := range indices {
		counts[uint8(x)]++
	}
}
