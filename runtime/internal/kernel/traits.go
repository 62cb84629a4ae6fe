package kernel

import "qconv/runtime/internal/coding"

// traits are what kernels are planned from: the words of a machine, what the functions for an instruction set do, those
// whose names begin with vector, and which of them are worth using there.
type traits struct {
	bits       int  // of a word
	bigEndian  bool // lane arithmetic does not work: only look-ups compute linear layers
	tapUnit    int  // taps of a unit without vectors, see taps.go
	stateBytes int  // of a table of tANS
	expandTap  int  // time to put a digit of a weight into a program, in additions of words
	cache      int  // bytes of rows up to which reading them costs nothing extra: the first-level cache of small processors

	productCost int // of a group's products of one input, see Products
	channelCost int // of an output channel of a tile of Grouped, however few its positions are

	laneBytes int    // that vectors work on as a whole; 0: there are none
	binShift  uint32 // the largest shift of bins that binPairLevels and binLaneLevels take
	longBins  bool   // vectorMixLevels takes bins whose shift is larger than 16
	rowStrips bool   // tiles may have strips: vectors fill them and move what comes out of them
	fillBytes int    // of the largest vector of vectorFill; 0: there is none
	movesRows bool   // vectorMoveRows

	depthwise  bool // vectorDepthSums
	depthPairs bool // vectorDepthPairs
	depthStep  int  // lanes that vectorDepthSums computes at a time
	depthCosts func(lanes, taps int) int

	lookCost int // time of a strip of one row in additions of vectors

	looks      bool // vectorLooks
	smallLooks bool // which is faster for products of one byte
	strips     bool // vectorStrip
	sorts      bool // vectorCountLevels and vectorPlaceRows
}

// wordChannelCost is the channelCost where there are no vectors.
const wordChannelCost = 330

var machines = [vectors]*traits{
	Portable: {bits: 8 * wordBytes, bigEndian: !LittleEndian, tapUnit: wordTapUnit, stateBytes: coding.StateBytes, expandTap: 20, cache: 24 << 10, productCost: wordProductCost, channelCost: wordChannelCost},
	NEON: {bits: 64, stateBytes: 8, expandTap: 6, cache: 24 << 10, productCost: 20, channelCost: 90,
		laneBytes: 16, binShift: 16, fillBytes: 16, movesRows: true,
		depthwise: true, depthStep: 16, depthCosts: depthCostsNEON,
		looks: true, lookCost: 26, strips: true, sorts: true},
	AVX2: {bits: 64, stateBytes: 8, expandTap: 6, cache: 32 << 10, productCost: 20, channelCost: 90,
		laneBytes: 32, binShift: 8, rowStrips: true, fillBytes: 32, movesRows: true,
		depthwise: true, depthPairs: true, depthStep: 64, depthCosts: depthCostsAVX,
		looks: true, lookCost: 5, smallLooks: true},
	AVX512: {bits: 64, stateBytes: 8, expandTap: 6, cache: 32 << 10, productCost: 20, channelCost: 90,
		laneBytes: 32, binShift: 16, longBins: true, fillBytes: 64, movesRows: true,
		depthwise: true, depthPairs: true, depthStep: 64, depthCosts: depthCostsAVX,
		looks: true, lookCost: 5, smallLooks: true},

	ARM:      {bits: 32, tapUnit: 1, stateBytes: 4, expandTap: 20, cache: 24 << 10, productCost: 13, channelCost: wordChannelCost},
	Words32:  {bits: 32, tapUnit: 4, stateBytes: 8, expandTap: 20, cache: 24 << 10, productCost: 20, channelCost: wordChannelCost},
	Words64:  {bits: 64, tapUnit: 4, stateBytes: 8, expandTap: 20, cache: 24 << 10, productCost: 20, channelCost: wordChannelCost},
	Reversed: {bits: 32, bigEndian: true, tapUnit: 4, stateBytes: 8, expandTap: 20, cache: 24 << 10, productCost: 20, channelCost: wordChannelCost},
}

// has are the traits of v.
func (v Vector) has() *traits { return machines[v] }

// any says that there are vectors.
func (v Vector) any() bool { return v.has().laneBytes > 0 }

// wordBytes is the size of a word. For an instruction set of this machine it is the constant of the same name.
func (v Vector) wordBytes() int { return v.has().bits / 8 }

// laneWords is the number of words that vectors work on as a whole: sums of tiles are
// padded to a multiple of it.
func (v Vector) laneWords() int { return max(1, v.has().laneBytes/v.wordBytes()) }

// depthCostsNEON estimates the time of a channel of [Depthwise] in additions of vectors.
func depthCostsNEON(lanes, taps int) int {
	steps := lanes / 16
	return steps/4*(40+18*taps) + steps&2/2*(35+12*taps) + steps&1*(30+9*taps)
}

// depthCostsAVX is depthCostsNEON for AVX2 and AVX512.
func depthCostsAVX(lanes, taps int) int { return lanes * (40 + 12*taps) / 64 }
