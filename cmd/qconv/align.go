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
	count := min(alignSamples, samples)
	points := [2][][]float64{make([][]float64, len(a)), make([][]float64, len(b))}
	err := eachInside(ctx, []insides{own, other}, count, samples, func(n int) {
		addElements(points[0], own, n)
		addElements(points[1], other, n)
	})
	if err != nil {
		return nil, err
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
	ratios := make([][]relation, len(pairs))
	err = eachInside(ctx, []insides{own, other}, count, samples, func(n int) {
		for k, p := range pairs {
			ratios[k] = addChannels(ratios[k], own, other, p, n)
		}
	})
	var same []pairing
	for k, p := range pairs {
		var ok bool
		if p.gains, ok = gainsOf(ratios[k]); ok {
			same = append(same, p)
		}
	}
	return same, err
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

// addElements adds elements of every value, the same ones wherever a value has as many elements.
func addElements(points [][]float64, net insides, samples int) {
	for i, v := range net.values() {
		dst := make([]float64, v.elems)
		n := min(alignPoints, v.elems)
		for k := range samples {
			net.read(i, k, dst)
			for q := range n {
				points[i] = append(points[i], dst[q*v.elems/n])
			}
		}
	}
}

// relation is how two lists of numbers go together.
type relation struct{ n, x, y, xx, yy, xy float64 }

func (r *relation) add(x, y float64) {
	if math.IsNaN(x) || math.IsNaN(y) {
		return
	}
	r.n, r.x, r.y, r.xx, r.yy, r.xy = r.n+1, r.x+x, r.y+y, r.xx+x*x, r.yy+y*y, r.xy+x*y
}

// correlation is 0 where one of both does not vary.
func (r *relation) correlation() float64 {
	if c := (r.n*r.xy - r.x*r.y) / math.Sqrt((r.n*r.xx-r.x*r.x)*(r.n*r.yy-r.y*r.y)); !math.IsNaN(c) && !math.IsInf(c, 0) {
		return c
	}
	return 0
}

// correlation is that of two lists of numbers.
func correlation(a, b []float64) float64 {
	var r relation
	for i, x := range a {
		r.add(x, b[i])
	}
	return r.correlation()
}

// A channel is taken for one that was made larger where its values follow the other network's to gainLike, and their ratio is a power of two to
// gainNear of an octave; the value must have one for which that is beyond doubt, sureLike and sureNear. A value is a multiple of the other one where it follows it to multipleLike, and the ratios of half of the channels, by their power, are
// farther than multipleNear from any power of two: noise changes ratios less.
const (
	gainLike     = 0.9
	gainNear     = 0.2
	sureLike     = 0.99
	sureNear     = 0.06
	multipleLike = 0.8
	multipleNear = 0.3
)

// addChannels adds what some samples say of each channel of a pair; none where it has no channels.
func addChannels(channels []relation, own, other insides, p pairing, samples int) []relation {
	v := own.values()[p.own]
	if v.channels < 1 || v.elems%v.channels != 0 {
		return nil
	}
	if channels == nil {
		channels = make([]relation, v.channels)
	}
	plane := v.elems / v.channels
	a, b := make([]float64, v.elems), make([]float64, v.elems)
	for k := range samples {
		own.read(p.own, k, a)
		other.read(p.other, k, b)
		for e, x := range a {
			channels[e/plane].add(x, b[e])
		}
	}
	return channels
}

// gainsOf are the powers of two by which channels of a value are larger than in the other network, nil where none is. It is not the same value where it is a multiple by
// something else: a product with a constant, for example.
func gainsOf(channels []relation) (gains []int, same bool) {
	gains, sure := make([]int, len(channels)), false
	var power, off, told float64 // squares of the channels: of all, of those far from a power of two, and what the other network tells of it
	for c := range channels {
		r := &channels[c]
		if !(r.xx > 0 && r.yy > 0) {
			continue
		}
		octaves := math.Log2(r.xx/r.yy) / 2
		like, near := r.correlation(), math.Round(octaves)
		if near != 0 && math.Abs(octaves-near) < gainNear && like > gainLike {
			gains[c] = int(near)
			sure = sure || math.Abs(octaves-near) < sureNear && like > sureLike
		}
		// Noise makes a channel larger, but not what it has of the other one.
		octaves = math.Log2(max(r.xy, 0) / r.yy)
		power, told = power+r.xx, told+r.xy*r.xy/r.yy
		if !(math.Abs(octaves-math.Round(octaves)) <= multipleNear) {
			off += r.xx
		}
	}
	if !sure {
		gains = nil
	}
	multiple := told > multipleLike*multipleLike*power && 2*off > power
	return gains, !multiple
}
