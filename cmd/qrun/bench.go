package main

import (
	"fmt"
	"io"
	"time"

	"qconv/runtime"
)

// bench is the speed of a program on this machine, one inference after the other.
type bench struct {
	NsPerInference int64   `json:"ns_per_inference"`
	Runs           int     `json:"runs"`
	MACs           int     `json:"macs"`
	Layers         []layer `json:"layers"`
}

// profileRuns is how often layers are timed one by one; the shortest time counts.
const profileRuns = 100

// runBench repeats inference on a generated input for the given time, and at least once
// after a first run that is not counted.
func runBench(p *runtime.Program, r *runtime.Runner, d time.Duration) (*bench, error) {
	in := &p.Tensors[p.Input.Tensor]
	indices := make([]byte, in.Elems())
	runtime.GenerateInput(1, indices, in.Levels)
	if _, err := r.RunLevels(indices); err != nil {
		return nil, err
	}
	b := &bench{MACs: p.MACs(), Layers: layers(r)}
	for start := time.Now(); ; {
		if _, err := r.RunLevels(indices); err != nil {
			return nil, err
		}
		b.Runs++
		if elapsed := time.Since(start); elapsed >= d {
			b.NsPerInference = elapsed.Nanoseconds() / int64(b.Runs)
			for i, t := range r.Profile(min(b.Runs, profileRuns)) {
				b.Layers[i].Ns = t.Nanoseconds()
			}
			return b, nil
		}
	}
}

func (b *bench) print(w io.Writer) {
	fmt.Fprintf(w, "%d ns per inference (%d runs), %d MACs\n", b.NsPerInference, b.Runs, b.MACs)
	printLayers(w, b.Layers)
}
