package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"qconv/finetune"
	"qconv/onnx"
	qrt "qconv/runtime"
	"qconv/runtime/printable"
)

var (
	secondsFlag = &cli.Float64Flag{Name: "seconds", Category: catResult, Value: 1, Usage: "measure for `S` seconds"}
	kernelFlag  = &cli.StringFlag{Name: "kernel", Category: catResult, Usage: "`NAME` of the kernels: portable (no assembly), generic (a look-up for every product), or without the flag the one in QCONV_KERNEL, else the fastest"}
	workersFlag = &cli.IntFlag{Name: "workers", Category: catResult, Value: 1, Usage: "`N` goroutines share every large layer of a .qlut, 1..256; also measures a batch, in which each runs samples of its own"}
)

var benchCommand = &cli.Command{
	Name:      "bench",
	Usage:     "measure the time of one inference",
	ArgsUsage: "MODEL.{onnx,qlut}",
	Flags:     []cli.Flag{maxMemoryFlag, secondsFlag, kernelFlag, workersFlag, jsonFlag},
	Action:    runBench,
}

// profileRuns is how often layers are timed one by one; the shortest time counts.
const profileRuns = 100

// benchReport is what bench prints.
type benchReport struct {
	Model          string `json:"model"`
	NsPerInference int64  `json:"ns_per_inference"`
	BatchNs        int64  `json:"batch_ns_per_inference,omitempty"` // of several workers
	Runs           int    `json:"runs"`
	Workers        int    `json:"workers"`
	MACs           int    `json:"macs"`
	// Layers are the kernels of a program.
	Layers []kernelInfo `json:"layers,omitempty"`
}

type kernelInfo struct {
	Name    string `json:"name"`
	Kernel  string `json:"kernel"`
	Workers int    `json:"workers"`
	MACs    int    `json:"macs"`
	Ns      int64  `json:"ns"`
}

func runBench(c *cli.Context) error {
	path, err := oneArgument(c, "MODEL")
	if err != nil {
		return err
	}
	seconds := c.Float64(secondsFlag.Name)
	if !(seconds > 0 && seconds <= 3600) {
		return usagef("flag --%s: got %g, want more than 0, at most 3600", secondsFlag.Name, seconds)
	}
	kernel := c.String(kernelFlag.Name)
	if kernel != "" && kernel != "generic" && kernel != "portable" {
		return usagef("flag --%s: got %q, want portable or generic", kernelFlag.Name, kernel)
	}
	workers := c.Int(workersFlag.Name)
	if workers < 1 || workers > 256 {
		return usagef("flag --%s: got %d, want 1..256", workersFlag.Name, workers)
	}
	integer, err := isProgram(c, path)
	if err != nil {
		return err
	}
	d := time.Duration(seconds * float64(time.Second))
	var r *benchReport
	switch {
	case integer:
		r, err = benchProgram(c, path, qrt.Options{Kernel: kernel, Workers: workers, Limits: programLimits(c)}, d)
	case workers > 1:
		return usagef("flag --%s: %s is an ONNX file, want a .qlut", workersFlag.Name, printable.Name(path))
	default:
		r, err = benchFloat(c, path, d)
	}
	if err != nil {
		return err
	}
	r.Model = path
	return report(c, r, r.print)
}

func benchProgram(c *cli.Context, path string, o qrt.Options, d time.Duration) (*benchReport, error) {
	p, err := readProgram(c, path)
	if err != nil {
		return nil, err
	}
	runner, err := qrt.NewRunner(p, o)
	if err != nil {
		return nil, named(path, err)
	}
	defer runner.Close()
	inputs := p.GenerateInputs(1)
	r := &benchReport{MACs: p.MACs(), Workers: o.Workers}
	for _, l := range runner.Layers() {
		r.Layers = append(r.Layers, kernelInfo{Name: l.Name, Kernel: l.Kernel, Workers: l.Workers, MACs: l.MACs})
	}
	err = r.measure(c.Context, d, func() error {
		_, err := runner.RunLevels(inputs...)
		return err
	})
	for i, t := range runner.Profile(min(max(r.Runs, 1), profileRuns)) {
		r.Layers[i].Ns = t.Nanoseconds()
	}
	if err == nil && o.Workers > 1 {
		r.BatchNs, err = benchBatch(c.Context, p, o, bytes.Join(inputs, nil), d)
	}
	return r, err
}

// benchBatch is the time per sample of a batch.
func benchBatch(ctx context.Context, p *qrt.Program, o qrt.Options, sample []byte, d time.Duration) (int64, error) {
	b, err := qrt.NewBatch(p, o)
	if err != nil {
		return 0, err
	}
	defer b.Close()
	samples := make([][]byte, 16*o.Workers)
	for i := range samples {
		samples[i] = sample
	}
	var r benchReport
	err = r.measure(ctx, d, func() error {
		return b.Run(samples, func(int, [][]int32) error { return nil })
	})
	return r.NsPerInference / int64(len(samples)), err
}

// benchFloat times the float engine, one sample at a time.
func benchFloat(c *cli.Context, path string, d time.Duration) (*benchReport, error) {
	f, err := readFloat(c, path)
	if err != nil {
		return nil, err
	}
	exec, err := finetune.NewExecutor(f.graph, 1, finetune.ExecOptions{Levels: f.levels, OutputsOnly: true})
	if err != nil {
		return nil, named(path, err)
	}
	r := &benchReport{Workers: 1}
	for _, n := range f.graph.Nodes {
		_, macs := onnx.Cost(n)
		r.MACs += macs
	}
	var inputs [][]float32
	for _, v := range f.graph.Inputs {
		inputs = append(inputs, make([]float32, v.Shape.Elems()))
	}
	return r, r.measure(c.Context, d, func() error {
		_, err := exec.Run(inputs...)
		return err
	})
}

// measure repeats once for d, and at least once, after a first time that is not counted.
func (r *benchReport) measure(ctx context.Context, d time.Duration, once func() error) error {
	if err := once(); err != nil {
		return err
	}
	for start := time.Now(); ; {
		if err := once(); err != nil {
			return err
		}
		r.Runs++
		elapsed := time.Since(start)
		if elapsed >= d {
			r.NsPerInference = elapsed.Nanoseconds() / int64(r.Runs)
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

func (r *benchReport) print(w io.Writer) {
	fmt.Fprintf(w, "%s per inference (%d runs), %s MACs\n", time.Duration(r.NsPerInference), r.Runs, grouped(r.MACs))
	if r.BatchNs > 0 {
		fmt.Fprintf(w, "%s per inference in a batch of %d workers\n", time.Duration(r.BatchNs), r.Workers)
	}
	if len(r.Layers) == 0 {
		return
	}
	fmt.Fprintln(w)
	t := table{left: 2}
	t.add("layer", "kernel", "workers", "MACs", "time", "GMAC/s")
	for _, l := range r.Layers {
		speed := ""
		if l.MACs > 0 && l.Ns > 0 {
			speed = fmt.Sprintf("%.1f", float64(l.MACs)/float64(l.Ns))
		}
		t.add(printable.Name(l.Name), l.Kernel, fmt.Sprint(l.Workers), grouped(l.MACs), time.Duration(l.Ns), speed)
	}
	t.print(w)
}
