//go:build !arm || purego

package kernel

import "unsafe"

// addRows2 adds the rows at base + list[i] to the sums of a pair of columns. The low
// nibbles of column c are stream 2c, the high ones stream 2c+1. Not more than group rows
// are added in byte lanes.
func addRows2(s *laneSums, base unsafe.Pointer, list []uint32, group int) {
	for len(list) > 0 {
		k := min(len(list), group)
		var a, b, c, d word
		for _, at := range list[:k] {
			row := (*[2]word)(unsafe.Add(base, at))
			v, w := row[0], row[1]
			a += v & low4
			b += v >> 4 & low4
			c += w & low4
			d += w >> 4 & low4
		}
		list = list[k:]
		s.t[0] += a
		s.d[0] += a >> 8 & low8
		s.t[1] += b
		s.d[1] += b >> 8 & low8
		s.t[2] += c
		s.d[2] += c >> 8 & low8
		s.t[3] += d
		s.d[3] += d >> 8 & low8
	}
}

// addRows1 is addRows2 for a single column, whose rows are half as far apart.
func addRows1(s *laneSums, base unsafe.Pointer, list []uint32, group int) {
	for len(list) > 0 {
		k := min(len(list), group)
		var a, b word
		for _, at := range list[:k] {
			v := *(*word)(unsafe.Add(base, at>>1))
			a += v & low4
			b += v >> 4 & low4
		}
		list = list[k:]
		s.t[0] += a
		s.d[0] += a >> 8 & low8
		s.t[1] += b
		s.d[1] += b >> 8 & low8
	}
}
