package vp8

// Modes of prediction of a macroblock's luma, and of its chroma, in the order of their trees (RFC 6386, section 8).
const (
	meanOf     = iota // DC_PRED
	vertical          // V_PRED
	horizontal        // H_PRED
	trueMotion        // TM_PRED
	subblocks         // B_PRED: the 16 subblocks have modes of their own
)

// Modes of subblocks, in the order of section 8.1: B_DC_PRED and so on.
const (
	subMean = iota
	subTrueMotion
	subVertical
	subHorizontal
	subLeftDown
	subRightDown
	subVerticalRight
	subVerticalLeft
	subHorizontalDown
	subHorizontalUp
	subblockModes
)

// neighbour is what a macroblock tells those to its right and below it.
type neighbour struct {
	modes [4]uint8 // of the subblocks at that edge
	// Which blocks at that edge have tokens, as 0 or 1.
	luma   [4]uint8
	chroma [2][2]uint8
	means  uint8
}

// macroblock is what is read of one.
type macroblock struct {
	segment      int
	skipped      bool // it has no coefficients in the file
	coded        bool // it has coefficients
	luma, chroma uint8
	modes        [16]uint8     // where luma is subblocks
	coefficients [24][16]int16 // of subblocks, row by row: 16 of luma, 4 and 4 of chroma
	last         [24]uint8     // how many of them may be other than 0
}

// readModes reads what the first partition says of the next macroblock (RFC 6386, sections 10 and 11, 19.3).
func (d *decoder) readModes(column int) {
	r, m := &d.modes, &d.block
	if d.mapped {
		switch {
		case r.bool(d.segmentProbs[0]):
			m.segment = 2 + int(r.bit(d.segmentProbs[2]))
		default:
			m.segment = int(r.bit(d.segmentProbs[1]))
		}
	}
	m.skipped = d.skipping && r.bool(d.skipProb)
	above, left := &d.above[column], &d.left
	if m.luma = readLumaMode(r); m.luma == subblocks {
		for i := range m.modes {
			x, y := i&3, i>>2
			mode := readSubblockMode(r, &subblockModeProbs[above.modes[x]][left.modes[y]])
			m.modes[i], above.modes[x], left.modes[y] = mode, mode, mode
		}
	} else {
		mode := [...]uint8{meanOf: subMean, vertical: subVertical, horizontal: subHorizontal, trueMotion: subTrueMotion}[m.luma]
		above.modes = [4]uint8{mode, mode, mode, mode}
		left.modes = above.modes
	}
	m.chroma = readChromaMode(r)
}

// readLumaMode goes by kf_ymode_tree and its probabilities (section 11.2).
func readLumaMode(r *boolReader) uint8 {
	switch {
	case !r.bool(145):
		return subblocks
	case !r.bool(156):
		return meanOf + uint8(r.bit(163))
	}
	return horizontal + uint8(r.bit(128))
}

// readChromaMode goes by uv_mode_tree (section 11.4).
func readChromaMode(r *boolReader) uint8 {
	switch {
	case !r.bool(142):
		return meanOf
	case !r.bool(114):
		return vertical
	}
	return horizontal + uint8(r.bit(183))
}

// readSubblockMode goes by bmode_tree (section 11.2).
func readSubblockMode(r *boolReader, probs *[subblockModes - 1]uint8) uint8 {
	switch {
	case !r.bool(probs[0]):
		return subMean
	case !r.bool(probs[1]):
		return subTrueMotion
	case !r.bool(probs[2]):
		return subVertical
	case !r.bool(probs[3]):
		if !r.bool(probs[4]) {
			return subHorizontal
		}
		return subRightDown + uint8(r.bit(probs[5]))
	case !r.bool(probs[6]):
		return subLeftDown
	case !r.bool(probs[7]):
		return subVerticalLeft
	}
	return subHorizontalDown + uint8(r.bit(probs[8]))
}
