package quant_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"qconv/quant"
	"qconv/runtime"
)

// framesFor makes frames of an input along an axis, and windows of them.
type frameSource struct {
	shape [3]int // of one frame
	axis  int
	data  [][]byte
}

func newFrames(rng *rand.Rand, in runtime.Tensor, axis, count int) *frameSource {
	f := &frameSource{shape: in.Shape, axis: axis}
	f.shape[axis] = 1
	for range count {
		frame := make([]byte, f.shape[0]*f.shape[1]*f.shape[2])
		for i := range frame {
			frame[i] = byte(rng.IntN(in.Levels))
		}
		f.data = append(f.data, frame)
	}
	return f
}

// window is frames from..to-1 as an input.
func (f *frameSource) window(from, to int) []byte {
	inner := 1
	for _, n := range f.shape[f.axis+1:] {
		inner *= n
	}
	outer := len(f.data[0]) / inner
	var out []byte
	for o := range outer {
		for t := from; t < to; t++ {
			out = append(out, f.data[t][o*inner:][:inner]...)
		}
	}
	return out
}

// newest is the last positions of an output, [outer][n][inner], as a step has them.
func newest(all []int32, n, h, inner int) []int32 {
	var out []int32
	for o := range len(all) / (n * inner) {
		out = append(out, all[(o*n+n-h)*inner:][:h*inner]...)
	}
	return out
}

func simulate(t *testing.T, p *runtime.Program, in []byte) []int32 {
	t.Helper()
	out, err := quant.Simulate(p, in)
	if err != nil {
		t.Fatal(err)
	}
	return out[0]
}

// TestStreamRandom demands that streams of random networks have the outputs of the networks over windows, bit for bit.
func TestStreamRandom(t *testing.T) {
	kinds, hops, sliding, historic := map[string]int{}, 0, 0, 0
	for seed := range uint64(600) {
		const frames = 24
		n := newStreamNet(seed, frames)
		if err := n.p.Validate(); err != nil {
			t.Fatalf("seed %d: %v: %v", seed, n.text, err)
		}
		hop := []int{0, 0, 4, 8}[seed%4]
		axes := []int{n.axis}
		step, info, err := quant.Stream(n.p, quant.StreamOptions{Hop: hop, Axes: axes})
		if err != nil {
			if strings.Contains(err.Error(), "nothing moves") {
				continue
			}
			t.Fatalf("seed %d: %v: %v", seed, n.text, err)
		}
		for _, k := range n.text {
			kinds[k]++
		}
		if hop = info.Hop; hop > 1 {
			hops++
		}
		const steps = 16
		source := newFrames(rand.New(rand.NewPCG(seed, 3)), n.p.Tensors[n.p.Inputs[0].Tensor], n.axis, max(steps*hop, 2*frames))
		sim := quant.NewSimulation(step)
		var outs [][]int32
		for k := 0; (k+1)*hop <= len(source.data); k++ {
			out, err := sim.Step(source.window(k*hop, (k+1)*hop))
			if err != nil {
				t.Fatalf("seed %d: %v: step %d: %v", seed, n.text, k, err)
			}
			outs = append(outs, out[0])
		}
		full, part := n.p.Tensors[n.p.Outputs[0].Tensor].Shape, step.Tensors[step.Outputs[0].Tensor].Shape
		time, length, h, inner := -1, 1, 1, 1
		for d := 2; d >= 0; d-- {
			if full[d] != part[d] {
				time, length, h = d, full[d], part[d]
				for _, size := range full[d+1:] {
					inner *= size
				}
			}
		}
		compare := func(k int, p *runtime.Program, from int, what string) {
			t.Helper()
			want := simulate(t, p, source.window(from, (k+1)*hop))
			if time >= 0 {
				want = newest(want, p.Tensors[p.Outputs[0].Tensor].Shape[time], h, inner)
			}
			if !slices.Equal(outs[k], want) {
				t.Fatalf("seed %d: %v, hop %d, warm-up %d, axis %d: step %d (%s): got %v, want %v", seed, n.text, hop, info.Warmup, n.axis, k, what, outs[k], want)
			}
		}
		if len(info.Notes) == 0 {
			sliding++
			for k := max(info.Warmup, (frames+hop-1)/hop-1); k < len(outs); k++ {
				compare(k, n.p, (k+1)*hop-frames, "sliding window")
			}
			continue
		}
		historic++
		if frames%hop == 0 {
			compare(frames/hop-1, n.p, 0, "first full window")
			// Every position that was delivered before is that of the first full window, too.
			all := simulate(t, n.p, source.window(0, frames))
			for k := info.Warmup; length > 1 && k < frames/hop; k++ {
				at := length - (frames/hop-k)*h
				for i, v := range outs[k] {
					o, j, r := i/(h*inner), i/inner%h, i%inner
					if at+j >= 0 && v != all[(o*length+at+j)*inner+r] {
						t.Fatalf("seed %d: %v, hop %d, warm-up %d: step %d, position %d: got %d, want %d", seed, n.text, hop, info.Warmup, k, j, v, all[(o*length+at+j)*inner+r])
					}
				}
			}
		}
		if head := n.text[len(n.text)-1]; head == "sequence" || head == "argmax" || head == "last" {
			for _, k := range []int{len(outs) - 1, len(outs) - 2} {
				if (k+1)*hop > frames && ((k+1)*hop)%hop == 0 {
					compare(k, newStreamNet(seed, (k+1)*hop).p, 0, "history since the reset")
				}
			}
		}
	}
	for _, k := range []string{"valid", "causal", "chomped", "pool", "causal pool", "map", "skip", "pair", "transpose", "pad", "recurrence", "join", "dense", "mean", "max", "last", "argmax", "sequence", "across", "product"} {
		if kinds[k] < 10 {
			t.Errorf("%d networks with %q, want at least 10", kinds[k], k)
		}
	}
	if hops < 50 || sliding < 100 || historic < 100 {
		t.Errorf("%d networks with steps of several frames, %d with sliding windows, %d that depend on their history", hops, sliding, historic)
	}
}
