//go:build !amd64 || purego

package kernel

func runTile(t *tile) { tileGeneric(t) }

func runGradTile(t *gradTile) { gradTileGeneric(t) }

func runStrip(s *strip) { stripGeneric(s) }

func runDots(d *dots) { dotsGeneric(d) }

func transposeRows(dst []float32, ldd int, src []float32, lds, rows, cols int, _ bool) {
	transposeScalar(dst, ldd, src, lds, rows, 0, cols)
}

func (c *blockCopy) run() { c.generic() }

func weaveVec(dst []float32, ld int, a, b []float32, rows, na, nb int) bool { return false }

// The vector functions do the first elements of their operands and return how many:
// here none.

func axpyVec(y []float32, a float32, x []float32) int     { return 0 }
func scaleVec(y []float32, a, b float32, x []float32) int { return 0 }
func sumVec(lanes *[vecLen]float32, x []float32) int      { return 0 }
func reluVec(y, x []float32) int                          { return 0 }
func reluGradVec(dx, dy, x []float32) int                 { return 0 }
func quantizeVec(y, x []float32, p *[8]float32) int       { return 0 }
func quantizeGradVec(dx, dy, x []float32, p *[8]float32, lanes *[vecLen]float32) int {
	return 0
}
func adamVec(w, g, m, v []float32, p *[8]float32) int                    { return 0 }
func tanhVec(y, x []float32) int                                         { return 0 }
func tanhGradVec(dx, dy, y []float32) int                                { return 0 }
func sigmoidVec(y, x []float32) int                                      { return 0 }
func sigmoidGradVec(dx, dy, y []float32) int                             { return 0 }
func assignVec(dst []float32, idx []uint16, w []float32, n *nearest) int { return 0 }
func maxWindowsVec(y []float32, argmax []int32, x []float32, pos, off []int32) int {
	return 0
}
