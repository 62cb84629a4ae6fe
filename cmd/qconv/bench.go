package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
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
	rivalFlag   = &cli.StringFlag{Name: "against", Category: catResult, Usage: "measure `MODEL.onnx` with ONNX Runtime in turns with it: node must find the package onnxruntime-node from this folder, or from the one in QCONV_ONNXRUNTIME"}
	workersFlag = &cli.IntFlag{Name: "workers", Category: catResult, Value: 1, Usage: "`N` goroutines share every large layer of a .qlut, 1..256; also measures a batch, in which each runs samples of its own"}
)

var benchCommand = &cli.Command{
	Name:      "bench",
	Usage:     "measure the time of one inference",
	ArgsUsage: "MODEL.{onnx,qlut}",
	Description: "The time is the median of whole inferences on generated inputs. The layers of a program are timed within them, and shown as they were in the " +
		"inference that took it: they add up to it, with the rest, which is inputs, outputs and reading the clock. " +
		"With --against both are measured on the same inputs, in ten turns each, for --seconds each, with as many threads as --workers says. " +
		"What a call of ONNX Runtime takes that does nothing is subtracted from its time.\n\n" +
		"With --target nothing is timed: the instructions of an inference on an ARM processor are counted under QEMU where it can be, and estimated in any case.\n\n" +
		example("qconv bench model.qlut --against model.onnx\n   qconv bench model.qlut --target linux/arm/5 --clock 200MHz"),
	Flags:  []cli.Flag{maxMemoryFlag, secondsFlag, kernelFlag, workersFlag, rivalFlag, benchTargetFlag, clockFlag, estimateFlag, jsonFlag},
	Action: runBench,
}

// benchReport is what bench prints: the median time of whole inferences and, of a program, the layers of the inference
// that took it. What these do not add up to is inputs, outputs and the clock.
type benchReport struct {
	Model          string `json:"model"`
	NsPerInference int64  `json:"ns_per_inference"`
	BatchNs        int64  `json:"batch_ns_per_inference,omitempty"` // of several workers
	Runs           int    `json:"runs"`
	Workers        int    `json:"workers"`
	MACs           int    `json:"macs"`
	// Layers are the kernels of a program.
	Layers []kernelInfo `json:"layers,omitempty"`
	RestNs int64        `json:"rest_ns,omitempty"`
	// Against is ONNX Runtime, in turns with it.
	Against *rival `json:"against,omitempty"`
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
	if c.IsSet(benchTargetFlag.Name) {
		return benchTarget(c, path)
	}
	if name := anySet(c, []cli.Flag{clockFlag, estimateFlag}); name != "" {
		return usagef("flag --%s needs --%s", name, benchTargetFlag.Name)
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
	if !integer && workers > 1 {
		return usagef("flag --%s: %s is an ONNX file, want a .qlut", workersFlag.Name, printable.Name(path))
	}
	against := c.String(rivalFlag.Name)
	if against != "" {
		switch integer, err := isProgram(c, against); {
		case err != nil:
			return err
		case integer:
			return usagef("flag --%s: %s is a .qlut, want an ONNX file", rivalFlag.Name, printable.Name(against))
		}
	}
	d := time.Duration(seconds * float64(time.Second))
	var r *benchReport
	if integer {
		r, err = benchProgram(c, path, qrt.Options{Kernel: kernel, Workers: workers, Limits: programLimits(c)}, d, against)
	} else {
		r, err = benchFloat(c, path, d, against)
	}
	if err != nil {
		return err
	}
	r.Model = path
	if other := r.Against; other != nil {
		other.Ratio = float64(other.NsPerInference) / float64(max(r.NsPerInference, 1))
	}
	return report(c, r, r.print)
}

func benchProgram(c *cli.Context, path string, o qrt.Options, d time.Duration, against string) (*benchReport, error) {
	p, err := readProgram(c, path)
	if err != nil {
		return nil, err
	}
	runner, err := qrt.NewRunner(p, o)
	if err != nil {
		return nil, named(path, err)
	}
	defer runner.Close()
	r := &benchReport{MACs: p.MACs(), Workers: o.Workers}
	for _, l := range runner.Layers() {
		r.Layers = append(r.Layers, kernelInfo{Name: l.Name, Kernel: l.Kernel, Workers: l.Workers, MACs: l.MACs})
	}
	if r.Against, err = startRival(c.Context, against, o.Workers, levelInputs(p, p.GenerateInputs(1))); err != nil {
		return nil, err
	}
	defer r.Against.stop()
	runner.NewProfile().Run() // caches are filled
	f := runner.NewProfile()
	err = inTurns(c.Context, d, func() error {
		f.Run()
		return nil
	}, r.Against)
	if err != nil {
		return nil, err
	}
	r.setProfile(f)
	if o.Workers > 1 {
		r.BatchNs, err = benchBatch(c.Context, p, o, bytes.Join(p.GenerateInputs(1), nil), d)
	}
	return r, err
}

// setProfile takes the times of a program.
func (r *benchReport) setProfile(f *qrt.Profile) {
	total, layers := f.Median()
	r.Runs, r.NsPerInference, r.RestNs = f.Runs(), total.Nanoseconds(), total.Nanoseconds()
	for i, t := range layers {
		r.Layers[i].Ns = t.Nanoseconds()
		r.RestNs -= t.Nanoseconds()
	}
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
	var s stopwatch
	err = repeat(ctx, d, s.timed(func() error {
		return b.Run(samples, func(int, [][]int32) error { return nil })
	}))
	if err != nil {
		return 0, err
	}
	return s.median().Nanoseconds() / int64(len(samples)), nil
}

// benchFloat times the float engine, one sample at a time.
func benchFloat(c *cli.Context, path string, d time.Duration, against string) (*benchReport, error) {
	f, err := readFloat(c, path)
	if err != nil {
		return nil, err
	}
	exec, err := finetune.NewExecutor(f.graph, 1, finetune.ExecOptions{Levels: f.levels, OutputsOnly: true})
	if err != nil {
		return nil, named(path, err)
	}
	r := &benchReport{Workers: 1}
	cost := onnx.Costs(f.graph)
	for _, n := range f.graph.Nodes {
		_, macs := cost(n)
		r.MACs += macs
	}
	var inputs [][]float32
	var others []rivalInput
	for _, v := range f.graph.Inputs {
		x := make([]float32, v.Shape.Elems())
		sample := slices.DeleteFunc(slices.Clone(v.Shape), func(n int) bool { return n == onnx.Batch })
		inputs, others = append(inputs, x), append(others, newRivalInput(sample, x))
	}
	if r.Against, err = startRival(c.Context, against, 1, others); err != nil {
		return nil, err
	}
	defer r.Against.stop()
	once := func() error {
		_, err := exec.Run(inputs...)
		return err
	}
	if err := once(); err != nil { // caches are filled
		return nil, err
	}
	var s stopwatch
	if err := inTurns(c.Context, d, s.timed(once), r.Against); err != nil {
		return nil, err
	}
	r.NsPerInference, r.Runs = s.median().Nanoseconds(), s.calls
	return r, nil
}

// repeat calls once for d, and at least one time.
func repeat(ctx context.Context, d time.Duration, once func() error) error {
	for start := time.Now(); ; {
		if err := once(); err != nil {
			return err
		}
		if time.Since(start) >= d {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// stopwatch takes the times of calls, of many calls every so many.
type stopwatch struct {
	times []time.Duration
	calls int
	every int // calls of which one is kept; 0 is 1
}

// stopwatchTimes bounds stopwatch.times.
const stopwatchTimes = 1 << 18

// timed is once with the watch.
func (s *stopwatch) timed(once func() error) func() error {
	return func() error {
		start := time.Now()
		err := once()
		s.add(time.Since(start))
		return err
	}
}

func (s *stopwatch) add(d time.Duration) {
	if s.calls%max(s.every, 1) == 0 {
		s.times = append(s.times, d)
	}
	s.calls++
	if len(s.times) < stopwatchTimes {
		return
	}
	for i := range s.times[:len(s.times)/2] {
		s.times[i] = s.times[2*i]
	}
	s.times, s.every = s.times[:len(s.times)/2], 2*max(s.every, 1)
}

// median needs at least one call.
func (s *stopwatch) median() time.Duration {
	sorted := slices.Sorted(slices.Values(s.times))
	return sorted[len(sorted)/2]
}

func (r *benchReport) print(w io.Writer) {
	fmt.Fprintf(w, "%s per inference, the median of %d, %s MACs\n", time.Duration(r.NsPerInference), r.Runs, grouped(r.MACs))
	if r.Against != nil {
		r.Against.print(w)
	}
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
	t.add("rest", "", "", "", time.Duration(r.RestNs), "")
	t.print(w)
}
