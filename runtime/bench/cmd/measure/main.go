// Command measure runs a program over and over for the benchmarks of runtime/bench.
//
//	measure PROGRAM.qlut SAMPLES.f32          one round per line of standard input
//	measure PROGRAM.qlut SAMPLES.f32 COUNT    exactly COUNT inferences, nothing is timed
//
// SAMPLES.f32 holds one or more inputs of the float network, float32, little-endian, in
// its own layout; they are used in turn. A line of standard input is a number of
// milliseconds; the answer is one line of JSON with the median time of an inference in
// nanoseconds and the number of inferences of that round. The first line of output
// describes the program. With COUNT, the only output is the number of
// multiply-accumulates of one inference; the instructions command counts what they take.
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
	"time"

	"qconv/runtime"
)

// description is the first line of output.
type description struct {
	MACs   int     `json:"macs"`
	Bytes  int64   `json:"file_bytes"`
	RAM    int     `json:"ram_bytes"`
	Layers []layer `json:"layers"`
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
	if len(args) < 2 || len(args) > 3 {
		return fmt.Errorf("got %d arguments, want PROGRAM.qlut SAMPLES.f32 [COUNT]", len(args))
	}
	p, err := runtime.Open(args[0])
	if err != nil {
		return err
	}
	samples, err := readSamples(args[1], p)
	if err != nil {
		return err
	}
	r, err := runtime.NewRunner(p, runtime.Options{})
	if err != nil {
		return err
	}
	if len(args) == 3 {
		n, err := strconv.Atoi(args[2])
		if err != nil || n < 0 {
			return fmt.Errorf("count is %q, want a whole number", args[2])
		}
		if err := repeat(r, samples, n); err != nil {
			return err
		}
		_, err = fmt.Fprintf(stdout, "%d MACs\n", p.MACs())
		return err
	}
	if err := r.SelfTest(); err != nil {
		return err
	}
	info, err := os.Stat(args[0])
	if err != nil {
		return err
	}
	d := description{MACs: p.MACs(), Bytes: info.Size(), RAM: r.Memory().Total()}
	for _, l := range r.Layers() {
		d.Layers = append(d.Layers, layer{l.Name, l.Kernel, l.MACs})
	}
	out := json.NewEncoder(stdout)
	if err := out.Encode(d); err != nil {
		return err
	}
	for lines := bufio.NewScanner(stdin); lines.Scan(); {
		ms, err := strconv.Atoi(strings.TrimSpace(lines.Text()))
		if err != nil || ms < 1 {
			return fmt.Errorf("round of %q ms, want a positive whole number", lines.Text())
		}
		answer, err := measure(r, samples, time.Duration(ms)*time.Millisecond)
		if err != nil {
			return err
		}
		if err := out.Encode(answer); err != nil {
			return err
		}
	}
	return nil
}

// repeat runs n inferences, with a mark before the first and behind each.
func repeat(r *runtime.Runner, samples [][]byte, n int) error {
	mark()
	for i := range n {
		if _, err := r.Run(samples[i%len(samples)]); err != nil {
			return err
		}
		mark()
	}
	return nil
}

// mark is where the instructions command ends a section.
//
//go:noinline
func mark() {}

// measure runs inferences for d, at least one for every sample, and times each.
func measure(r *runtime.Runner, samples [][]byte, d time.Duration) (round, error) {
	var times []int64
	begin := time.Now()
	for end := begin.Add(d); len(times) < len(samples) || begin.Before(end); {
		if _, err := r.Run(samples[len(times)%len(samples)]); err != nil {
			return round{}, err
		}
		now := time.Now()
		times = append(times, now.Sub(begin).Nanoseconds())
		begin = now
	}
	slices.Sort(times)
	return round{MedianNs: times[len(times)/2], Runs: len(times)}, nil
}
