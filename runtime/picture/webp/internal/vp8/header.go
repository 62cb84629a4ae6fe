package vp8

import "io"

// header is what the first partition says of the frame as a whole (RFC 6386, sections 9.2 to 9.11 and 19.2).
type header struct {
	segmented     bool
	mapped        bool     // every macroblock tells its segment
	segmentProbs  [3]uint8 // of the tree of segments
	relative      bool     // the values of segments are added to those of the frame
	segmentQuant  [4]int
	segmentFilter [4]int

	simpleFilter bool
	filterLevel  int // 0 to 63, 0: none
	sharpness    int
	filterDeltas bool
	intraDelta   int // of filterLevel, for macroblocks predicted from this frame: all
	subblksDelta int // and those predicted by subblocks

	quant    [4]quantizer // by segment
	probs    tokenProbs
	skipping bool // macroblocks tell that they have no coefficients
	skipProb uint8
}

// readHeader reads the header of the frame in data, and finds the partitions.
func (d *decoder) readHeader(data []byte) error {
	first := int(data[0])>>5 | int(data[1])<<3 | int(data[2])<<11
	rest := data[headerBytes:]
	if first > len(rest) {
		return io.ErrUnexpectedEOF
	}
	d.modes, rest = newBoolReader(rest[:first]), rest[first:]
	r, h := &d.modes, &d.header
	r.literal(2) // colour space and clamping: there is one way to show either
	h.readSegments(r)
	h.readFilter(r)
	if err := d.splitPartitions(1<<r.literal(2), rest); err != nil {
		return err
	}
	h.readQuantizers(r)
	r.flag() // whether later frames use the probabilities
	h.probs = defaultTokenProbs
	for kind := range h.probs {
		for band := range h.probs[kind] {
			for context := range h.probs[kind][band] {
				for i := range h.probs[kind][band][context] {
					if r.bool(tokenUpdateProbs[kind][band][context][i]) {
						h.probs[kind][band][context][i] = uint8(r.literal(8))
					}
				}
			}
		}
	}
	if h.skipping = r.flag(); h.skipping {
		h.skipProb = uint8(r.literal(8))
	}
	if r.short {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// readSegments reads how up to four kinds of macroblocks differ (section 9.3).
func (h *header) readSegments(r *boolReader) {
	if h.segmented = r.flag(); !h.segmented {
		return
	}
	h.mapped = r.flag()
	if r.flag() {
		h.relative = !r.flag()
		for i := range h.segmentQuant {
			h.segmentQuant[i] = r.signed(7)
		}
		for i := range h.segmentFilter {
			h.segmentFilter[i] = r.signed(6)
		}
	}
	if !h.mapped {
		return
	}
	for i := range h.segmentProbs {
		h.segmentProbs[i] = 255
		if r.flag() {
			h.segmentProbs[i] = uint8(r.literal(8))
		}
	}
}

// readFilter reads what the loop filter goes by (section 9.6). Of the differences for kinds of macroblocks, those for macroblocks predicted
// from other frames are passed over.
func (h *header) readFilter(r *boolReader) {
	h.simpleFilter = r.flag()
	h.filterLevel, h.sharpness = r.literal(6), r.literal(3)
	if h.filterDeltas = r.flag(); !h.filterDeltas || !r.flag() {
		return
	}
	var deltas [8]int // by frame of reference, and by mode
	for i := range deltas {
		deltas[i] = r.signed(6)
	}
	h.intraDelta, h.subblksDelta = deltas[0], deltas[4]
}

// splitPartitions finds n partitions: the lengths of all but the last, of three bytes, stand before them (section 9.5).
func (d *decoder) splitPartitions(n int, data []byte) error {
	lengths := 3 * (n - 1)
	if len(data) < lengths {
		return io.ErrUnexpectedEOF
	}
	all := data[lengths:]
	for i := range n {
		size := len(all)
		if i < n-1 {
			size = int(data[3*i]) | int(data[3*i+1])<<8 | int(data[3*i+2])<<16
		}
		if size > len(all) {
			return io.ErrUnexpectedEOF
		}
		d.tokens = append(d.tokens, newBoolReader(all[:size]))
		all = all[size:]
	}
	return nil
}
