//go:build !purego

package kernel

// mapStep is the number of bytes that vectorMapBytes works on at a time.
const mapStep = 32

// mapsLevels is the number of levels up to which vectorMapBytes works.
var mapsLevels = func() int {
	if best >= AVX2 {
		return 32
	}
	return 0
}()

// vectorMapBytes is mapBytes for whole steps, at least one.
func vectorMapBytes(dst, in []byte, t *[256]uint8) { mapBytesAVX2(&dst[0], &in[0], len(in)>>5, t) }

//go:noescape
func mapBytesAVX2(dst, in *byte, n int, t *[256]uint8)
