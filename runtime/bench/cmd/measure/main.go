// Command measure runs a program over and over for the benchmarks of runtime/bench.
//
//	measure PROGRAM.qlut SAMPLES.f32           one round per line of standard input
//	measure PROGRAM.qlut SAMPLES.f32 COUNT     exactly COUNT inferences, nothing is timed
//	measure PROGRAM.qlut SAMPLES.f32 layers    one inference, nothing is timed
//
// The word low-memory behind all that runs the program with Options.LowMemory.
//
// SAMPLES.f32 holds one or more samples of the float network, float32, little-endian, in its own layout: all inputs of
// one, then those of the next. They are used in turn. A line of standard input is a number of milliseconds; the answer
// is one line of JSON with the median time of an inference in nanoseconds and the number of inferences of that round. Behind
// the milliseconds, the word instructions leaves out the copying of inputs and outputs. The first line of output describes the
// program.
//
// With COUNT or layers that line is the only output, and sections for count.c end in turn: when the process is ready,
// when the network is loaded and prepared, when the samples are; then behind every inference, or behind the
// inputs and every instruction of one.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	goruntime "runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"qconv/runtime"
)

// description is the first line of output.
type description struct {
	MACs    int            `json:"macs"`
	Weights int            `json:"weights"`
	Bytes   int64          `json:"file_bytes"`
	RAM     int            `json:"ram_bytes"`
	Memory  runtime.Memory `json:"memory"`
	Coded   int            `json:"coded_bytes"` // of the weights in the program
	Layers  []layer        `json:"layers"`
}

type layer struct {
	Name   string `json:"name"`
	Kernel string `json:"kernel"`
	MACs   int    `json:"macs"`
}

// round is the answer to one line of input.
type round struct {
	MedianNs int64 `json:"median_ns"`
	Runs     int   `json:"runs"`
}

func main() {
	// One thread does all the work, so that its instructions can be told from those of Go's
	// background threads.
	goruntime.LockOSThread()
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "measure: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string, stdin io.Reader, stdout io.Writer) error {
	var options runtime.Options
	if n := len(args); n > 0 && args[n-1] == "low-memory" {
		options.LowMemory, args = true, args[:n-1]
	}
	if len(args) < 2 || len(args) > 3 {
		return fmt.Errorf("got %d arguments, want PROGRAM.qlut SAMPLES.f32 [COUNT|layers] [low-memory]", len(args))
	}
	count, layers := 0, len(args) == 3 && args[2] == "layers"
	if len(args) == 3 && !layers {
		n, err := strconv.Atoi(args[2])
		if err != nil || n < 0 {
			return fmt.Errorf("count is %q, want a whole number, or layers", args[2])
		}
		count = n
	}
	mark()
	p, err := runtime.Open(args[0])
	if err != nil {
		return err
	}
	r, err := runtime.NewRunner(p, options)
	if err != nil {
		return err
	}
	mark()
	samples, err := readSamples(args[1], p)
	if err != nil {
		return err
	}
	d, err := describe(args[0], p, r)
	if err != nil {
		return err
	}
	out := json.NewEncoder(stdout)
	if err := out.Encode(d); err != nil {
		return err
	}
	// What is wrong is not worth measuring.
	if err := r.SelfTest(); err != nil {
		return err
	}
	switch {
	case layers:
		return runLayers(p, r, samples[0])
	case len(args) == 3:
		return repeat(r, samples, count)
	}
	for lines := bufio.NewScanner(stdin); lines.Scan(); {
		number, inside := strings.CutSuffix(lines.Text(), " instructions")
		ms, err := strconv.Atoi(number)
		if err != nil || ms < 1 {
			return fmt.Errorf("round of %q ms, want a positive whole number", number)
		}
		run := whole(r)
		if inside {
			run = instructions(p, r)
		}
		answer, err := measure(run, samples, time.Duration(ms)*time.Millisecond)
		if err != nil {
			return err
		}
		if err := out.Encode(answer); err != nil {
			return err
		}
	}
	return nil
}

func describe(path string, p *runtime.Program, r *runtime.Runner) (description, error) {
	info, err := os.Stat(path)
	if err != nil {
		return description{}, err
	}
	d := description{MACs: p.MACs(), Bytes: info.Size(), RAM: r.Memory().Total(), Memory: r.Memory()}
	for _, instr := range p.Instrs {
		if l, ok := instr.(*runtime.Linear); ok {
			for i := range l.Terms {
				d.Weights += l.Terms[i].Weights.Len()
				d.Coded += l.Terms[i].Weights.CodedBytes()
			}
		}
	}
	for _, l := range r.Layers() {
		d.Layers = append(d.Layers, layer{l.Name, l.Kernel, l.MACs})
	}
	return d, nil
}

// repeat runs n inferences.
func repeat(r *runtime.Runner, samples [][]byte, n int) error {
	if err := settle(r, samples[0]); err != nil {
		return err
	}
	defer procUnpin()
	mark()
	for i := range n {
		if _, err := r.RunSample(samples[i%len(samples)]); err != nil {
			return err
		}
		mark()
	}
	return nil
}

// runLayers runs a sample with a mark behind its inputs and behind every instruction.
func runLayers(p *runtime.Program, r *runtime.Runner, sample []byte) error {
	if err := settle(r, sample); err != nil {
		return err
	}
	defer procUnpin()
	mark()
	_, err := r.Watch(func(int) { mark() }, parts(p, sample)...)
	return err
}

// parts are the inputs of a sample.
func parts(p *runtime.Program, sample []byte) (inputs [][]byte) {
	for i := range p.Inputs {
		n := p.Tensors[p.Inputs[i].Tensor].Elems()
		inputs, sample = append(inputs, sample[:n]), sample[n:]
	}
	return inputs
}

// settle makes what follows countable: no garbage is left over from loading, this goroutine is not stopped until
// procUnpin, and Go's monitor, which goes on trying, has come down from every 20 µs to every 10 ms.
func settle(r *runtime.Runner, sample []byte) error {
	goruntime.GC()
	procPin()
	for begin := time.Now(); time.Since(begin) < 200*time.Millisecond; {
		if _, err := r.RunSample(sample); err != nil {
			procUnpin()
			return err
		}
	}
	return nil
}

// mark ends a section of count.c.
func mark() { syscall.Umask(0o10022) }

// whole times an inference.
func whole(r *runtime.Runner) func(sample []byte) (time.Duration, error) {
	return func(sample []byte) (time.Duration, error) {
		begin := time.Now()
		_, err := r.RunSample(sample)
		return time.Since(begin), err
	}
}

// instructions times the instructions of an inference.
func instructions(p *runtime.Program, r *runtime.Runner) func(sample []byte) (time.Duration, error) {
	var begin, end time.Time
	last := len(p.Instrs)
	after := func(done int) {
		switch done {
		case 0:
			begin = time.Now()
		case last:
			end = time.Now()
		}
	}
	return func(sample []byte) (time.Duration, error) {
		_, err := r.Watch(after, parts(p, sample)...)
		return end.Sub(begin), err
	}
}

// measure runs samples for d, each at least once, and finds the median of their times.
func measure(run func(sample []byte) (time.Duration, error), samples [][]byte, d time.Duration) (round, error) {
	var times []time.Duration
	for end := time.Now().Add(d); len(times) < len(samples) || time.Now().Before(end); {
		t, err := run(samples[len(times)%len(samples)])
		if err != nil {
			return round{}, err
		}
		times = append(times, t)
	}
	slices.Sort(times)
	return round{times[len(times)/2].Nanoseconds(), len(times)}, nil
}
