//go:build !arm || purego

package kernel

import "unsafe"

// fourProducts sets acc to the products of a with four columns of b, whose rows are columns elements apart. Levels of a that are zero have none;
// minus begins where the level 0 of a does.
func fourProducts(acc *[4]int32, a, b []byte, columns int, zero uint8, plus, minus *[256]uint16) {
	var s0, s1, s2, s3 int32
	at := 0
	for _, i := range a {
		if i != zero {
			line := (*[4]byte)(b[at:])
			p := (*[256]uint16)(unsafe.Add(unsafe.Pointer(plus), int(i)<<1))
			m := (*[256]uint16)(unsafe.Add(unsafe.Pointer(minus), -int(i)<<1))
			s0 += int32(p[line[0]]) - int32(m[line[0]])
			s1 += int32(p[line[1]]) - int32(m[line[1]])
			s2 += int32(p[line[2]]) - int32(m[line[2]])
			s3 += int32(p[line[3]]) - int32(m[line[3]])
		}
		at += columns
	}
	*acc = [4]int32{s0, s1, s2, s3}
}
