package main

import (
	"context"
	"math"
)

// pairing says which value of one network is the same as which of another, and by which powers of two each of its channels is larger than
// there: balancing (see quant.Balancing) does that to programs.
type pairing struct {
	own, other int
	gains      []int // nil: all are 0
}

// Values are told apart by alignSamples samples, of which alignPoints elements each are looked at.
const (
	alignSamples = 16
	alignPoints  = 256
)

// pairInsides finds the values that two networks share. Values of two ONNX files have names, those of two programs places. A program does not tell which
// value of a network a tensor is: both come in the order in which they are computed, and those that go together vary together.
func pairInsides(ctx context.Context, own, other insides, samples int) ([]pairing, error) {
	a, b := own.values(), other.values()
	_, program := own.(*programInsides)
	_, otherProgram := other.(*programInsides)
	switch {
	case !program && !otherProgram:
		return pairByName(a, b), nil
	case program && otherProgram:
		return pairByPlace(a, b), nil
	}
	var looked []int
	for k := range min(alignSamples, samples) {
		looked = append(looked, k*samples/min(alignSamples, samples))
	}
	points := [2][][]float64{}
	for k, net := range []insides{own, other} {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := net.run(looked); err != nil {
			return nil, err
		}
		points[k] = pointsOf(net, len(looked))
	}
	pairs := align(len(a), len(b), func(i, j int) float64 {
		x, y := &a[i], &b[j]
		switch {
		case x.elems != y.elems:
			return 0
		case x.output >= 0 && x.output == y.output:
			return 2 // both are the same output
		}
		score := 0.01 + max(0, correlation(points[0][i], points[1][j]))
		if x.channels == y.channels {
			score += 0.01
		}
		return score
	})
	for k := range pairs {
		p := &pairs[k]
		p.gains = gainsOf(own, other, p.own, p.other, len(looked))
	}
	return pairs, nil
}

// pairByName pairs values with the same name.
func pairByName(a, b []insideValue) (pairs []pairing) {
	at := map[string]int{}
	for j, v := range b {
		at[v.name] = j
	}
	for i, v := range a {
		if j, ok := at[v.name]; ok && b[j].elems == v.elems {
			pairs = append(pairs, pairing{own: i, other: j})
		}
	}
	return pairs
}

// pairByPlace pairs the values of programs of the same form; none where their forms differ.
func pairByPlace(a, b []insideValue) (pairs []pairing) {
	if len(a) != len(b) {
		return nil
	}
	for i := range a {
		if a[i].elems != b[i].elems || a[i].output != b[i].output {
			return nil
		}
		pairs = append(pairs, pairing{own: i, other: i})
	}
	return pairs
}

// align pairs elements of two lists in order, each with at most one, so that the sum of the scores is largest; pairs without any score are left
// out.
func align(n, m int, score func(i, j int) float64) []pairing {
	scores, best := make([]float64, n*m), make([]float64, (n+1)*(m+1)) // best[i][j] is that of the elements from i and j on
	row := m + 1
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			s := score(i, j)
			scores[i*m+j] = s
			best[i*row+j] = max(best[(i+1)*row+j], best[i*row+j+1], best[(i+1)*row+j+1]+s)
		}
	}
	var pairs []pairing
	for i, j := 0, 0; i < n && j < m; {
		switch best[i*row+j] {
		case best[(i+1)*row+j]:
			i++
		case best[i*row+j+1]:
			j++
		default:
			pairs = append(pairs, pairing{own: i, other: j})
			i, j = i+1, j+1
		}
	}
	return pairs
}

// pointsOf are elements of every value, the same ones wherever a value has as many elements.
func pointsOf(net insides, samples int) [][]float64 {
	list := net.values()
	points := make([][]float64, len(list))
	for i, v := range list {
		dst := make([]float64, v.elems)
		n := min(alignPoints, v.elems)
		for k := range samples {
			net.read(i, k, dst)
			for q := range n {
				points[i] = append(points[i], dst[q*v.elems/n])
			}
		}
	}
	return points
}

// correlation is that of two lists of numbers, 0 where one of them does not vary.
func correlation(a, b []float64) float64 {
	var n, x, y, xx, yy, xy float64
	for i, u := range a {
		v := b[i]
		if math.IsNaN(u) || math.IsNaN(v) {
			continue
		}
		n, x, y, xx, yy, xy = n+1, x+u, y+v, xx+u*u, yy+v*v, xy+u*v
	}
	if c := (n*xy - x*y) / math.Sqrt((n*xx-x*x)*(n*yy-y*y)); !math.IsNaN(c) && !math.IsInf(c, 0) {
		return c
	}
	return 0
}

// A channel is taken for one that was made larger where its values follow the other network's to gainLike, and their ratio is a power of two to
// gainNear of an octave.
const (
	gainLike = 0.9
	gainNear = 0.2
)

// gainsOf are the powers of two by which channels of a value are larger than in the other network; nil where none is.
func gainsOf(own, other insides, i, j, samples int) []int {
	v := own.values()[i]
	if v.channels < 1 || v.elems%v.channels != 0 {
		return nil
	}
	plane := v.elems / v.channels
	a, b := make([][]float64, samples), make([][]float64, samples)
	for k := range samples {
		a[k], b[k] = make([]float64, v.elems), make([]float64, v.elems)
		own.read(i, k, a[k])
		other.read(j, k, b[k])
	}
	gains, any := make([]int, v.channels), false
	for c := range gains {
		var x, y []float64
		for k := range samples {
			x, y = append(x, a[k][c*plane:][:plane]...), append(y, b[k][c*plane:][:plane]...)
		}
		octaves := math.Log2(meanSquareOf(x)/meanSquareOf(y)) / 2
		if near := math.Round(octaves); near != 0 && math.Abs(octaves-near) < gainNear && correlation(x, y) > gainLike {
			gains[c], any = int(near), true
		}
	}
	if !any {
		return nil
	}
	return gains
}

func meanSquareOf(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x * x
	}
	return sum / float64(max(len(v), 1))
}
