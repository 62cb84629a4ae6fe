package kernel

import "unsafe"

// The functions of this file differ only in the number of words they keep in registers.

// wideSums4 runs a segment on 4 words of 16-bit rows.
func wideSums4(t *[4]word, rows, prog unsafe.Pointer) unsafe.Pointer {
	splat := splat16((*[2]uint16)(prog)[0])
	planes := (*[2]uint16)(prog)[1]
	prog = unsafe.Add(prog, 4)
	var t0, t1, t2, t3 word
	for ; planes > 0; planes-- {
		head := (*[3]uint16)(prog)
		prog = unsafe.Add(prog, 6)
		shift := head[0] & 15
		t0 <<= shift
		t1 <<= shift
		t2 <<= shift
		t3 <<= shift
		for n := head[1]; n > 0; n-- {
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
		for n := head[2]; n > 0; n-- {
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
	}
	t[0] = t0 + splat
	t[1] = t1 + splat
	t[2] = t2 + splat
	t[3] = t3 + splat
	return prog
}

// wideSums2 runs a segment on 2 words of 16-bit rows.
func wideSums2(t *[2]word, rows, prog unsafe.Pointer) unsafe.Pointer {
	splat := splat16((*[2]uint16)(prog)[0])
	planes := (*[2]uint16)(prog)[1]
	prog = unsafe.Add(prog, 4)
	var t0, t1 word
	for ; planes > 0; planes-- {
		head := (*[3]uint16)(prog)
		prog = unsafe.Add(prog, 6)
		shift := head[0] & 15
		t0 <<= shift
		t1 <<= shift
		for n := head[1]; n > 0; n-- {
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
		for n := head[2]; n > 0; n-- {
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
	}
	t[0] = t0 + splat
	t[1] = t1 + splat
	return prog
}

// wideSums1 runs a segment on 1 word of 16-bit rows.
func wideSums1(t *[1]word, rows, prog unsafe.Pointer) unsafe.Pointer {
	splat := splat16((*[2]uint16)(prog)[0])
	planes := (*[2]uint16)(prog)[1]
	prog = unsafe.Add(prog, 4)
	var t0 word
	for ; planes > 0; planes-- {
		head := (*[3]uint16)(prog)
		prog = unsafe.Add(prog, 6)
		shift := head[0] & 15
		t0 <<= shift
		for n := head[1]; n > 0; n-- {
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
		for n := head[2]; n > 0; n-- {
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
	}
	t[0] = t0 + splat
	return prog
}

// splat16 is v in every 16-bit lane.
func splat16(v uint16) word {
	w := word(v)
	w |= w << 16
	return w | w<<(wordBytes<<2)
}
