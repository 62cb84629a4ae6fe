package kernel

import (
	"math"
	"math/rand"
	"sort"
	"testing"
)

// benchLayers are the layers of the networks that the project trains.
var benchLayers = []struct {
	name string
	out  [3]int
	term Term
}{
	{"lenet-conv1", [3]int{16, 28, 28}, term([3]int{1, 28, 28}, 5, 1, 2, 256, 33)},
	{"lenet-conv2", [3]int{32, 10, 10}, term([3]int{16, 14, 14}, 5, 1, 0, 32, 0)},
	{"lenet-dense1", [3]int{128, 1, 1}, term([3]int{32, 5, 5}, 5, 1, 0, 32, 0)},
	{"lenet-dense2", [3]int{10, 1, 1}, term([3]int{128, 1, 1}, 1, 1, 0, 32, 0)},
	{"conv3x3-16x32x32", [3]int{16, 32, 32}, term([3]int{16, 32, 32}, 3, 1, 1, 32, 0)},
	{"conv3x3-32x16x16", [3]int{32, 16, 16}, term([3]int{32, 16, 16}, 3, 1, 1, 32, 0)},
	{"conv3x3-64x8x8", [3]int{64, 8, 8}, term([3]int{64, 8, 8}, 3, 1, 1, 32, 0)},
	{"conv1x1-64x24x24", [3]int{64, 24, 24}, term([3]int{64, 24, 24}, 1, 1, 0, 32, 0)},
	{"conv1x1-128x6x6", [3]int{128, 6, 6}, term([3]int{128, 6, 6}, 1, 1, 0, 32, 0)},
	{"depthwise-64x24x24", [3]int{64, 24, 24}, depthwise(term([3]int{64, 24, 24}, 3, 1, 1, 32, 0))},
	{"depthwise-128x6x6", [3]int{128, 6, 6}, depthwise(term([3]int{128, 6, 6}, 3, 1, 1, 32, 0))},
	{"depthwise-64x12x12-stride2", [3]int{64, 6, 6}, depthwise(term([3]int{64, 12, 12}, 3, 2, 0, 32, 0))},
	{"depthwise-64-1x3", [3]int{64, 1, 1}, alongRow(depthwise(term([3]int{64, 1, 3}, 3, 1, 0, 32, 0)), 1)},
	{"depthwise-64-1x3-dilated", [3]int{64, 1, 1}, alongRow(depthwise(term([3]int{64, 1, 9}, 3, 1, 0, 32, 0)), 4)},
	{"depthwise-64-1x3-4positions", [3]int{64, 1, 4}, alongRow(depthwise(term([3]int{64, 1, 6}, 3, 1, 0, 32, 0)), 1)},
	{"depthwise-64-1x3-8positions", [3]int{64, 1, 8}, alongRow(depthwise(term([3]int{64, 1, 10}, 3, 1, 0, 32, 0)), 1)},
	{"conv1x1-64x1x8", [3]int{64, 1, 8}, term([3]int{64, 1, 8}, 1, 1, 0, 32, 0)},
	{"depthwise-256x2x2", [3]int{256, 2, 2}, depthwise(term([3]int{256, 2, 2}, 3, 1, 1, 32, 0))},
	{"depthwise-512-7x7", [3]int{512, 1, 1}, depthwise(term([3]int{512, 7, 7}, 7, 1, 0, 32, 0))},
	{"groups-8-of-64", [3]int{64, 1, 1}, inGroups(term([3]int{64, 1, 1}, 1, 1, 0, 32, 0), 8)},
	{"dense-640x128", [3]int{128, 1, 1}, term([3]int{640, 1, 1}, 1, 1, 0, 32, 0)},
	{"dense-640x128-256levels", [3]int{128, 1, 1}, term([3]int{640, 1, 1}, 1, 1, 0, 256, 0)},
	{"dense-128x128", [3]int{128, 1, 1}, term([3]int{128, 1, 1}, 1, 1, 0, 32, 0)},
	{"dense-64x128-256levels", [3]int{128, 1, 1}, term([3]int{64, 1, 1}, 1, 1, 0, 256, 127)},
}

func depthwise(t Term) Term {
	t.Groups = t.Shape[0]
	return t
}

func inGroups(t Term, groups int) Term {
	t.Groups = groups
	return t
}

// alongRow is a term whose kernel goes along rows only, so many elements apart.
func alongRow(t Term, dilation int) Term {
	t.Kernel[0], t.Dilation[1] = 1, dilation
	return t
}

// benchLayer has bell-shaped weights, half of its inputs zero, and a rectifier whose
// breaks spread over the sums that occur.
func benchLayer(out [3]int, t Term, book []int32) (*Layer, [][]byte) {
	r := rand.New(rand.NewSource(1))
	l := &Layer{Out: out, Bias: make([]int32, out[0]), Terms: []Term{t}}
	p := &l.Terms[0]
	p.Centres, p.Weights = book, make([]uint16, out[0]*p.taps())
	for i := range p.Weights {
		x := float64(len(book))/2 + r.NormFloat64()*float64(len(book))/6
		p.Weights[i] = uint16(min(max(int(x), 0), len(book)-1))
	}
	in := input(p.Shape[0] * p.Shape[1] * p.Shape[2])
	for i := range in {
		in[i] = byte(p.Zero)
		if r.Intn(2) == 0 {
			in[i] = byte(r.Intn(p.Levels))
		}
	}
	_, acc := naive(l, [][]byte{in})
	sort.Slice(acc, func(i, j int) bool { return acc[i] < acc[j] })
	lo, hi := acc[len(acc)/2], acc[len(acc)*99/100]
	var s Step
	for i := range 32 {
		s.Values = append(s.Values, byte(i))
		if i > 0 {
			s.Breaks = append(s.Breaks, lo+int32(i)*((hi-lo)/31+1))
		}
	}
	l.Steps = []Step{s}
	return l, [][]byte{in}
}

func BenchmarkLinear(b *testing.B) {
	r := rand.New(rand.NewSource(1))
	for _, c := range benchLayers {
		for _, book := range []struct {
			name    string
			centres []int32
		}{{"16u", smallInts()}, {"8bit", arbitrary(r, 64, 8)}} {
			l, src := benchLayer(c.out, c.term, book.centres)
			kernels := map[string]linear{"lookup": NewLookup(l)}
			kinds := []string{"lookup"}
			if k, err := NewProducts(l, math.MaxInt, Portable); err == nil {
				kinds = append(kinds, "products")
				kernels["products"] = k
			}
			for _, v := range Available() {
				if k, err := NewGrouped(l, math.MaxInt, v); err == nil {
					kinds = append(kinds, "grouped-"+v.String())
					kernels["grouped-"+v.String()] = k
				}
				if k, err := NewSorted(l, 4*len(l.Terms[0].Weights)+4096, math.MaxInt, v); err == nil {
					kinds = append(kinds, "sorted-"+v.String())
					kernels["sorted-"+v.String()] = k
				}
				if k, err := NewDepthwise(l, math.MaxInt, v); err == nil {
					kinds = append(kinds, "depthwise-"+v.String())
					kernels["depthwise-"+v.String()] = k
				}
			}
			for _, kind := range kinds {
				k := kernels[kind]
				if k == nil {
					continue
				}
				b.Run(c.name+"/"+book.name+"/"+kind, func(b *testing.B) {
					s := NewScratch(k.Need())
					dst := make([]byte, l.Out[0]*l.positions())
					for b.Loop() {
						k.Run(dst, nil, src, s)
					}
					macs := float64(len(l.Terms[0].Weights) * l.positions())
					b.ReportMetric(macs*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GMAC/s")
				})
			}
		}
	}
}
