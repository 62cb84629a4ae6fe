package vp8l

// undoPredictor adds what each pixel was predicted to be from those decoded before it: the one to the left in the first row, the one
// above in the first column, and else by the mode of the square (RFC 9649, section 3.5.1).
func (t *transform) undoPredictor(pixels []uint32) error {
	const opaque = 0xff000000
	wide := squares(t.width, t.bits)
	pixels[0] = add(pixels[0], opaque)
	for x := 1; x < t.width; x++ {
		pixels[x] = add(pixels[x], pixels[x-1])
	}
	for at := t.width; at < len(pixels); at += t.width {
		pixels[at] = add(pixels[at], pixels[at-t.width])
		modes := t.data[at/t.width>>t.bits*wide:][:wide]
		for x := 1; x < t.width; {
			end := min(t.width, (x>>t.bits+1)<<t.bits) // of this square
			mode := modes[x>>t.bits] >> 8 & 15
			if int(mode) >= len(predictors) {
				return errPredictor
			}
			// The pixel above and to the right of a row's last one is the row's first.
			predictors[mode](pixels[at+x-1:at+end], pixels[at-t.width+x-1:at-t.width+end+1])
			x = end
		}
	}
	return nil
}

// predictors add their predictions to row[1:]; row[0] is the pixel to the left. The pixel above row[i] is above[i].
var predictors = [...]func(row, above []uint32){
	func(row, above []uint32) { each(row, above, func(l, tl, t, tr uint32) uint32 { return 0xff000000 }) },
	func(row, above []uint32) { each(row, above, func(l, tl, t, tr uint32) uint32 { return l }) },
	func(row, above []uint32) { each(row, above, func(l, tl, t, tr uint32) uint32 { return t }) },
	func(row, above []uint32) { each(row, above, func(l, tl, t, tr uint32) uint32 { return tr }) },
	func(row, above []uint32) { each(row, above, func(l, tl, t, tr uint32) uint32 { return tl }) },
	func(row, above []uint32) {
		each(row, above, func(l, tl, t, tr uint32) uint32 { return mean(mean(l, tr), t) })
	},
	func(row, above []uint32) { each(row, above, func(l, tl, t, tr uint32) uint32 { return mean(l, tl) }) },
	func(row, above []uint32) { each(row, above, func(l, tl, t, tr uint32) uint32 { return mean(l, t) }) },
	func(row, above []uint32) { each(row, above, func(l, tl, t, tr uint32) uint32 { return mean(tl, t) }) },
	func(row, above []uint32) { each(row, above, func(l, tl, t, tr uint32) uint32 { return mean(t, tr) }) },
	func(row, above []uint32) {
		each(row, above, func(l, tl, t, tr uint32) uint32 { return mean(mean(l, tl), mean(t, tr)) })
	},
	func(row, above []uint32) {
		each(row, above, func(l, tl, t, tr uint32) uint32 { return nearer(l, t, tl) })
	},
	func(row, above []uint32) {
		each(row, above, func(l, tl, t, tr uint32) uint32 {
			return bytewise(func(shift int) int32 { return byteAt(l, shift) + byteAt(t, shift) - byteAt(tl, shift) })
		})
	},
	func(row, above []uint32) {
		each(row, above, func(l, tl, t, tr uint32) uint32 {
			m := mean(l, t)
			return bytewise(func(shift int) int32 {
				v := byteAt(m, shift)
				return v + (v-byteAt(tl, shift))/2
			})
		})
	},
}

// each calls predict with the pixels to the left, above that, above, and to the right of that.
func each(row, above []uint32, predict func(l, tl, t, tr uint32) uint32) {
	left := row[0]
	for i := 1; i < len(row); i++ {
		left = add(row[i], predict(left, above[i-1], above[i], above[i+1]))
		row[i] = left
	}
}

// add adds the bytes of two pixels, each without carry into the next.
func add(a, b uint32) uint32 {
	const even, odd = 0x00ff00ff, 0xff00ff00
	return (a&odd+b&odd)&odd | (a&even+b&even)&even
}

// mean is half the sum of the bytes of two pixels, rounded down.
func mean(a, b uint32) uint32 { return a&b + (a^b)>>1&0x7f7f7f7f }

// nearer is Select: the one of l and t that is nearer to l + t - tl.
func nearer(l, t, tl uint32) uint32 {
	toLeft, toTop := int32(0), int32(0)
	for shift := 0; shift < 32; shift += 8 {
		c := byteAt(tl, shift)
		toLeft += magnitude(byteAt(t, shift) - c)
		toTop += magnitude(byteAt(l, shift) - c)
	}
	if toLeft < toTop {
		return l
	}
	return t
}

// bytewise makes a pixel of four values, limited to bytes.
func bytewise(value func(shift int) int32) (pixel uint32) {
	for shift := 0; shift < 32; shift += 8 {
		pixel |= uint32(max(0, min(255, value(shift)))) << shift
	}
	return pixel
}

func byteAt(pixel uint32, shift int) int32 { return int32(pixel >> shift & 0xff) }

func magnitude(v int32) int32 { return max(v, -v) }
