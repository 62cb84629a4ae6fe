//go:build !purego

package kernel

// mapStep is the number of bytes that vectorMapBytes works on at a time.
const mapStep = 16

// mapsLevels is the number of levels up to which vectorMapBytes works.
const mapsLevels = 256

// vectorMapBytes is mapBytes for whole steps, at least one.
func vectorMapBytes(dst, in []byte, t *[256]uint8) { mapBytesNEON(&dst[0], &in[0], len(in)>>4, t) }

//go:noescape
func mapBytesNEON(dst, in *byte, n int, t *[256]uint8)
