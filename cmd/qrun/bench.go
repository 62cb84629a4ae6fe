package main

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"qconv/runtime"
)

// bench is the speed of a program on this machine, one inference after the other. In a
// batch, several workers run a sample each; without it BatchNs is 0.
type bench struct {
	NsPerInference int64   `json:"ns_per_inference"`
	BatchNs        int64   `json:"batch_ns_per_inference,omitempty"`
	Runs           int     `json:"runs"`
	Workers        int     `json:"workers"`
	MACs           int     `json:"macs"`
	Layers         []layer `json:"layers"`
}

// profileRuns is how often layers are timed one by one; the shortest time counts.
const profileRuns = 100

// runBench repeats inference on generated inputs for the given time, after a first run that counts
// only if it takes as long as that.
func runBench(p *runtime.Program, r *runtime.Runner, o options) (*bench, error) {
	inputs := p.GenerateInputs(1)
	b := &bench{Workers: o.workers, MACs: p.MACs(), Layers: layers(r)}
	start := time.Now()
	times := r.Profile(1)
	b.NsPerInference, b.Runs = time.Since(start).Nanoseconds(), 1
	if b.NsPerInference < o.benchTime.Nanoseconds() {
		var err error
		b.NsPerInference, b.Runs, err = measure(o.benchTime, func() error {
			_, err := r.RunLevels(inputs...)
			return err
		})
		if err != nil {
			return nil, err
		}
		times = r.Profile(max(1, min(b.Runs/4, profileRuns)))
	}
	for i, t := range times {
		b.Layers[i].Ns = t.Nanoseconds()
	}
	var err error
	if o.workers > 1 {
		b.BatchNs, err = benchBatch(p, o, bytes.Join(inputs, nil))
	}
	return b, err
}

// measure repeats once for d, and at least one time.
func measure(d time.Duration, once func() error) (ns int64, runs int, err error) {
	for start := time.Now(); ; {
		if err := once(); err != nil {
			return 0, runs, err
		}
		runs++
		if elapsed := time.Since(start); elapsed >= d {
			return elapsed.Nanoseconds() / int64(runs), runs, nil
		}
	}
}

// benchBatch is the time per sample of a batch.
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
	ns, _, err = measure(o.benchTime, func() error {
		return b.Run(samples, func(int, [][]int32) error { return nil })
	})
	return ns / int64(len(samples)), err
}

func (b *bench) print(w io.Writer) {
	fmt.Fprintf(w, "%d ns per inference (%d runs), %d MACs, %s\n", b.NsPerInference, b.Runs, b.MACs, speed(b.MACs, b.NsPerInference))
	if b.BatchNs > 0 {
		fmt.Fprintf(w, "%d ns per inference in a batch of %d workers, %s\n", b.BatchNs, b.Workers, speed(b.MACs, b.BatchNs))
	}
	printLayers(w, b.Layers)
}

// speed is macs in ns nanoseconds as a rate; "" where there is nothing to tell.
func speed(macs int, ns int64) string {
	if macs == 0 || ns <= 0 {
		return ""
	}
	return fmt.Sprintf("%.2f GMAC/s", float64(macs)/float64(ns))
}
