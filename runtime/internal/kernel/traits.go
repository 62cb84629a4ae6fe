package kernel

// traits are what the functions for an instruction set do, those whose names begin with vector, and which of them are
// worth using there.
type traits struct {
	laneBytes int    // that they work on as a whole
	binShift  uint32 // the largest shift of bins that binPairLevels and binLaneLevels take
	longBins  bool   // vectorMixLevels takes bins whose shift is larger than 16
	rowStrips bool   // tiles may have strips: vectors fill them and move what comes out of them
	fillBytes int    // of the largest vector of vectorFill; 0: there is none
	movesRows bool   // vectorMoveRows

	depthwise  bool // vectorDepthSums
	depthPairs bool // vectorDepthPairs

	looks      bool // vectorLooks
	smallLooks bool // which is faster for products of one byte
	strips     bool // vectorStrip
	sorts      bool // vectorCountLevels and vectorPlaceRows
}

var machines = [...]traits{
	Portable: {},
	NEON: {laneBytes: 16, binShift: 16, fillBytes: 16, movesRows: true,
		depthwise: true, looks: true, strips: true, sorts: true},
	AVX2: {laneBytes: 32, binShift: 8, rowStrips: true, fillBytes: 32, movesRows: true,
		depthwise: true, depthPairs: true, looks: true, smallLooks: true},
	AVX512: {laneBytes: 32, binShift: 16, longBins: true, fillBytes: 64, movesRows: true,
		depthwise: true, depthPairs: true, looks: true, smallLooks: true},
}

// has are the traits of v.
func (v Vector) has() *traits { return &machines[v] }

// laneWords is the number of words that vectors work on as a whole: sums of tiles are
// padded to a multiple of it.
func (v Vector) laneWords() int { return max(1, v.has().laneBytes/wordBytes) }
