//go:build !arm || purego

package kernel

import "unsafe"

// The functions of this file differ only in how many words they keep in registers and in
// the sign of what they add. Lists are functions of their own so that all sums find a
// register.

// byteSums4 runs a segment on 4 words of byte rows; t receives the even lanes, d the odd ones.
func byteSums4(t, d *[4]word, rows, prog unsafe.Pointer, group int) unsafe.Pointer {
	splat := splat16((*[2]uint16)(prog)[0])
	planes := int((*[2]uint16)(prog)[1])
	prog = unsafe.Add(prog, 4)
	t[0], t[1], t[2], t[3] = 0, 0, 0, 0
	d[0], d[1], d[2], d[3] = 0, 0, 0, 0
	for ; planes > 0; planes-- {
		head := (*[3]uint16)(prog)
		prog = unsafe.Add(prog, 6)
		if shift := head[0] & 15; shift > 0 {
			t[0] <<= shift
			d[0] <<= shift
			t[1] <<= shift
			d[1] <<= shift
			t[2] <<= shift
			d[2] <<= shift
			t[3] <<= shift
			d[3] <<= shift
		}
		prog = byteAdd4(t, d, rows, prog, int(head[1]), group)
		prog = byteSub4(t, d, rows, prog, int(head[2]), group)
	}
	t[0] += splat - d[0]<<8
	d[0] += splat
	t[1] += splat - d[1]<<8
	d[1] += splat
	t[2] += splat - d[2]<<8
	d[2] += splat
	t[3] += splat - d[3]<<8
	d[3] += splat
	return prog
}

// byteAdd4 adds the rows of n units to the sums t and d of [byteSums4].
func byteAdd4(t, d *[4]word, rows, prog unsafe.Pointer, n, group int) unsafe.Pointer {
	if group == 2 {
		prog = byteAddTwo4(t, d, rows, prog, n&^1)
		n &= 1
	}
	for ; n > 0; n -= group {
		var s0, s1, s2, s3 word
		for k := min(n, group); k > 0; k-- {
			tap := (*[4]uint16)(prog)
			r := (*[4]word)(unsafe.Add(rows, uint32(tap[0])<<2))
			s0 += r[0]
			s1 += r[1]
			s2 += r[2]
			s3 += r[3]
			r = (*[4]word)(unsafe.Add(rows, uint32(tap[1])<<2))
			s0 += r[0]
			s1 += r[1]
			s2 += r[2]
			s3 += r[3]
			r = (*[4]word)(unsafe.Add(rows, uint32(tap[2])<<2))
			s0 += r[0]
			s1 += r[1]
			s2 += r[2]
			s3 += r[3]
			r = (*[4]word)(unsafe.Add(rows, uint32(tap[3])<<2))
			s0 += r[0]
			s1 += r[1]
			s2 += r[2]
			s3 += r[3]
			prog = unsafe.Add(prog, 8)
		}
		t[0] += s0
		d[0] += s0 & high8 >> 8
		t[1] += s1
		d[1] += s1 & high8 >> 8
		t[2] += s2
		d[2] += s2 & high8 >> 8
		t[3] += s3
		d[3] += s3 & high8 >> 8
	}
	return prog
}

// byteSub4 is [byteAdd4] with subtraction.
func byteSub4(t, d *[4]word, rows, prog unsafe.Pointer, n, group int) unsafe.Pointer {
	if group == 2 {
		prog = byteSubTwo4(t, d, rows, prog, n&^1)
		n &= 1
	}
	for ; n > 0; n -= group {
		var s0, s1, s2, s3 word
		for k := min(n, group); k > 0; k-- {
			tap := (*[4]uint16)(prog)
			r := (*[4]word)(unsafe.Add(rows, uint32(tap[0])<<2))
			s0 += r[0]
			s1 += r[1]
			s2 += r[2]
			s3 += r[3]
			r = (*[4]word)(unsafe.Add(rows, uint32(tap[1])<<2))
			s0 += r[0]
			s1 += r[1]
			s2 += r[2]
			s3 += r[3]
			r = (*[4]word)(unsafe.Add(rows, uint32(tap[2])<<2))
			s0 += r[0]
			s1 += r[1]
			s2 += r[2]
			s3 += r[3]
			r = (*[4]word)(unsafe.Add(rows, uint32(tap[3])<<2))
			s0 += r[0]
			s1 += r[1]
			s2 += r[2]
			s3 += r[3]
			prog = unsafe.Add(prog, 8)
		}
		t[0] -= s0
		d[0] -= s0 & high8 >> 8
		t[1] -= s1
		d[1] -= s1 & high8 >> 8
		t[2] -= s2
		d[2] -= s2 & high8 >> 8
		t[3] -= s3
		d[3] -= s3 & high8 >> 8
	}
	return prog
}

// byteAddTwo4 is [byteAdd4] for groups of two units and an even n.
func byteAddTwo4(t, d *[4]word, rows, prog unsafe.Pointer, n int) unsafe.Pointer {
	for ; n > 0; n -= 2 {
		tap := (*[8]uint16)(prog)
		r := (*[4]word)(unsafe.Add(rows, uint32(tap[0])<<2))
		s0, s1, s2, s3 := r[0], r[1], r[2], r[3]
		r = (*[4]word)(unsafe.Add(rows, uint32(tap[1])<<2))
		s0 += r[0]
		s1 += r[1]
		s2 += r[2]
		s3 += r[3]
		r = (*[4]word)(unsafe.Add(rows, uint32(tap[2])<<2))
		s0 += r[0]
		s1 += r[1]
		s2 += r[2]
		s3 += r[3]
		r = (*[4]word)(unsafe.Add(rows, uint32(tap[3])<<2))
		s0 += r[0]
		s1 += r[1]
		s2 += r[2]
		s3 += r[3]
		r = (*[4]word)(unsafe.Add(rows, uint32(tap[4])<<2))
		s0 += r[0]
		s1 += r[1]
		s2 += r[2]
		s3 += r[3]
		r = (*[4]word)(unsafe.Add(rows, uint32(tap[5])<<2))
		s0 += r[0]
		s1 += r[1]
		s2 += r[2]
		s3 += r[3]
		r = (*[4]word)(unsafe.Add(rows, uint32(tap[6])<<2))
		s0 += r[0]
		s1 += r[1]
		s2 += r[2]
		s3 += r[3]
		r = (*[4]word)(unsafe.Add(rows, uint32(tap[7])<<2))
		s0 += r[0]
		s1 += r[1]
		s2 += r[2]
		s3 += r[3]
		prog = unsafe.Add(prog, 16)
		t[0] += s0
		d[0] += s0 & high8 >> 8
		t[1] += s1
		d[1] += s1 & high8 >> 8
		t[2] += s2
		d[2] += s2 & high8 >> 8
		t[3] += s3
		d[3] += s3 & high8 >> 8
	}
	return prog
}

// byteSubTwo4 is [byteAddTwo4] with subtraction.
func byteSubTwo4(t, d *[4]word, rows, prog unsafe.Pointer, n int) unsafe.Pointer {
	for ; n > 0; n -= 2 {
		tap := (*[8]uint16)(prog)
		r := (*[4]word)(unsafe.Add(rows, uint32(tap[0])<<2))
		s0, s1, s2, s3 := r[0], r[1], r[2], r[3]
		r = (*[4]word)(unsafe.Add(rows, uint32(tap[1])<<2))
		s0 += r[0]
		s1 += r[1]
		s2 += r[2]
		s3 += r[3]
		r = (*[4]word)(unsafe.Add(rows, uint32(tap[2])<<2))
		s0 += r[0]
		s1 += r[1]
		s2 += r[2]
		s3 += r[3]
		r = (*[4]word)(unsafe.Add(rows, uint32(tap[3])<<2))
		s0 += r[0]
		s1 += r[1]
		s2 += r[2]
		s3 += r[3]
		r = (*[4]word)(unsafe.Add(rows, uint32(tap[4])<<2))
		s0 += r[0]
		s1 += r[1]
		s2 += r[2]
		s3 += r[3]
		r = (*[4]word)(unsafe.Add(rows, uint32(tap[5])<<2))
		s0 += r[0]
		s1 += r[1]
		s2 += r[2]
		s3 += r[3]
		r = (*[4]word)(unsafe.Add(rows, uint32(tap[6])<<2))
		s0 += r[0]
		s1 += r[1]
		s2 += r[2]
		s3 += r[3]
		r = (*[4]word)(unsafe.Add(rows, uint32(tap[7])<<2))
		s0 += r[0]
		s1 += r[1]
		s2 += r[2]
		s3 += r[3]
		prog = unsafe.Add(prog, 16)
		t[0] -= s0
		d[0] -= s0 & high8 >> 8
		t[1] -= s1
		d[1] -= s1 & high8 >> 8
		t[2] -= s2
		d[2] -= s2 & high8 >> 8
		t[3] -= s3
		d[3] -= s3 & high8 >> 8
	}
	return prog
}

// byteSums2 runs a segment on 2 words of byte rows; t receives the even lanes, d the odd ones.
func byteSums2(t, d *[2]word, rows, prog unsafe.Pointer, group int) unsafe.Pointer {
	splat := splat16((*[2]uint16)(prog)[0])
	planes := int((*[2]uint16)(prog)[1])
	prog = unsafe.Add(prog, 4)
	t[0], t[1] = 0, 0
	d[0], d[1] = 0, 0
	for ; planes > 0; planes-- {
		head := (*[3]uint16)(prog)
		prog = unsafe.Add(prog, 6)
		if shift := head[0] & 15; shift > 0 {
			t[0] <<= shift
			d[0] <<= shift
			t[1] <<= shift
			d[1] <<= shift
		}
		prog = byteAdd2(t, d, rows, prog, int(head[1]), group)
		prog = byteSub2(t, d, rows, prog, int(head[2]), group)
	}
	t[0] += splat - d[0]<<8
	d[0] += splat
	t[1] += splat - d[1]<<8
	d[1] += splat
	return prog
}

// byteAdd2 is [byteAdd4] for 2 words.
func byteAdd2(t, d *[2]word, rows, prog unsafe.Pointer, n, group int) unsafe.Pointer {
	for ; n > 0; n -= group {
		var s0, s1 word
		for k := min(n, group); k > 0; k-- {
			tap := (*[4]uint16)(prog)
			r := (*[2]word)(unsafe.Add(rows, uint32(tap[0])<<2))
			s0 += r[0]
			s1 += r[1]
			r = (*[2]word)(unsafe.Add(rows, uint32(tap[1])<<2))
			s0 += r[0]
			s1 += r[1]
			r = (*[2]word)(unsafe.Add(rows, uint32(tap[2])<<2))
			s0 += r[0]
			s1 += r[1]
			r = (*[2]word)(unsafe.Add(rows, uint32(tap[3])<<2))
			s0 += r[0]
			s1 += r[1]
			prog = unsafe.Add(prog, 8)
		}
		t[0] += s0
		d[0] += s0 & high8 >> 8
		t[1] += s1
		d[1] += s1 & high8 >> 8
	}
	return prog
}

// byteSub2 is [byteAdd2] with subtraction.
func byteSub2(t, d *[2]word, rows, prog unsafe.Pointer, n, group int) unsafe.Pointer {
	for ; n > 0; n -= group {
		var s0, s1 word
		for k := min(n, group); k > 0; k-- {
			tap := (*[4]uint16)(prog)
			r := (*[2]word)(unsafe.Add(rows, uint32(tap[0])<<2))
			s0 += r[0]
			s1 += r[1]
			r = (*[2]word)(unsafe.Add(rows, uint32(tap[1])<<2))
			s0 += r[0]
			s1 += r[1]
			r = (*[2]word)(unsafe.Add(rows, uint32(tap[2])<<2))
			s0 += r[0]
			s1 += r[1]
			r = (*[2]word)(unsafe.Add(rows, uint32(tap[3])<<2))
			s0 += r[0]
			s1 += r[1]
			prog = unsafe.Add(prog, 8)
		}
		t[0] -= s0
		d[0] -= s0 & high8 >> 8
		t[1] -= s1
		d[1] -= s1 & high8 >> 8
	}
	return prog
}

// byteSums1 runs a segment on 1 word of byte rows; t receives the even lanes, d the odd ones.
func byteSums1(t, d *[1]word, rows, prog unsafe.Pointer, group int) unsafe.Pointer {
	splat := splat16((*[2]uint16)(prog)[0])
	planes := int((*[2]uint16)(prog)[1])
	prog = unsafe.Add(prog, 4)
	t[0] = 0
	d[0] = 0
	for ; planes > 0; planes-- {
		head := (*[3]uint16)(prog)
		prog = unsafe.Add(prog, 6)
		if shift := head[0] & 15; shift > 0 {
			t[0] <<= shift
			d[0] <<= shift
		}
		prog = byteAdd1(t, d, rows, prog, int(head[1]), group)
		prog = byteSub1(t, d, rows, prog, int(head[2]), group)
	}
	t[0] += splat - d[0]<<8
	d[0] += splat
	return prog
}

// byteAdd1 is [byteAdd4] for 1 word.
func byteAdd1(t, d *[1]word, rows, prog unsafe.Pointer, n, group int) unsafe.Pointer {
	for ; n > 0; n -= group {
		var s0 word
		for k := min(n, group); k > 0; k-- {
			tap := (*[4]uint16)(prog)
			r := (*[1]word)(unsafe.Add(rows, uint32(tap[0])<<2))
			s0 += r[0]
			r = (*[1]word)(unsafe.Add(rows, uint32(tap[1])<<2))
			s0 += r[0]
			r = (*[1]word)(unsafe.Add(rows, uint32(tap[2])<<2))
			s0 += r[0]
			r = (*[1]word)(unsafe.Add(rows, uint32(tap[3])<<2))
			s0 += r[0]
			prog = unsafe.Add(prog, 8)
		}
		t[0] += s0
		d[0] += s0 & high8 >> 8
	}
	return prog
}

// byteSub1 is [byteAdd1] with subtraction.
func byteSub1(t, d *[1]word, rows, prog unsafe.Pointer, n, group int) unsafe.Pointer {
	for ; n > 0; n -= group {
		var s0 word
		for k := min(n, group); k > 0; k-- {
			tap := (*[4]uint16)(prog)
			r := (*[1]word)(unsafe.Add(rows, uint32(tap[0])<<2))
			s0 += r[0]
			r = (*[1]word)(unsafe.Add(rows, uint32(tap[1])<<2))
			s0 += r[0]
			r = (*[1]word)(unsafe.Add(rows, uint32(tap[2])<<2))
			s0 += r[0]
			r = (*[1]word)(unsafe.Add(rows, uint32(tap[3])<<2))
			s0 += r[0]
			prog = unsafe.Add(prog, 8)
		}
		t[0] -= s0
		d[0] -= s0 & high8 >> 8
	}
	return prog
}
