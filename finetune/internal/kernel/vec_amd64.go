//go:build !purego

package kernel

import "unsafe"

// The vector functions do the first elements of their operands, whole vectors of them,
// and return how many.

// vecPart is how many of n elements the assembly does.
func vecPart(n int) int {
	if useAVX2 {
		return n &^ (vecLen - 1)
	}
	return 0
}

func axpyVec(y []float32, a float32, x []float32) int {
	n := vecPart(len(x))
	if n > 0 {
		axpyAVX2(&y[0], &x[0], n, a)
	}
	return n
}

func scaleVec(y []float32, a, b float32, x []float32) int {
	n := vecPart(len(x))
	if n > 0 {
		scaleAVX2(&y[0], &x[0], n, a, b)
	}
	return n
}

func sumVec(lanes *[vecLen]float32, x []float32) int {
	n := vecPart(len(x))
	if n > 0 {
		sumAVX2(lanes, &x[0], n)
	}
	return n
}

func reluVec(y, x []float32) int {
	n := vecPart(len(x))
	if n > 0 {
		reluAVX2(&y[0], &x[0], n)
	}
	return n
}

func reluGradVec(dx, dy, x []float32) int {
	n := vecPart(len(x))
	if n > 0 {
		reluGradAVX2(&dx[0], &dy[0], &x[0], n)
	}
	return n
}

func quantizeVec(y, x []float32, p *[8]float32) int {
	n := vecPart(len(x))
	if n > 0 {
		quantizeAVX2(&y[0], &x[0], n, p)
	}
	return n
}

func quantizeGradVec(dx, dy, x []float32, p *[8]float32, lanes *[vecLen]float32) int {
	n := vecPart(len(x))
	if n > 0 {
		quantizeGradAVX2(&dx[0], &dy[0], &x[0], n, p, lanes)
	}
	return n
}

func adamVec(w, g, m, v []float32, p *[8]float32) int {
	n := vecPart(len(w))
	if n > 0 {
		adamAVX2(&w[0], &g[0], &m[0], &v[0], n, p)
	}
	return n
}

func tanhVec(y, x []float32) int {
	n := vecPart(len(x))
	if n > 0 {
		tanhAVX2(&y[0], &x[0], n, &expConsts)
	}
	return n
}

func tanhGradVec(dx, dy, y []float32) int {
	n := vecPart(len(y))
	if n > 0 {
		tanhGradAVX2(&dx[0], &dy[0], &y[0], n)
	}
	return n
}

func sigmoidVec(y, x []float32) int {
	n := vecPart(len(x))
	if n > 0 {
		sigmoidAVX2(&y[0], &x[0], n, &expConsts)
	}
	return n
}

func sigmoidGradVec(dx, dy, y []float32) int {
	n := vecPart(len(y))
	if n > 0 {
		sigmoidGradAVX2(&dx[0], &dy[0], &y[0], n)
	}
	return n
}

func assignVec(dst []float32, idx []uint16, w []float32, n *nearest) int {
	k := vecPart(len(w))
	if k > 0 {
		assignAVX2(unsafe.SliceData(dst), unsafe.SliceData(idx), &w[0], k, n)
	}
	return k
}

func maxWindowsVec(y []float32, argmax []int32, x []float32, pos, off []int32) int {
	n := vecPart(len(y))
	if n > 0 {
		maxWindowsAVX2(&y[0], &argmax[0], &x[0], &pos[0], n, off)
	}
	return n
}

// expConsts are the constants of expm1 and its callers for the assembly.
var expConsts = expTable{1.4426950408889634, ln2Hi, ln2Lo, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 1.0 / 2,
	1, 2, tanhMax, sigmoidMax, 127, 1<<31 - 1}

type expTable struct {
	log2e, ln2Hi, ln2Lo    float32
	c7, c6, c5, c4, c3, c2 float32
	one, two               float32
	tanhMax, sigmoidMax    float32
	bias                   int32
	abs                    uint32
}

//go:noescape
func axpyAVX2(y, x *float32, n int, a float32)

//go:noescape
func scaleAVX2(y, x *float32, n int, a, b float32)

//go:noescape
func sumAVX2(lanes *[vecLen]float32, x *float32, n int)

//go:noescape
func reluAVX2(y, x *float32, n int)

//go:noescape
func reluGradAVX2(dx, dy, x *float32, n int)

//go:noescape
func quantizeAVX2(y, x *float32, n int, p *[8]float32)

//go:noescape
func quantizeGradAVX2(dx, dy, x *float32, n int, p *[8]float32, lanes *[vecLen]float32)

//go:noescape
func adamAVX2(w, grad, m, v *float32, n int, p *[8]float32)

//go:noescape
func tanhGradAVX2(dx, dy, y *float32, n int)

//go:noescape
func sigmoidGradAVX2(dx, dy, y *float32, n int)

//go:noescape
func tanhAVX2(y, x *float32, n int, t *expTable)

//go:noescape
func sigmoidAVX2(y, x *float32, n int, t *expTable)

// assignAVX2 leaves out dst or idx if it is nil.
//
//go:noescape
func assignAVX2(dst *float32, idx *uint16, w *float32, k int, n *nearest)

//go:noescape
func maxWindowsAVX2(y *float32, argmax *int32, x *float32, pos *int32, n int, off []int32)
