//go:build !purego

package kernel

// mapsBytes says whether vectorMapBytes exists.
const mapsBytes = true

// vectorMapBytes is mapBytes for a multiple of 16 bytes, at least 16.
func vectorMapBytes(dst, in []byte, t *[256]uint8) { mapBytesNEON(&dst[0], &in[0], len(in)>>4, t) }

//go:noescape
func mapBytesNEON(dst, in *byte, n int, t *[256]uint8)
