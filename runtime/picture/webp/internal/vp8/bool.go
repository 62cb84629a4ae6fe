package vp8

import "math/bits"

// boolReader reads decisions, each with the probability of a zero in 256ths, from arithmetically coded bytes (RFC 6386, section 7).
type boolReader struct {
	data  []byte // what has not been taken yet
	value uint32 // the bits taken, below width<<ahead
	ahead int    // how many bits of value lie beyond the eight that the next decision compares; negative: bits are wanting
	width uint32 // of the interval, 128 to 255 between decisions
	short bool   // the data ended before the decisions did
}

func newBoolReader(data []byte) boolReader { return boolReader{data: data, ahead: -8, width: 255} }

// fill takes bytes, zeros where there are none, until the next decision can be made.
func (r *boolReader) fill() {
	for r.ahead < 0 {
		switch len(r.data) {
		case 0:
			r.value, r.ahead, r.short = r.value<<8, r.ahead+8, true
		case 1:
			r.value, r.ahead, r.data = r.value<<8|uint32(r.data[0]), r.ahead+8, nil
		default:
			r.value, r.ahead, r.data = r.value<<16|uint32(r.data[0])<<8|uint32(r.data[1]), r.ahead+16, r.data[2:]
		}
	}
}

// bool reads a decision: true with a probability of about 1 - zero/256.
func (r *boolReader) bool(zero uint8) bool {
	if r.ahead < 0 {
		r.fill()
	}
	split := 1 + ((r.width-1)*uint32(zero))>>8
	border := split << (r.ahead & 31)
	width, one := split, r.value >= border
	if one {
		width = r.width - split
		r.value -= border
	}
	if width < 128 {
		shift := bits.LeadingZeros8(uint8(width))
		width <<= shift & 7
		r.ahead -= shift
	}
	r.width = width
	return one
}

// bit is bool as a number.
func (r *boolReader) bit(zero uint8) int32 {
	if r.bool(zero) {
		return 1
	}
	return 0
}

// flag reads a decision of even chances.
func (r *boolReader) flag() bool { return r.bool(128) }

// literal reads a number of n bits, the highest first.
func (r *boolReader) literal(n int) int {
	v := 0
	for range n {
		v = v<<1 | int(r.bit(128))
	}
	return v
}

// signed reads a flag and, where it is set, a number of n bits and its sign; else it is 0.
func (r *boolReader) signed(n int) int {
	if !r.flag() {
		return 0
	}
	v := r.literal(n)
	if r.flag() {
		return -v
	}
	return v
}
