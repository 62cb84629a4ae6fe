package vp8l

import (
	"cmp"
	"errors"
	"slices"
	"sync"
)

var (
	errCache = errors.New("the VP8L colour cache has no such size or place")
	errCopy  = errors.New("a VP8L copy reaches beyond the picture")
)

// readPixels reads a picture as it is coded, ARGB pixels row by row (RFC 9649, sections 3.6 and 3.7.2.3). That of the file, not those that
// belong to transforms, may have many groups of prefix codes.
func (d *decoder) readPixels(width, height int, many bool) ([]uint32, error) {
	var cache []uint32
	cacheBits := 0
	if d.flag() {
		if cacheBits = d.read(4); cacheBits < 1 || cacheBits > maxCacheBits {
			return nil, errCache
		}
		cache = make([]uint32, 1<<cacheBits)
	}
	g, err := d.readGroups(width, height, cacheBits, many)
	if err != nil {
		return nil, err
	}
	pixels := make([]uint32, width*height)
	cached := 0 // the pixels up to here are in the cache
	x, y := 0, 0
	group := g.list[0]
	choose := true // the group of the next pixel may be another one
	for at := 0; at < len(pixels); {
		if choose {
			group = g.at(x, y)
		}
		n := 1
		switch symbol := group[green].next(&d.bitReader); {
		case symbol < literals:
			r, b := group[red].next(&d.bitReader), group[blue].next(&d.bitReader)
			a := group[alpha].next(&d.bitReader)
			pixels[at] = uint32(a)<<24 | uint32(r)<<16 | uint32(symbol)<<8 | uint32(b)
		case symbol < literals+lengths:
			n = d.readCopy(symbol - literals)
			back := distanceOf(d.readCopy(group[distance].next(&d.bitReader)), width)
			if n > len(pixels)-at || back > at {
				return nil, errCopy
			}
			for i := at; i < at+n; i++ {
				pixels[i] = pixels[i-back]
			}
		default:
			// The place of a colour in the cache is a hash (section 3.6.2.3); pixels enter it when it is next used.
			for _, pixel := range pixels[cached:at] {
				cache[0x1e35a7bd*pixel>>(32-cacheBits)] = pixel
			}
			cached = at
			pixels[at] = cache[symbol-literals-lengths]
		}
		if d.short {
			return nil, errShort
		}
		at += n
		x += n
		choose = n > 1 || x&(1<<g.bits-1) == 0
		for x >= width {
			x, y, choose = x-width, y+1, true
		}
	}
	return pixels, nil
}

// readCopy reads the rest of a length or distance with the given symbol, 1 or more (section 3.6.2.2).
func (d *decoder) readCopy(symbol int) int {
	if symbol < 4 {
		return symbol + 1
	}
	extra := (symbol - 2) >> 1
	return (2+symbol&1)<<extra + d.read(extra) + 1
}

// near are the pixels that the first 120 codes of a distance mean: how far to the left and above, nearest first, and of those as near
// the one with the smaller step sideways, first to the left (section 3.6.2.2.1).
var near = sync.OnceValue(func() (list [][2]int) {
	for y := range 8 {
		for x := -7; x <= 8; x++ {
			if y > 0 || x > 0 {
				list = append(list, [2]int{x, y})
			}
		}
	}
	slices.SortFunc(list, func(a, b [2]int) int {
		return cmp.Or(cmp.Compare(a[0]*a[0]+a[1]*a[1], b[0]*b[0]+b[1]*b[1]), cmp.Compare(max(a[0], -a[0]), max(b[0], -b[0])), cmp.Compare(b[0], a[0]))
	})
	return list
})

// distanceOf is how many pixels back a code of a distance means.
func distanceOf(code, width int) int {
	list := near()
	if code > len(list) {
		return code - len(list)
	}
	p := list[code-1]
	return max(1, p[0]+p[1]*width)
}
