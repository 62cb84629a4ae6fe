package finetune

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// tallied is a network whose outputs are the numbers of a list, and data with targets or classes for it.
type tallied struct {
	outputs, targets [][]float64
	classes          bool
}

func (d *tallied) Sizes() (input, output int) { return 1, len(d.outputs[0]) }

func (d *tallied) Predict(_ context.Context, samples []int, dst [][]float64) error {
	for k, i := range samples {
		copy(dst[k], d.outputs[i])
	}
	return nil
}

func (d *tallied) Target(int, []float64) error { panic("not asked") }

// talliedData are the data of a tallied network.
type talliedData struct{ *tallied }

func (d talliedData) Len() int { return len(d.outputs) }

func (d talliedData) Label(i int) int {
	if d.classes {
		return i % 3
	}
	return -1
}

func (d talliedData) Target(i int) (list []float32) {
	for _, v := range d.targets[i] {
		list = append(list, float32(v))
	}
	return list
}

// TestPartsJoin measures all samples at once and in parts, and wants the same figures to the last bit, also through JSON.
func TestPartsJoin(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	make2 := func(n int) (list [][]float64) {
		for range n {
			list = append(list, []float64{1e6 + r.NormFloat64(), r.NormFloat64() * 1e-3, r.NormFloat64()})
		}
		return list
	}
	const samples = 1500
	net := &tallied{outputs: make2(samples), targets: make2(samples), classes: true}
	against := &tallied{outputs: make2(samples)}
	net.outputs[700][1] = math.NaN()
	net.outputs[900][2] = math.Inf(1)
	data := talliedData{net}
	whole, err := Measure(t.Context(), net, against, data, EvaluateConfig{})
	if err != nil {
		t.Fatal(err)
	}
	own, other := whole.Metrics()
	if own.Samples != samples || own.Labelled != samples || !own.HasTargets || own.MSE == own.MSE || !(other.MSE > 0) {
		t.Errorf("got %+v and %+v", own, other)
	}
	for _, count := range []int{1, 2, 3, 5, 9} {
		var all *Tally
		seen := 0
		for i := range count {
			part, err := Measure(t.Context(), net, against, data, EvaluateConfig{Part: Part{i, count}, Each: func(sample int, _, _ []float64) {
				if sample != seen {
					t.Errorf("sample %d of %d parts, want %d", sample, count, seen)
				}
				seen++
			}})
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(part)
			if err != nil {
				t.Fatal(err)
			}
			read := &Tally{}
			if err := json.Unmarshal(text, read); err != nil {
				t.Fatal(err)
			}
			if all == nil {
				all = read
			} else if err := all.Join(read); err != nil {
				t.Fatal(err)
			}
		}
		a, _ := json.Marshal(whole)
		b, _ := json.Marshal(all)
		if string(a) != string(b) || seen != samples {
			t.Errorf("%d parts come to %.300s, all to %.300s", count, b, a)
		}
		_, second := all.Metrics()
		if fmt.Sprint(second) != fmt.Sprint(other) {
			t.Errorf("%d parts: %+v, want %+v", count, second, other)
		}
	}
	for _, p := range []Part{{1, 1}, {-1, 2}, {2, 2}, {0, -1}} {
		if _, err := Measure(t.Context(), net, nil, data, EvaluateConfig{Part: p}); err == nil {
			t.Errorf("part %+v is taken", p)
		}
	}
}

// TestPartsOfBlocks wants whole blocks in every part, all of them once, and blocks of bounded number.
func TestPartsOfBlocks(t *testing.T) {
	for _, samples := range []int{1, 255, 256, 257, 5000, 300_000, 1_281_167} {
		size := blockSize(samples)
		if size%evaluated != 0 || (samples+size-1)/size > mostBlocks {
			t.Errorf("%d samples: blocks of %d", samples, size)
		}
		for _, count := range []int{1, 2, 7, 100} {
			at := 0
			for i := range count {
				from, to := Part{i, count}.Positions(samples)
				if from != at || to < from || from%size != 0 && from != samples {
					t.Errorf("part %d of %d of %d samples: %d to %d, want from %d", i, count, samples, from, to, at)
				}
				at = to
			}
			if at != samples {
				t.Errorf("%d parts of %d samples end at %d", count, samples, at)
			}
		}
	}
}
