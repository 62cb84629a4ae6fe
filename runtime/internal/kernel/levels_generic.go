//go:build !arm || purego

package kernel

// directLevels computes dst[i] = levels[acc[i]+add].
func directLevels(dst []byte, acc []int32, add int32, levels []uint8) {
	for i, a := range acc[:len(dst)] {
		dst[i] = levels[uint32(a+add)]
	}
}

// nearLevels computes dst[i] = levels[acc[i]+add limited to [0, top]].
func nearLevels(dst []byte, acc []int32, add, top int32, levels []uint8) {
	for i, a := range acc[:len(dst)] {
		dst[i] = levels[uint32(clamp(a+add, top))]
	}
}

// coveredLevels computes dst[i] = (marks[t>>shift] + t) >> markShift for t = acc[i]+add.
func coveredLevels(dst []byte, acc []int32, add int32, shift uint8, marks []uint32) {
	for i, a := range acc[:len(dst)] {
		dst[i] = marked(a+add, shift&31, marks)
	}
}

// clampedLevels is coveredLevels with t limited to [0, top].
func clampedLevels(dst []byte, acc []int32, add, top int32, shift uint8, marks []uint32) {
	for i, a := range acc[:len(dst)] {
		dst[i] = marked(clamp(a+add, top), shift&31, marks)
	}
}

// directPairs is directLevels for rows of sums of even and odd positions, see [Requantizer.RunPairRows].
func directPairs(dst []byte, even, odd []uint16, rows, cols, outRow, pitch int, add int32, levels []uint8) {
	for ; ; rows-- {
		d, o := dst[:cols], odd
		for i, e := range even[:cols>>1] {
			pair := d[:2]
			pair[0] = levels[uint32(int32(e)+add)]
			pair[1] = levels[uint32(int32(o[i])+add)]
			d = d[2:]
		}
		if cols&1 != 0 {
			d[0] = levels[uint32(int32(even[cols>>1])+add)]
		}
		if rows == 1 {
			return
		}
		dst, even, odd = dst[outRow:], even[pitch>>1:], odd[pitch>>1:]
	}
}

// nearPairs is nearLevels for rows of sums of even and odd positions.
func nearPairs(dst []byte, even, odd []uint16, rows, cols, outRow, pitch int, add, top int32, levels []uint8) {
	for ; ; rows-- {
		d, o := dst[:cols], odd
		for i, e := range even[:cols>>1] {
			pair := d[:2]
			pair[0] = levels[uint32(clamp(int32(e)+add, top))]
			pair[1] = levels[uint32(clamp(int32(o[i])+add, top))]
			d = d[2:]
		}
		if cols&1 != 0 {
			d[0] = levels[uint32(clamp(int32(even[cols>>1])+add, top))]
		}
		if rows == 1 {
			return
		}
		dst, even, odd = dst[outRow:], even[pitch>>1:], odd[pitch>>1:]
	}
}

// coveredPairs is coveredLevels for rows of sums of even and odd positions.
func coveredPairs(dst []byte, even, odd []uint16, rows, cols, outRow, pitch int, add int32, shift uint8, marks []uint32) {
	for shift &= 31; ; rows-- {
		d, o := dst[:cols], odd
		for i, e := range even[:cols>>1] {
			pair := d[:2]
			pair[0] = marked(int32(e)+add, shift, marks)
			pair[1] = marked(int32(o[i])+add, shift, marks)
			d = d[2:]
		}
		if cols&1 != 0 {
			d[0] = marked(int32(even[cols>>1])+add, shift, marks)
		}
		if rows == 1 {
			return
		}
		dst, even, odd = dst[outRow:], even[pitch>>1:], odd[pitch>>1:]
	}
}

// clampedPairs is clampedLevels for rows of sums of even and odd positions.
func clampedPairs(dst []byte, even, odd []uint16, rows, cols, outRow, pitch int, add, top int32, shift uint8, marks []uint32) {
	for shift &= 31; ; rows-- {
		d, o := dst[:cols], odd
		for i, e := range even[:cols>>1] {
			pair := d[:2]
			pair[0] = marked(clamp(int32(e)+add, top), shift, marks)
			pair[1] = marked(clamp(int32(o[i])+add, top), shift, marks)
			d = d[2:]
		}
		if cols&1 != 0 {
			d[0] = marked(clamp(int32(even[cols>>1])+add, top), shift, marks)
		}
		if rows == 1 {
			return
		}
		dst, even, odd = dst[outRow:], even[pitch>>1:], odd[pitch>>1:]
	}
}
