//go:build !purego

package kernel

func runStrip(s *strip) {
	if useAVX2 {
		stripAVX2(s)
	} else {
		stripGeneric(s)
	}
}

//go:noescape
func stripAVX2(s *strip)
