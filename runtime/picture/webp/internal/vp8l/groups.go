package vp8l

import "errors"

// Alphabets of the five codes of a group (RFC 9649, section 3.7.1): green together with lengths of copies and places in the
// colour cache, then red, blue, alpha, and distances of copies.
const (
	green = iota
	red
	blue
	alpha
	distance
	codes

	literals  = 256
	lengths   = 24
	distances = 40

	maxCacheBits = 11
	maxAlphabet  = literals + lengths + 1<<maxCacheBits
	maxGroups    = 2600 // as many as encoders make
)

// group is the five codes that pixels of a part of the picture are written with.
type group [codes]*prefixCode

var (
	errGroups  = errors.New("the VP8L picture has too many prefix codes")
	errLengths = errors.New("a VP8L prefix code has more lengths than symbols")
)

// readGroup reads five codes.
func (d *decoder) readGroup(cacheBits int) (*group, error) {
	g := &group{}
	for i, size := range [codes]int{literals + lengths, literals, literals, literals, distances} {
		if i == green && cacheBits > 0 {
			size += 1 << cacheBits
		}
		c, err := d.readCode(size)
		if err != nil {
			return nil, err
		}
		g[i] = c
	}
	return g, nil
}

// readCode reads the lengths of the words of a code for size symbols: those of one or two symbols directly, others in a code of
// their own (section 3.7.2.1).
func (d *decoder) readCode(size int) (*prefixCode, error) {
	words := d.words[:size]
	clear(words)
	if d.flag() {
		two, byteWide := d.flag(), d.flag()
		n := 1
		if byteWide {
			n = 8
		}
		first := d.read(n)
		if first >= size {
			return nil, errLengths
		}
		words[first] = 1
		if two {
			second := d.read(8)
			if second >= size {
				return nil, errLengths
			}
			words[second] = 1
		}
	} else if err := d.readLengths(words); err != nil {
		return nil, err
	}
	return newPrefixCode(words)
}

// readLengths reads the lengths of words (section 3.7.2.1.2).
func (d *decoder) readLengths(words []uint8) error {
	const (
		previous  = 16 // repeats the last length other than 0, 3 to 6 times
		fewZeros  = 17 // 3 to 10
		manyZeros = 18 // 11 to 138
	)
	order := [...]uint8{17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	var own [len(order)]uint8
	for _, symbol := range order[:4+d.read(4)] {
		own[symbol] = uint8(d.read(3))
	}
	code, err := newPrefixCode(own[:])
	if err != nil {
		return err
	}
	most := len(words) // symbols of code to read
	if d.flag() {
		if most = 2 + d.read(2+2*d.read(3)); most > len(words) {
			return errLengths
		}
	}
	last := uint8(8)
	for at := 0; at < len(words) && most > 0; most-- {
		symbol := code.next(&d.bitReader)
		v, times := uint8(0), 1
		switch symbol {
		case previous:
			v, times = last, 3+d.read(2)
		case fewZeros:
			times = 3 + d.read(3)
		case manyZeros:
			times = 11 + d.read(7)
		default:
			if v = uint8(symbol); v > 0 {
				last = v
			}
		}
		if times > len(words)-at {
			return errLengths
		}
		for range times {
			words[at] = v
			at++
		}
	}
	return nil
}

// groups tells which group the pixels of each square are written with.
type groups struct {
	list  []*group // nil where no square has it
	index []uint32 // of the group of each square, row by row; nil: there is but one group
	bits  int      // the squares have sides of 1<<bits pixels
	wide  int      // squares in a row
}

// readGroups reads the groups for a picture of width x height pixels. The picture itself, not those that belong to transforms, may have
// many (section 3.7.2.2).
func (d *decoder) readGroups(width, height, cacheBits int, many bool) (*groups, error) {
	g := &groups{}
	n, used := 1, []bool(nil)
	if many && d.flag() {
		g.bits = 2 + d.read(3)
		g.wide = squares(width, g.bits)
		var err error
		if g.index, err = d.readPixels(g.wide, squares(height, g.bits), false); err != nil {
			return nil, err
		}
		used = make([]bool, maxGroups)
		for i, pixel := range g.index {
			k := int(pixel >> 8 & 0xffff) // red and green
			if k >= maxGroups {
				return nil, errGroups
			}
			g.index[i], used[k] = uint32(k), true
			n = max(n, k+1)
		}
	}
	g.list = make([]*group, n)
	for i := range g.list {
		one, err := d.readGroup(cacheBits)
		switch {
		case err != nil:
			return nil, err
		case d.short:
			return nil, errShort
		case used != nil && !used[i]:
			continue
		}
		g.list[i] = one
		for _, c := range one {
			d.room -= c.memory()
		}
		if d.room < 0 {
			return nil, errGroups
		}
	}
	return g, nil
}

// at is the group for a pixel.
func (g *groups) at(x, y int) *group {
	if g.index == nil {
		return g.list[0]
	}
	return g.list[g.index[y>>g.bits*g.wide+x>>g.bits]]
}

// squares is how many squares with sides of 1<<bits cover n pixels.
func squares(n, bits int) int { return (n + 1<<bits - 1) >> bits }
