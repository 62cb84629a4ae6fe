//go:build !purego

package kernel

func gatherPanel(panel, src []float32, off []int32, m *moves) {
	if useAVX2 {
		gatherAVX2(&panel[0], &src[0], off, m)
	} else {
		gatherPanelGeneric(panel, src, off, m)
	}
}

//go:noescape
func gatherAVX2(panel, src *float32, off []int32, m *moves)
