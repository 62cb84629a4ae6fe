//go:build !arm || purego

package kernel

import "unsafe"

// The functions of this file differ only in how many words they keep in registers and in
// the sign of what they add.

// wideSums4 runs a segment on 4 words of 16-bit rows.
func wideSums4(t *[4]word, rows, prog unsafe.Pointer) unsafe.Pointer {
	splat := splat16((*[2]uint16)(prog)[0])
	planes := int((*[2]uint16)(prog)[1])
	prog = unsafe.Add(prog, 4)
	t[0], t[1], t[2], t[3] = 0, 0, 0, 0
	for ; planes > 0; planes-- {
		head := (*[3]uint16)(prog)
		prog = unsafe.Add(prog, 6)
		if shift := head[0] & 15; shift > 0 {
			t[0] <<= shift
			t[1] <<= shift
			t[2] <<= shift
			t[3] <<= shift
		}
		prog = wideAdd4(t, rows, prog, head[1])
		prog = wideSub4(t, rows, prog, head[2])
	}
	t[0] += splat
	t[1] += splat
	t[2] += splat
	t[3] += splat
	return prog
}

// wideAdd4 adds the rows of n units to t.
func wideAdd4(t *[4]word, rows, prog unsafe.Pointer, n uint16) unsafe.Pointer {
	t0, t1, t2, t3 := t[0], t[1], t[2], t[3]
	for ; n > 0; n-- {
		tap := (*[4]uint16)(prog)
		r := (*[4]word)(unsafe.Add(rows, uint32(tap[0])<<2))
		t0 += r[0]
		t1 += r[1]
		t2 += r[2]
		t3 += r[3]
		r = (*[4]word)(unsafe.Add(rows, uint32(tap[1])<<2))
		t0 += r[0]
		t1 += r[1]
		t2 += r[2]
		t3 += r[3]
		r = (*[4]word)(unsafe.Add(rows, uint32(tap[2])<<2))
		t0 += r[0]
		t1 += r[1]
		t2 += r[2]
		t3 += r[3]
		r = (*[4]word)(unsafe.Add(rows, uint32(tap[3])<<2))
		t0 += r[0]
		t1 += r[1]
		t2 += r[2]
		t3 += r[3]
		prog = unsafe.Add(prog, 8)
	}
	t[0], t[1], t[2], t[3] = t0, t1, t2, t3
	return prog
}

// wideSub4 is [wideAdd4] with subtraction.
func wideSub4(t *[4]word, rows, prog unsafe.Pointer, n uint16) unsafe.Pointer {
	t0, t1, t2, t3 := t[0], t[1], t[2], t[3]
	for ; n > 0; n-- {
		tap := (*[4]uint16)(prog)
		r := (*[4]word)(unsafe.Add(rows, uint32(tap[0])<<2))
		t0 -= r[0]
		t1 -= r[1]
		t2 -= r[2]
		t3 -= r[3]
		r = (*[4]word)(unsafe.Add(rows, uint32(tap[1])<<2))
		t0 -= r[0]
		t1 -= r[1]
		t2 -= r[2]
		t3 -= r[3]
		r = (*[4]word)(unsafe.Add(rows, uint32(tap[2])<<2))
		t0 -= r[0]
		t1 -= r[1]
		t2 -= r[2]
		t3 -= r[3]
		r = (*[4]word)(unsafe.Add(rows, uint32(tap[3])<<2))
		t0 -= r[0]
		t1 -= r[1]
		t2 -= r[2]
		t3 -= r[3]
		prog = unsafe.Add(prog, 8)
	}
	t[0], t[1], t[2], t[3] = t0, t1, t2, t3
	return prog
}

// wideSums2 runs a segment on 2 words of 16-bit rows.
func wideSums2(t *[2]word, rows, prog unsafe.Pointer) unsafe.Pointer {
	splat := splat16((*[2]uint16)(prog)[0])
	planes := int((*[2]uint16)(prog)[1])
	prog = unsafe.Add(prog, 4)
	t[0], t[1] = 0, 0
	for ; planes > 0; planes-- {
		head := (*[3]uint16)(prog)
		prog = unsafe.Add(prog, 6)
		if shift := head[0] & 15; shift > 0 {
			t[0] <<= shift
			t[1] <<= shift
		}
		prog = wideAdd2(t, rows, prog, head[1])
		prog = wideSub2(t, rows, prog, head[2])
	}
	t[0] += splat
	t[1] += splat
	return prog
}

// wideAdd2 is [wideAdd4] for 2 words.
func wideAdd2(t *[2]word, rows, prog unsafe.Pointer, n uint16) unsafe.Pointer {
	t0, t1 := t[0], t[1]
	for ; n > 0; n-- {
		tap := (*[4]uint16)(prog)
		r := (*[2]word)(unsafe.Add(rows, uint32(tap[0])<<2))
		t0 += r[0]
		t1 += r[1]
		r = (*[2]word)(unsafe.Add(rows, uint32(tap[1])<<2))
		t0 += r[0]
		t1 += r[1]
		r = (*[2]word)(unsafe.Add(rows, uint32(tap[2])<<2))
		t0 += r[0]
		t1 += r[1]
		r = (*[2]word)(unsafe.Add(rows, uint32(tap[3])<<2))
		t0 += r[0]
		t1 += r[1]
		prog = unsafe.Add(prog, 8)
	}
	t[0], t[1] = t0, t1
	return prog
}

// wideSub2 is [wideAdd2] with subtraction.
func wideSub2(t *[2]word, rows, prog unsafe.Pointer, n uint16) unsafe.Pointer {
	t0, t1 := t[0], t[1]
	for ; n > 0; n-- {
		tap := (*[4]uint16)(prog)
		r := (*[2]word)(unsafe.Add(rows, uint32(tap[0])<<2))
		t0 -= r[0]
		t1 -= r[1]
		r = (*[2]word)(unsafe.Add(rows, uint32(tap[1])<<2))
		t0 -= r[0]
		t1 -= r[1]
		r = (*[2]word)(unsafe.Add(rows, uint32(tap[2])<<2))
		t0 -= r[0]
		t1 -= r[1]
		r = (*[2]word)(unsafe.Add(rows, uint32(tap[3])<<2))
		t0 -= r[0]
		t1 -= r[1]
		prog = unsafe.Add(prog, 8)
	}
	t[0], t[1] = t0, t1
	return prog
}

// wideSums1 runs a segment on 1 word of 16-bit rows.
func wideSums1(t *[1]word, rows, prog unsafe.Pointer) unsafe.Pointer {
	splat := splat16((*[2]uint16)(prog)[0])
	planes := int((*[2]uint16)(prog)[1])
	prog = unsafe.Add(prog, 4)
	t[0] = 0
	for ; planes > 0; planes-- {
		head := (*[3]uint16)(prog)
		prog = unsafe.Add(prog, 6)
		if shift := head[0] & 15; shift > 0 {
			t[0] <<= shift
		}
		prog = wideAdd1(t, rows, prog, head[1])
		prog = wideSub1(t, rows, prog, head[2])
	}
	t[0] += splat
	return prog
}

// wideAdd1 is [wideAdd4] for 1 word.
func wideAdd1(t *[1]word, rows, prog unsafe.Pointer, n uint16) unsafe.Pointer {
	t0 := t[0]
	for ; n > 0; n-- {
		tap := (*[4]uint16)(prog)
		r := (*[1]word)(unsafe.Add(rows, uint32(tap[0])<<2))
		t0 += r[0]
		r = (*[1]word)(unsafe.Add(rows, uint32(tap[1])<<2))
		t0 += r[0]
		r = (*[1]word)(unsafe.Add(rows, uint32(tap[2])<<2))
		t0 += r[0]
		r = (*[1]word)(unsafe.Add(rows, uint32(tap[3])<<2))
		t0 += r[0]
		prog = unsafe.Add(prog, 8)
	}
	t[0] = t0
	return prog
}

// wideSub1 is [wideAdd1] with subtraction.
func wideSub1(t *[1]word, rows, prog unsafe.Pointer, n uint16) unsafe.Pointer {
	t0 := t[0]
	for ; n > 0; n-- {
		tap := (*[4]uint16)(prog)
		r := (*[1]word)(unsafe.Add(rows, uint32(tap[0])<<2))
		t0 -= r[0]
		r = (*[1]word)(unsafe.Add(rows, uint32(tap[1])<<2))
		t0 -= r[0]
		r = (*[1]word)(unsafe.Add(rows, uint32(tap[2])<<2))
		t0 -= r[0]
		r = (*[1]word)(unsafe.Add(rows, uint32(tap[3])<<2))
		t0 -= r[0]
		prog = unsafe.Add(prog, 8)
	}
	t[0] = t0
	return prog
}

// splat16 is v in every 16-bit lane.
func splat16(v uint16) word {
	w := word(v)
	w |= w << 16
	return w | w<<(wordBytes<<2)
}
