package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"qconv/runtime"
	"qconv/runtime/picture"
)

// serve runs one sample after the other as they come out of a stream, and writes a line of JSON for each, at once. It ends with the
// stream; what is left of it that is no whole sample is an error. A sample that cannot be used has an error in its line.
func (o *options) serve(p *runtime.Program, r *runtime.Runner, path string, w *bufio.Writer) error {
	if len(p.Inputs) > 1 {
		return usagef("flag --loop: the program has %d inputs, want one", len(p.Inputs))
	}
	in := o.stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return inputf("%w", err)
		}
		defer f.Close()
		in = f
	}
	want := p.Tensors[p.Inputs[0].Tensor].Shape
	size, shape := elems(want), times(want)+", channels x rows x columns"
	var frame picture.Frame
	switch {
	case o.layout.kind == kindF32:
		size, shape = 4*size, shape+", numbers of 4 bytes"
	case o.layout.frames():
		var err error
		if frame, err = o.layout.frame(want); err != nil {
			return inputf("%w", err)
		}
		size, shape = frame.Bytes(), "a frame of "+frame.String()
	}
	e := newEntrance(p, r, []bool{o.layout.kind == kindF32})
	lines, sample := json.NewEncoder(w), make([]byte, size)
	var bad error
	for n := 0; ; n++ {
		switch got, err := io.ReadFull(in, sample); {
		case err == io.EOF:
			return bad
		case errors.Is(err, io.ErrUnexpectedEOF):
			return inputf("%s: ends with %d bytes behind sample %d, want %d (%s)", path, got, n, size, shape)
		case err != nil:
			return inputf("%s: %w", path, err)
		}
		res, err := o.serveOne(p, e, sample, frame, want)
		res.Input = fmt.Sprintf("%s#%d", path, n)
		if err != nil {
			res.Error = err.Error()
			bad = inputf("%s: %w", res.Input, err) // the last one is told at the end
		}
		if err := lines.Encode(res); err != nil {
			return err
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
}

// serveOne is the result of one sample.
func (o *options) serveOne(p *runtime.Program, e *entrance, sample []byte, frame picture.Frame, want [3]int) (result, error) {
	e.inputs[0] = sample
	var err error
	switch {
	case o.layout.kind == kindF32:
		var numbers []float32
		if numbers, err = parseF32(sample); err == nil {
			e.inputs[0] = make([]byte, len(numbers))
			p.NumberLevels(e.inputs[0], 0, numbers)
		}
	case o.layout.frames():
		e.inputs[0], err = o.layout.fit(frame, sample, want)
	}
	if err != nil {
		return result{}, err
	}
	outs, err := e.run()
	if err != nil {
		return result{}, err
	}
	return newResult(p, "", outs, o.top), nil
}
