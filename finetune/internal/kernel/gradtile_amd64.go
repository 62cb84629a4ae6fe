//go:build !purego

package kernel

func runGradTile(t *gradTile) {
	if useAVX2 {
		gradTileAVX2(t)
	} else {
		gradTileGeneric(t)
	}
}

//go:noescape
func gradTileAVX2(t *gradTile)

func runDots(d *dots) {
	if useAVX2 {
		dotsAVX2(d)
	} else {
		dotsGeneric(d)
	}
}

//go:noescape
func dotsAVX2(d *dots)
