//go:build !purego

package kernel

func runTile(t *tile) {
	if useAVX2 {
		tileAVX2(t)
	} else {
		tileGeneric(t)
	}
}

//go:noescape
func tileAVX2(t *tile)
