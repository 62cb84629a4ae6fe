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

func gatherPanel(panel, src []float32, off []int32, m *moves) {
	if useAVX2 {
		gatherAVX2(&panel[0], &src[0], off, m)
	} else {
		gatherPanelGeneric(panel, src, off, m)
	}
}

//go:noescape
func gatherAVX2(panel, src *float32, off []int32, m *moves)
