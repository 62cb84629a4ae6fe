//go:build !arm || purego

package kernel

import "unsafe"

// The functions of this file differ only in how many words they keep in registers and in
// the sign of what they add. Lists are functions of their own so that all sums find a
// register.

// byteSums4 runs a segment on 4 words of byte rows; t receives the even lanes, d the odd ones.
func byteSums4(t, d *[4]word, rows, prog unsafe.Pointer) unsafe.Pointer {
	var s [4]word
	for {
		counts := *(*uint16)(prog)
		prog = unsafe.Add(prog, 2)
		if subs := counts >> 8; subs > 0 {
			bias := splat16(*(*uint16)(prog))
			s[0] += bias
			s[1] += bias
			s[2] += bias
			s[3] += bias
			prog = byteSub4(&s, rows, unsafe.Add(prog, 2), subs)
		}
		prog = byteAdd4(&s, rows, prog, counts&0xFF)
		tail := *(*uint16)(prog)
		prog = unsafe.Add(prog, 2)
		shift := tail & 15
		switch stepKind(tail >> 8) {
		case stepDouble:
			s[0] <<= shift
			s[1] <<= shift
			s[2] <<= shift
			s[3] <<= shift
			continue
		case stepMiddle:
			t[0] = t[0]<<shift + s[0]
			t[1] = t[1]<<shift + s[1]
			t[2] = t[2]<<shift + s[2]
			t[3] = t[3]<<shift + s[3]
			d[0] = d[0]<<shift + s[0]>>8&low8
			d[1] = d[1]<<shift + s[1]>>8&low8
			d[2] = d[2]<<shift + s[2]>>8&low8
			d[3] = d[3]<<shift + s[3]>>8&low8
		case stepFirst:
			*t = s
			d[0] = s[0] >> 8 & low8
			d[1] = s[1] >> 8 & low8
			d[2] = s[2] >> 8 & low8
			d[3] = s[3] >> 8 & low8
		case stepLast:
			d[0] = d[0]<<shift + s[0]>>8&low8
			d[1] = d[1]<<shift + s[1]>>8&low8
			d[2] = d[2]<<shift + s[2]>>8&low8
			d[3] = d[3]<<shift + s[3]>>8&low8
			t[0] = t[0]<<shift + s[0] - d[0]<<8
			t[1] = t[1]<<shift + s[1] - d[1]<<8
			t[2] = t[2]<<shift + s[2] - d[2]<<8
			t[3] = t[3]<<shift + s[3] - d[3]<<8
			return prog
		case stepOnly:
			d[0] = s[0] >> 8 & low8
			d[1] = s[1] >> 8 & low8
			d[2] = s[2] >> 8 & low8
			d[3] = s[3] >> 8 & low8
			t[0] = s[0] & low8
			t[1] = s[1] & low8
			t[2] = s[2] & low8
			t[3] = s[3] & low8
			return prog
		}
		s = [4]word{}
	}
}

// byteAdd4 adds n rows to s.
func byteAdd4(s *[4]word, rows, prog unsafe.Pointer, n uint16) unsafe.Pointer {
	s0, s1, s2, s3 := s[0], s[1], s[2], s[3]
	for ; n >= 2; n -= 2 {
		tap := (*[2]uint16)(prog)
		a := (*[4]word)(unsafe.Add(rows, uint32(tap[0])<<2))
		b := (*[4]word)(unsafe.Add(rows, uint32(tap[1])<<2))
		s0 += a[0] + b[0]
		s1 += a[1] + b[1]
		s2 += a[2] + b[2]
		s3 += a[3] + b[3]
		prog = unsafe.Add(prog, 4)
	}
	if n > 0 {
		r := (*[4]word)(unsafe.Add(rows, uint32(*(*uint16)(prog))<<2))
		s0 += r[0]
		s1 += r[1]
		s2 += r[2]
		s3 += r[3]
		prog = unsafe.Add(prog, 2)
	}
	s[0], s[1], s[2], s[3] = s0, s1, s2, s3
	return prog
}

// byteSub4 subtracts n rows from s.
func byteSub4(s *[4]word, rows, prog unsafe.Pointer, n uint16) unsafe.Pointer {
	s0, s1, s2, s3 := s[0], s[1], s[2], s[3]
	for ; n >= 2; n -= 2 {
		tap := (*[2]uint16)(prog)
		a := (*[4]word)(unsafe.Add(rows, uint32(tap[0])<<2))
		b := (*[4]word)(unsafe.Add(rows, uint32(tap[1])<<2))
		s0 -= a[0] + b[0]
		s1 -= a[1] + b[1]
		s2 -= a[2] + b[2]
		s3 -= a[3] + b[3]
		prog = unsafe.Add(prog, 4)
	}
	if n > 0 {
		r := (*[4]word)(unsafe.Add(rows, uint32(*(*uint16)(prog))<<2))
		s0 -= r[0]
		s1 -= r[1]
		s2 -= r[2]
		s3 -= r[3]
		prog = unsafe.Add(prog, 2)
	}
	s[0], s[1], s[2], s[3] = s0, s1, s2, s3
	return prog
}

// byteSums2 runs a segment on 2 words of byte rows; t receives the even lanes, d the odd ones.
func byteSums2(t, d *[2]word, rows, prog unsafe.Pointer) unsafe.Pointer {
	var s [2]word
	for {
		counts := *(*uint16)(prog)
		prog = unsafe.Add(prog, 2)
		if subs := counts >> 8; subs > 0 {
			bias := splat16(*(*uint16)(prog))
			s[0] += bias
			s[1] += bias
			prog = byteSub2(&s, rows, unsafe.Add(prog, 2), subs)
		}
		prog = byteAdd2(&s, rows, prog, counts&0xFF)
		tail := *(*uint16)(prog)
		prog = unsafe.Add(prog, 2)
		shift := tail & 15
		switch stepKind(tail >> 8) {
		case stepDouble:
			s[0] <<= shift
			s[1] <<= shift
			continue
		case stepMiddle:
			t[0] = t[0]<<shift + s[0]
			t[1] = t[1]<<shift + s[1]
			d[0] = d[0]<<shift + s[0]>>8&low8
			d[1] = d[1]<<shift + s[1]>>8&low8
		case stepFirst:
			*t = s
			d[0] = s[0] >> 8 & low8
			d[1] = s[1] >> 8 & low8
		case stepLast:
			d[0] = d[0]<<shift + s[0]>>8&low8
			d[1] = d[1]<<shift + s[1]>>8&low8
			t[0] = t[0]<<shift + s[0] - d[0]<<8
			t[1] = t[1]<<shift + s[1] - d[1]<<8
			return prog
		case stepOnly:
			d[0] = s[0] >> 8 & low8
			d[1] = s[1] >> 8 & low8
			t[0] = s[0] & low8
			t[1] = s[1] & low8
			return prog
		}
		s = [2]word{}
	}
}

// byteAdd2 adds n rows to s.
func byteAdd2(s *[2]word, rows, prog unsafe.Pointer, n uint16) unsafe.Pointer {
	s0, s1 := s[0], s[1]
	for ; n >= 2; n -= 2 {
		tap := (*[2]uint16)(prog)
		a := (*[2]word)(unsafe.Add(rows, uint32(tap[0])<<2))
		b := (*[2]word)(unsafe.Add(rows, uint32(tap[1])<<2))
		s0 += a[0] + b[0]
		s1 += a[1] + b[1]
		prog = unsafe.Add(prog, 4)
	}
	if n > 0 {
		r := (*[2]word)(unsafe.Add(rows, uint32(*(*uint16)(prog))<<2))
		s0 += r[0]
		s1 += r[1]
		prog = unsafe.Add(prog, 2)
	}
	s[0], s[1] = s0, s1
	return prog
}

// byteSub2 subtracts n rows from s.
func byteSub2(s *[2]word, rows, prog unsafe.Pointer, n uint16) unsafe.Pointer {
	s0, s1 := s[0], s[1]
	for ; n >= 2; n -= 2 {
		tap := (*[2]uint16)(prog)
		a := (*[2]word)(unsafe.Add(rows, uint32(tap[0])<<2))
		b := (*[2]word)(unsafe.Add(rows, uint32(tap[1])<<2))
		s0 -= a[0] + b[0]
		s1 -= a[1] + b[1]
		prog = unsafe.Add(prog, 4)
	}
	if n > 0 {
		r := (*[2]word)(unsafe.Add(rows, uint32(*(*uint16)(prog))<<2))
		s0 -= r[0]
		s1 -= r[1]
		prog = unsafe.Add(prog, 2)
	}
	s[0], s[1] = s0, s1
	return prog
}

// byteSums1 runs a segment on 1 word of byte rows; t receives the even lanes, d the odd ones.
func byteSums1(t, d *[1]word, rows, prog unsafe.Pointer) unsafe.Pointer {
	var s [1]word
	for {
		counts := *(*uint16)(prog)
		prog = unsafe.Add(prog, 2)
		if subs := counts >> 8; subs > 0 {
			bias := splat16(*(*uint16)(prog))
			s[0] += bias
			prog = byteSub1(&s, rows, unsafe.Add(prog, 2), subs)
		}
		prog = byteAdd1(&s, rows, prog, counts&0xFF)
		tail := *(*uint16)(prog)
		prog = unsafe.Add(prog, 2)
		shift := tail & 15
		switch stepKind(tail >> 8) {
		case stepDouble:
			s[0] <<= shift
			continue
		case stepMiddle:
			t[0] = t[0]<<shift + s[0]
			d[0] = d[0]<<shift + s[0]>>8&low8
		case stepFirst:
			*t = s
			d[0] = s[0] >> 8 & low8
		case stepLast:
			d[0] = d[0]<<shift + s[0]>>8&low8
			t[0] = t[0]<<shift + s[0] - d[0]<<8
			return prog
		case stepOnly:
			d[0] = s[0] >> 8 & low8
			t[0] = s[0] & low8
			return prog
		}
		s = [1]word{}
	}
}

// byteAdd1 adds n rows to s.
func byteAdd1(s *[1]word, rows, prog unsafe.Pointer, n uint16) unsafe.Pointer {
	s0 := s[0]
	for ; n >= 2; n -= 2 {
		tap := (*[2]uint16)(prog)
		a := (*[1]word)(unsafe.Add(rows, uint32(tap[0])<<2))
		b := (*[1]word)(unsafe.Add(rows, uint32(tap[1])<<2))
		s0 += a[0] + b[0]
		prog = unsafe.Add(prog, 4)
	}
	if n > 0 {
		r := (*[1]word)(unsafe.Add(rows, uint32(*(*uint16)(prog))<<2))
		s0 += r[0]
		prog = unsafe.Add(prog, 2)
	}
	s[0] = s0
	return prog
}

// byteSub1 subtracts n rows from s.
func byteSub1(s *[1]word, rows, prog unsafe.Pointer, n uint16) unsafe.Pointer {
	s0 := s[0]
	for ; n >= 2; n -= 2 {
		tap := (*[2]uint16)(prog)
		a := (*[1]word)(unsafe.Add(rows, uint32(tap[0])<<2))
		b := (*[1]word)(unsafe.Add(rows, uint32(tap[1])<<2))
		s0 -= a[0] + b[0]
		prog = unsafe.Add(prog, 4)
	}
	if n > 0 {
		r := (*[1]word)(unsafe.Add(rows, uint32(*(*uint16)(prog))<<2))
		s0 -= r[0]
		prog = unsafe.Add(prog, 2)
	}
	s[0] = s0
	return prog
}
