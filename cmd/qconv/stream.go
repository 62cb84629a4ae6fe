package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"qconv/onnx"
	"qconv/quant"
	qrt "qconv/runtime"
	"qconv/runtime/printable"
)

var streamFlag = &cli.BoolFlag{Name: "stream", Category: catQuant, Usage: "make a program that takes the next frames of an endless sequence, and keeps what it needs of those before"}
var streamHopFlag = &cli.IntFlag{Name: "stream-hop", Category: catQuant, DefaultText: "as few as the network's strides allow", Usage: "with --stream, `N` frames for a step"}
var timeAxisFlag = &cli.StringSliceFlag{Name: "time-axis", Category: catQuant, DefaultText: "the one that works", Usage: "with --stream, the dimension of the input that is time, counted from the batch, which is 0: `AXIS`, or NAME=AXIS for each of several inputs; others are given whole at every step"}

// streamWanted is what the flags of streams say.
type streamWanted struct {
	stream bool
	hop    int
	hopSet bool
	axes   []string
	states []quant.StatePair // of the model
}

func readStream(c *cli.Context) streamWanted {
	return streamWanted{c.Bool(streamFlag.Name), c.Int(streamHopFlag.Name), c.IsSet(streamHopFlag.Name), c.StringSlice(timeAxisFlag.Name), nil}
}

// any says whether the program is to be a step of a stream.
func (s streamWanted) any() bool { return s.stream || len(s.states) > 0 }

// check demands that the flags of streams go together.
func (s streamWanted) check() error {
	switch {
	case !s.stream && s.hopSet:
		return usagef("flag --%s: only with --%s", streamHopFlag.Name, streamFlag.Name)
	case !s.stream && len(s.axes) > 0:
		return usagef("flag --%s: only with --%s", timeAxisFlag.Name, streamFlag.Name)
	case s.hopSet && s.hop < 1:
		return usagef("flag --%s: got %d, want at least 1 frame", streamHopFlag.Name, s.hop)
	}
	return nil
}

// streamReport is what convert says of a program that is a step of a stream.
type streamReport struct {
	Inputs     []streamInput  `json:"inputs"`
	Window     int            `json:"window_frames"`
	Hop        int            `json:"frames_per_step"`
	Warmup     int            `json:"warmup_steps"`
	StateBytes int            `json:"state_bytes"`
	Recurrent  int            `json:"recurrent_states"`
	Buffers    []streamBuffer `json:"buffers,omitempty"`
	Moving     int            `json:"instructions_in_time"`
	Whole      int            `json:"instructions_once"`
	Notes      []string       `json:"notes,omitempty"`
}

// streamInput is an input that goes with time.
type streamInput struct {
	Name  string `json:"name"`
	Axis  int    `json:"axis"` // of the network's input, counted from the batch
	Shape [3]int `json:"shape"`
}

type streamBuffer struct {
	ReadBy    string `json:"read_by"`
	Positions int    `json:"positions"`
	Bytes     int    `json:"bytes"`
}

// make turns the program of a model into a step of a stream.
func (s streamWanted) make(c *cli.Context, m *quant.Model, p *qrt.Program, names []string) (*qrt.Program, *streamReport, error) {
	var err error
	if !s.stream {
		step, err := quant.CarryStates(p, s.states)
		if err != nil {
			return nil, nil, err
		}
		r := &streamReport{Window: 1, Hop: 1}
		for _, st := range step.Stream.States {
			r.StateBytes += step.Tensors[st.To].Elems()
		}
		r.Recurrent = len(step.Stream.States)
		return step, r, nil
	}
	o := quant.StreamOptions{Hop: s.hop, Names: names, States: s.states}
	inputs := s.inputs(m)
	if o.Axes, err = s.imageAxes(inputs); err != nil {
		return nil, nil, err
	}
	step, info, err := quant.Stream(p, o)
	if err != nil {
		var several *quant.TimeAxesError
		if errors.As(err, &several) {
			var choices []string
			for _, axes := range several.Axes {
				choices = append(choices, axisFlags(inputs, axes))
			}
			return nil, nil, usagef("time may run along several dimensions: say which with %s", strings.Join(choices, ", or "))
		}
		if len(s.states) > 0 {
			return nil, nil, fmt.Errorf("%w; without --%s the program is a step that carries its states already", err, streamFlag.Name)
		}
		return nil, nil, err
	}
	r := &streamReport{Window: info.Window, Hop: info.Hop, Warmup: info.Warmup, StateBytes: info.StateBytes, Recurrent: info.Recurrent, Moving: info.Moving, Whole: info.Whole, Notes: info.Notes}
	for i, d := range info.Axes {
		if d >= 0 {
			v := inputs[i]
			r.Inputs = append(r.Inputs, streamInput{v.Name, networkAxis(inputs[i], d), step.Tensors[step.Inputs[i].Tensor].Shape})
		}
	}
	if o.Axes == nil {
		note(c, "note: time is %s, found as the only choice that works", axisFlags(inputs, info.Axes))
	}
	for _, b := range info.Buffers {
		r.Buffers = append(r.Buffers, streamBuffer{b.What, b.Positions, b.Bytes})
	}
	for _, n := range info.Notes {
		note(c, "note: %s", n)
	}
	return step, r, nil
}

// imageAxes are the dimensions of the program's inputs that flags name; nil for none.
func (s streamWanted) imageAxes(inputs []*onnx.Value) ([]int, error) {
	if len(s.axes) == 0 {
		return nil, nil
	}
	axes := make([]int, len(inputs))
	for i := range axes {
		axes[i] = -1
	}
	for _, text := range s.axes {
		name, number, named := strings.Cut(text, "=")
		at := 0
		switch {
		case !named && len(axes) > 1:
			return nil, usagef("flag --%s: got %q, want NAME=AXIS, as there are %d inputs", timeAxisFlag.Name, text, len(axes))
		case !named:
			number = text
		default:
			for at < len(axes) && inputs[at].Name != name {
				at++
			}
			if at == len(axes) {
				return nil, usagef("flag --%s: no input is called %q", timeAxisFlag.Name, name)
			}
		}
		v := inputs[at]
		axis, err := strconv.Atoi(number)
		if err != nil || axis < 0 || axis >= len(v.Shape) {
			return nil, usagef("flag --%s: got %q, want an axis 0..%d of %v", timeAxisFlag.Name, text, len(v.Shape)-1, v.Shape)
		}
		for d := range 3 {
			if networkAxis(v, d) == axis {
				axes[at] = d
			}
		}
		if axes[at] < 0 {
			return nil, usagef("flag --%s: axis %d of input %q %v is no dimension of its own in the program, which holds %v", timeAxisFlag.Name, axis, v.Name, v.Shape, quant.ImageShape(v.Shape))
		}
	}
	return axes, nil
}

// inputs are those of the network that are no states.
func (s streamWanted) inputs(m *quant.Model) []*onnx.Value {
	return slices.DeleteFunc(slices.Clone(m.Graph.Inputs), func(v *onnx.Value) bool {
		return slices.ContainsFunc(s.states, func(p quant.StatePair) bool { return p.Input == v.Name })
	})
}

// networkAxis is the dimension of an input of the network that dimension d of the program's is; -1 for none.
func networkAxis(v *onnx.Value, d int) int {
	sample := quant.SampleShape(v.Shape)
	first := len(v.Shape) - len(sample)
	switch {
	case d == 0 && len(sample) > 0:
		return first
	case d == 2 && len(sample) == 2:
		return first + 1
	case d > 0 && len(sample) == 3:
		return first + d
	case d == 1 && len(sample) > 3:
		// Rows are all dimensions behind the first: one of its own where the others have one element.
		rows := quant.ImageShape(v.Shape)[1]
		for k := 1; k < len(sample); k++ {
			if sample[k] == rows {
				return first + k
			}
		}
	}
	return -1
}

func statesText(n int) string {
	if n == 1 {
		return "1 state"
	}
	return fmt.Sprintf("%d states", n)
}

// axisFlags are the flags that say what time is.
func axisFlags(inputs []*onnx.Value, axes []int) string {
	var flags []string
	for i, d := range axes {
		switch axis := networkAxis(inputs[i], d); {
		case d < 0:
		case len(axes) == 1:
			flags = append(flags, fmt.Sprintf("--%s %d", timeAxisFlag.Name, axis))
		default:
			flags = append(flags, fmt.Sprintf("--%s %s=%d", timeAxisFlag.Name, printable.Name(inputs[i].Name), axis))
		}
	}
	return strings.Join(flags, " ")
}

func (r *streamReport) print(w io.Writer) {
	if len(r.Inputs) == 0 {
		fmt.Fprintf(w, "a run is a step of a stream; %s, %s bytes\n", statesText(r.Recurrent), grouped(r.StateBytes))
		return
	}
	fmt.Fprintf(w, "a step takes %d of the window's %d frames; state %s bytes", r.Hop, r.Window, grouped(r.StateBytes))
	if r.Recurrent > 0 {
		fmt.Fprintf(w, ", %d of recurrences", r.Recurrent)
	}
	fmt.Fprintf(w, "; warm-up %d steps\n", r.Warmup)
	for _, b := range r.Buffers {
		fmt.Fprintf(w, "  kept: %d positions, %s bytes, for %s\n", b.Positions, grouped(b.Bytes), b.ReadBy)
	}
	if r.Whole > 0 {
		fmt.Fprintf(w, "  %d instructions compute for the new frames alone, %d once for every step\n", r.Moving, r.Whole)
	}
}
