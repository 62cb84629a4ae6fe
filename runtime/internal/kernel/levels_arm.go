//go:build !purego

package kernel

// The functions of this file turn accumulators or lanes into levels, see [Requantizer]. A job tells how; assembly knows the
// order of fields.
type levelJob struct {
	add, top int32
	shift    int32
	marks    *uint32
	levels   *uint8

	rows, pairs int32 // pairs of a row
	single      int32 // 1: and one more even position
	outGap      int32 // bytes from the end of a row of levels to the next one
	laneGap     int32 // bytes from the last lane of a row to the next one
}

func (j *levelJob) setRows(rows, cols, outRow, pitch int) {
	j.rows, j.pairs, j.single = int32(rows), int32(cols>>1), int32(cols&1)
	j.outGap = int32(outRow - cols)
	j.laneGap = int32(pitch&^1 - cols&^1)
}

// directLevels computes dst[i] = levels[acc[i]+add].
func directLevels(dst []byte, acc []int32, add int32, levels []uint8) {
	if n := len(dst); n > 0 {
		directLevelsARM(&dst[0], &acc[:n][0], n, &levelJob{add: add, levels: &levels[0]})
	}
}

// nearLevels computes dst[i] = levels[acc[i]+add limited to [0, top]].
func nearLevels(dst []byte, acc []int32, add, top int32, levels []uint8) {
	if n := len(dst); n > 0 {
		_ = levels[top]
		nearLevelsARM(&dst[0], &acc[:n][0], n, &levelJob{add: add, top: top, levels: &levels[0]})
	}
}

// coveredLevels computes dst[i] = (marks[t>>shift] + t) >> markShift for t = acc[i]+add.
func coveredLevels(dst []byte, acc []int32, add int32, shift uint8, marks []uint32) {
	if n := len(dst); n > 0 {
		coveredLevelsARM(&dst[0], &acc[:n][0], n, &levelJob{add: add, shift: int32(shift), marks: &marks[0]})
	}
}

// clampedLevels is coveredLevels with t limited to [0, top].
func clampedLevels(dst []byte, acc []int32, add, top int32, shift uint8, marks []uint32) {
	if n := len(dst); n > 0 {
		_ = marks[top>>(shift&31)]
		clampedLevelsARM(&dst[0], &acc[:n][0], n, &levelJob{add: add, top: top, shift: int32(shift), marks: &marks[0]})
	}
}

// directPairs is directLevels for rows of sums of even and odd positions, see [Requantizer.RunPairRows].
func directPairs(dst []byte, even, odd []uint16, rows, cols, outRow, pitch int, add int32, levels []uint8) {
	j := levelJob{add: add, levels: &levels[0]}
	j.setRows(rows, cols, outRow, pitch)
	directPairsARM(&dst[0], &even[0], &odd[0], &j)
}

// nearPairs is nearLevels for rows of sums of even and odd positions.
func nearPairs(dst []byte, even, odd []uint16, rows, cols, outRow, pitch int, add, top int32, levels []uint8) {
	_ = levels[top]
	j := levelJob{add: add, top: top, levels: &levels[0]}
	j.setRows(rows, cols, outRow, pitch)
	nearPairsARM(&dst[0], &even[0], &odd[0], &j)
}

// coveredPairs is coveredLevels for rows of sums of even and odd positions.
func coveredPairs(dst []byte, even, odd []uint16, rows, cols, outRow, pitch int, add int32, shift uint8, marks []uint32) {
	j := levelJob{add: add, shift: int32(shift), marks: &marks[0]}
	j.setRows(rows, cols, outRow, pitch)
	coveredPairsARM(&dst[0], &even[0], &odd[0], &j)
}

// clampedPairs is clampedLevels for rows of sums of even and odd positions.
func clampedPairs(dst []byte, even, odd []uint16, rows, cols, outRow, pitch int, add, top int32, shift uint8, marks []uint32) {
	_ = marks[top>>(shift&31)]
	j := levelJob{add: add, top: top, shift: int32(shift), marks: &marks[0]}
	j.setRows(rows, cols, outRow, pitch)
	clampedPairsARM(&dst[0], &even[0], &odd[0], &j)
}

// The functions below have n accumulators, at least one, or rows of lanes.

//go:noescape
func directLevelsARM(dst *byte, acc *int32, n int, job *levelJob)

//go:noescape
func nearLevelsARM(dst *byte, acc *int32, n int, job *levelJob)

//go:noescape
func coveredLevelsARM(dst *byte, acc *int32, n int, job *levelJob)

//go:noescape
func clampedLevelsARM(dst *byte, acc *int32, n int, job *levelJob)

//go:noescape
func directPairsARM(dst *byte, even, odd *uint16, job *levelJob)

//go:noescape
func nearPairsARM(dst *byte, even, odd *uint16, job *levelJob)

//go:noescape
func coveredPairsARM(dst *byte, even, odd *uint16, job *levelJob)

//go:noescape
func clampedPairsARM(dst *byte, even, odd *uint16, job *levelJob)
