package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"qconv/runtime"
	"qconv/runtime/picture"
	"qconv/runtime/printable"
)

// feed makes the inputs of a program of one sample after the other, as they come out of a stream of bytes.
type feed struct {
	o     *options
	p     *runtime.Program
	e     *entrance
	size  int    // bytes of a sample
	shape string // what they are, for a message
	frame picture.Frame
}

// newFeed finds out what a sample is. Of several inputs it holds one after the other.
func newFeed(p *runtime.Program, r *runtime.Runner, o *options) (*feed, error) {
	numbers := numberBytes[o.layout.kind]
	levels := make([]bool, len(p.Inputs))
	for i := range levels {
		levels[i] = numbers > 0
		if numbers > 0 && p.Tensors[p.Inputs[i].Tensor].Scale.Mant == 0 {
			return nil, inputf("the program does not know what numbers the levels of its input stand for; give raw bytes of %s", feedShape(p))
		}
	}
	f := &feed{o: o, p: p, e: newEntrance(p, r, levels), size: p.SampleBytes(), shape: feedShape(p)}
	f.e.step = o.stream
	switch {
	case numbers > 0:
		f.size, f.shape = numbers*f.size, fmt.Sprintf("%s, numbers of %d bytes", f.shape, numbers)
	case o.layout.frames() && len(p.Inputs) > 1:
		return nil, usagef("--size, --pixel, --order and --crop describe the bytes of one input, the program has %d", len(p.Inputs))
	case o.layout.frames():
		var err error
		if f.frame, err = o.layout.frame(p.Tensors[p.Inputs[0].Tensor].Shape); err != nil {
			return nil, inputf("%w", err)
		}
		f.size, f.shape = f.frame.Bytes(), "a frame of "+f.frame.String()
	}
	return f, nil
}

// feedShape says what a sample consists of.
func feedShape(p *runtime.Program) string {
	if len(p.Inputs) > 1 {
		return joinedShape(p)
	}
	return times(p.Tensors[p.Inputs[0].Tensor].Shape) + ", channels x rows x columns"
}

// run is the outputs of a sample.
func (f *feed) run(sample []byte) ([][]int32, error) {
	var numbers []float32
	if f.e.levels[0] {
		var err error
		if numbers, err = parseNumbers(f.o.layout.kind, sample); err != nil {
			return nil, err
		}
		for k, v := range numbers {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return nil, fmt.Errorf("number %d is %v, want finite numbers", k, v)
			}
		}
	}
	for i := range f.e.inputs {
		n := len(f.e.room[i])
		switch {
		case numbers != nil:
			f.p.NumberLevels(f.e.room[i], i, numbers[:n])
			f.e.inputs[i], numbers = f.e.room[i], numbers[n:]
		case f.o.layout.frames():
			var err error
			if f.e.inputs[i], err = f.o.layout.fit(f.frame, sample, f.p.Tensors[f.p.Inputs[i].Tensor].Shape); err != nil {
				return nil, err
			}
		default:
			f.e.inputs[i], sample = sample[:n:n], sample[n:]
		}
	}
	return f.e.run()
}

// serve runs one sample after the other as they come out of a stream of bytes, and writes a line for each, at once: of JSON, or with
// --stream without --json of text. It ends with the stream; what is left of it that is no whole sample is an error. A sample that cannot be used
// has an error in its line; it is no step of a stream.
func (o *options) serve(p *runtime.Program, r *runtime.Runner, path string, w *bufio.Writer) error {
	f, err := newFeed(p, r, o)
	if err != nil {
		return err
	}
	in := o.stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return inputf("%w", err)
		}
		defer file.Close()
		in = file
	}
	warmup := 0
	if o.stream && p.Stream != nil {
		warmup = p.Stream.Warmup
	}
	sample := make([]byte, f.size)
	var bad error
	for n, steps := 0, 0; ; n++ {
		switch got, err := io.ReadFull(in, sample); {
		case err == io.EOF:
			if steps <= warmup && warmup > 0 && !o.warmup && bad == nil {
				o.note("%s: the stream ended in the warm-up: results come from step %d on, it had %d; --warmup prints those before", path, warmup+1, steps)
			}
			return bad
		case errors.Is(err, io.ErrUnexpectedEOF):
			return inputf("%s: ends with %d bytes behind sample %d, want %d (%s): %d bytes are missing", path, got, n, f.size, f.shape, f.size-got)
		case err != nil:
			return inputf("%s: %w", path, err)
		}
		res := result{Input: fmt.Sprintf("%s#%d", path, n)}
		outs, err := f.run(sample)
		if err == nil {
			steps++
			if res = newResult(p, res.Input, outs, o.top); steps <= warmup {
				if !o.warmup {
					continue
				}
				res.Warmup = true
			}
		} else {
			res.Error = err.Error()
			bad = inputf("%s: %w", res.Input, err) // the last one is told at the end
		}
		if err := o.writeLine(w, res); err != nil {
			return err
		}
	}
}

// writeLine writes the result of a sample of a stream so that it is there at once.
func (o *options) writeLine(w *bufio.Writer, res result) error {
	var err error
	if o.stream && !o.json {
		_, err = io.WriteString(w, res.line()+"\n")
	} else {
		err = json.NewEncoder(w).Encode(res)
	}
	if err != nil {
		return err
	}
	return w.Flush()
}

// line is a result in one line: the class, or all outputs in numbers where the program knows them, else the integers.
func (r result) line() string {
	var b strings.Builder
	switch {
	case r.Error != "":
		fmt.Fprintf(&b, "%s: error: %s", printable.Name(r.Input), printable.Text(r.Error))
	case len(r.Top) > 0:
		r.print(&b)
	default:
		fmt.Fprintf(&b, "%s:", printable.Name(r.Input))
		for i := range r.Outputs {
			if i > 0 {
				b.WriteString(";")
			}
			r.Outputs[i].brief(&b)
		}
	}
	if r.Warmup {
		return strings.TrimSuffix(b.String(), "\n") + " (warm-up)"
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// brief writes an output without its shape.
func (o *output) brief(w io.Writer) {
	fmt.Fprintf(w, " %s", printable.Name(o.Name))
	real := o.Numbers
	if o.Normalized != nil {
		fmt.Fprintf(w, " after %s", strings.Fields(o.After)[0])
		real = o.Normalized
	}
	for _, v := range real {
		fmt.Fprintf(w, " %.4g", v)
	}
	if real == nil {
		for _, v := range o.Values {
			fmt.Fprintf(w, " %d", v)
		}
	}
}

// noteStream says what may not be expected of a program's states.
func (o *options) noteStream(p *runtime.Program) {
	states := p.Stream != nil && len(p.Stream.States) > 0
	switch {
	case o.stream && !states:
		o.note("%s has no states: every frame stands for itself", o.model)
	case !o.stream && states:
		o.note("%s is a step of a stream: every sample is the first step; --stream carries the states on from one to the next", o.model)
	}
}

// note tells something that is no error, beside the results.
func (o *options) note(format string, args ...any) {
	if o.stderr != nil {
		fmt.Fprintf(o.stderr, "qrun: note: %s\n", printable.Text(fmt.Sprintf(format, args...)))
	}
}
