package kernel

import (
	"fmt"
	"math"
	"math/rand"
	"slices"
	"testing"
	"time"
)

// randomLayer is one of the many shapes that networks have, small enough to be timed in every form.
func randomLayer(r *rand.Rand) (name string, l *Layer, src [][]byte) {
	const mostMACs = 3 << 20
	one := func(x ...int) int { return x[r.Intn(len(x))] }
	books := [][]int32{smallInts(), arbitrary(r, 64, 8), arbitrary(r, 200, 11), {-1, 0, 1}, {3}}
	for {
		in, outs, groups := [3]int{one(1, 2, 3, 4, 8, 16, 24, 32, 64, 128), one(1, 1, 2, 3, 4, 5, 7, 8, 14, 28), one(1, 2, 3, 4, 5, 7, 8, 14, 28, 50, 100)}, one(1, 2, 3, 4, 8, 10, 16, 24, 32, 64, 128), 1
		switch {
		case r.Intn(4) == 0:
			groups, outs = in[0], in[0]*one(1, 1, 1, 2)
		case in[0]%4 == 0 && outs%4 == 0 && r.Intn(4) == 0:
			groups = 4
		}
		stride, dilation, up := one(1, 1, 1, 2), one(1, 1, 1, 2, 4), one(1, 1, 1, 1, 2)
		t := Term{Shape: in, Levels: one(2, 8, 16, 32, 32, 256), Groups: groups, Kernel: [2]int{one(1, 1, 2, 3, 3, 5), one(1, 1, 2, 3, 3, 5, 7, 9)},
			Stride: [2]int{stride, stride}, Dilation: [2]int{dilation, dilation}, Up: [2]int{up, up}}
		t.Zero = r.Intn(t.Levels)
		out, ok := [3]int{outs}, true
		for a := range 2 {
			t.Pad[a] = one(0, t.Kernel[a]/2)
			free := (in[1+a]-1)*up + 1 + 2*t.Pad[a] - dilation*(t.Kernel[a]-1) - 1
			ok = ok && free >= 0
			out[1+a] = free/stride + 1
		}
		if !ok || outs*out[1]*out[2]*t.taps() > mostMACs {
			continue
		}
		book := books[r.Intn(len(books))]
		l, src = benchLayer(out, t, book)
		return fmt.Sprintf("%v kernel %v stride %d up %d dilation %d groups %d, %d levels, %d centres -> %v", in, t.Kernel, stride, up, dilation, groups, t.Levels, len(book), out), l, src
	}
}

// BenchmarkPick tells how much longer random layers take in the form that [NewLinear] picks than in their fastest one: the geometric mean, and with
// -v the layers that it picks worst for.
func BenchmarkPick(b *testing.B) {
	const layers, patience = 300, 2 * time.Millisecond
	for _, v := range Available() {
		b.Run(v.String(), func(b *testing.B) {
			for b.Loop() {
				r := rand.New(rand.NewSource(77))
				sum, worst := 0.0, map[float64]string{}
				for range layers {
					name, l, src := randomLayer(r)
					m := l.merged()
					forms := map[string]linear{NameLookup: NewLookup(l)}
					put := func(name string, k linear, err error) {
						if err == nil {
							forms[name] = k
						}
					}
					products, err := NewProducts(m, math.MaxInt, v)
					put(NameProducts, products, err)
					pooled, err := NewPooled(m)
					put(NamePooled, pooled, err)
					sorted, err := NewSorted(m, SortedBytes(m), math.MaxInt, v)
					put(NameSorted, sorted, err)
					patched, err := NewPatched(m, SortedBytes(m), math.MaxInt, v)
					put(NamePatched, patched, err)
					if m.suitsPositions() {
						grouped, err := NewGrouped(m, math.MaxInt, v)
						put(NameGrouped, grouped, err)
						depthwise, err := NewDepthwise(m, math.MaxInt, v)
						put(NameDepthwise, depthwise, err)
					}
					least, fastest := math.Inf(1), ""
					times := map[string]float64{}
					for form, k := range forms {
						s, dst := NewScratch(k.Need()), make([]byte, l.Out[0]*l.positions())
						run := func(n int) time.Duration {
							start := time.Now()
							for range n {
								k.Run(dst, nil, src, s)
							}
							return time.Since(start)
						}
						run(1)
						n := max(1, int(patience/max(1, run(1))))
						times[form] = float64(min(run(n), run(n), run(n))) / float64(n)
						if times[form] < least {
							least, fastest = times[form], form
						}
					}
					picked := NewLinear(l, v).Name()
					ratio := times[picked] / least
					sum += math.Log(ratio)
					worst[ratio] = fmt.Sprintf("%s: %s takes %.0f ns, %s %.0f", name, picked, times[picked], fastest, least)
				}
				b.ReportMetric(math.Exp(sum/layers), "times-the-best")
				ratios := make([]float64, 0, len(worst))
				for ratio := range worst {
					ratios = append(ratios, ratio)
				}
				slices.Sort(ratios)
				for _, ratio := range ratios[max(0, len(ratios)-10):] {
					b.Logf("%.2f %s", ratio, worst[ratio])
				}
			}
		})
	}
}
