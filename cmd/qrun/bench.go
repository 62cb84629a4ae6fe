package main

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"qconv/runtime"
)

// bench is the speed of a program on this machine, one inference after the other: the inference of median time, its
// layers, and the rest that they do not add up to, which is inputs, outputs and the clock. In a
// batch, several workers run a sample each; without it BatchNs is 0.
type bench struct {
	NsPerInference int64   `json:"ns_per_inference"`
	BatchNs        int64   `json:"batch_ns_per_inference,omitempty"`
	Runs           int     `json:"runs"`
	Workers        int     `json:"workers"`
	MACs           int     `json:"macs"`
	Layers         []layer `json:"layers"`
	RestNs         int64   `json:"rest_ns"`
}

// runBench repeats inference on generated inputs for the given time, after a first run that counts
// only if it takes as long as that.
func runBench(p *runtime.Program, r *runtime.Runner, o options) (*bench, error) {
	b := &bench{Workers: o.workers, MACs: p.MACs(), Layers: layers(r)}
	start := time.Now()
	f := r.NewProfile()
	f.Run()
	if time.Since(start) < o.benchTime {
		f = r.NewProfile() // without that run
		for start := time.Now(); f.Runs() == 0 || time.Since(start) < o.benchTime; {
			f.Run()
		}
	}
	total, times := f.Median()
	b.NsPerInference, b.Runs = total.Nanoseconds(), f.Runs()
	b.RestNs = b.NsPerInference
	for i, t := range times {
		b.Layers[i].Ns = t.Nanoseconds()
		b.RestNs -= t.Nanoseconds()
	}
	var err error
	if o.workers > 1 {
		b.BatchNs, err = benchBatch(p, o, bytes.Join(p.GenerateInputs(1), nil))
	}
	return b, err
}

// benchBatch is the time per sample of a batch, over many.
func benchBatch(p *runtime.Program, o options, sample []byte) (ns int64, err error) {
	b, err := runtime.NewBatch(p, o.runtime())
	if err != nil {
		return 0, err
	}
	defer b.Close()
	samples := make([][]byte, 16*o.workers)
	for i := range samples {
		samples[i] = sample
	}
	for start := time.Now(); ; {
		if err := b.Run(samples, func(int, [][]int32) error { return nil }); err != nil {
			return 0, err
		}
		ns += int64(len(samples))
		if elapsed := time.Since(start); elapsed >= o.benchTime {
			return elapsed.Nanoseconds() / ns, nil
		}
	}
}

func (b *bench) print(w io.Writer) {
	fmt.Fprintf(w, "%d ns per inference, the median of %d, %d MACs, %s\n", b.NsPerInference, b.Runs, b.MACs, speed(b.MACs, b.NsPerInference))
	if b.BatchNs > 0 {
		fmt.Fprintf(w, "%d ns per inference in a batch of %d workers, %s\n", b.BatchNs, b.Workers, speed(b.MACs, b.BatchNs))
	}
	printLayers(w, b.Layers, b.RestNs)
}

// speed is macs in ns nanoseconds as a rate; "" where there is nothing to tell.
func speed(macs int, ns int64) string {
	if macs == 0 || ns <= 0 {
		return ""
	}
	return fmt.Sprintf("%.2f GMAC/s", float64(macs)/float64(ns))
}
