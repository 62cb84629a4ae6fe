package main

import (
	"slices"

	"qconv/onnx"
	"qconv/quant"
	qrt "qconv/runtime"
	"qconv/runtime/picture"
	"qconv/runtime/printable"
)

// port is an input of a network or a program, as data enter it.
type port struct {
	name   string
	shape  []int // of one sample: [C,H,W], [features]
	pixels bool  // pixels are preprocessed, not taken as numbers
}

// networkPorts are the inputs of a network.
func networkPorts(g *onnx.Graph, p quant.Preprocess) []port {
	var ports []port
	for _, v := range g.Inputs {
		shape := slices.Clone(quant.SampleShape(v.Shape))
		if len(shape) == 0 {
			shape = onnx.Shape{1}
		}
		ports = append(ports, port{v.Name, shape, p.TakesPixels(g, v)})
	}
	return ports
}

// programPorts are the inputs of a program. The only one has no name in it.
func programPorts(p *qrt.Program) []port {
	var ports []port
	for i := range p.Inputs {
		in := &p.Inputs[i]
		name := in.Name
		if len(p.Inputs) == 1 {
			name = "input"
		}
		ports = append(ports, port{name, programShape(p, in), len(p.Inputs) == 1 || in.Tables != nil})
	}
	return ports
}

// programShape is the shape of one sample of an input as data sets know it: [C,H,W], [C,W] for a single row of no picture, or [features]
// for a plain vector.
func programShape(p *qrt.Program, in *qrt.Input) []int {
	s := p.Tensors[in.Tensor].Shape
	switch colours := s[0] == 1 || s[0] == 3; {
	case s[1] == 1 && s[2] == 1:
		return []int{s[0]}
	case s[1] == 1 && !colours:
		return []int{s[0], s[2]}
	}
	return s[:]
}

// portNames lists inputs for a message.
func portNames(ports []port) string {
	var names []string
	for _, p := range ports {
		names = append(names, p.name)
	}
	return printable.Names(names)
}

// fileOrder puts pixels [C][H][W] into the order in which an input takes them; buffer has
// room for them.
func fileOrder(p *qrt.Program, in *qrt.Input, pixels, buffer []byte) []byte {
	if !in.Interleaved {
		return pixels
	}
	picture.Interleave(buffer, pixels, p.Tensors[in.Tensor].Shape[0])
	return buffer
}

// inputShift is the power of two by which a step of the input is larger in a channel.
func inputShift(in *qrt.Input, channel int) int {
	if in.Shifts == nil {
		return 0
	}
	return int(in.Shifts[channel])
}

// entrance brings samples into a program, each input as pixels through its tables or as numbers rounded to its
// levels.
type entrance struct {
	program *qrt.Program
	runner  *qrt.Runner
	pixels  []bool   // by input
	inputs  [][]byte // what the runner gets
	raw     [][]byte // pixels [C][H][W]
}

// newEntrance prepares for a runner of p; pixels says what each input gets.
func newEntrance(p *qrt.Program, r *qrt.Runner, pixels []bool) *entrance {
	e := &entrance{program: p, runner: r, pixels: pixels}
	for i := range p.Inputs {
		n := p.Tensors[p.Inputs[i].Tensor].Elems()
		e.inputs, e.raw = append(e.inputs, make([]byte, n)), append(e.raw, make([]byte, n))
	}
	return e
}

// room is where the pixels of an input are to be written.
func (e *entrance) room(input int) []byte { return e.raw[input] }

// number brings the numbers of an input in.
func (e *entrance) numbers(input int, values []float32) {
	e.program.NumberLevels(e.inputs[input], input, values)
}

// run runs what has been brought in.
func (e *entrance) run() ([][]int32, error) {
	if !slices.Contains(e.pixels, false) {
		inputs := make([][]byte, len(e.inputs))
		for i := range inputs {
			inputs[i] = fileOrder(e.program, &e.program.Inputs[i], e.raw[i], e.inputs[i])
		}
		return e.runner.Run(inputs...)
	}
	e.levels()
	return e.runner.RunLevels(e.inputs...)
}

// levels makes levels of all that has been brought in.
func (e *entrance) levels() {
	for i, pixels := range e.pixels {
		if pixels {
			e.program.PixelLevels(e.inputs[i], i, e.raw[i])
		}
	}
}

// watch runs what has been brought in, see [qrt.Runner.Watch].
func (e *entrance) watch(after func(done int)) ([][]int32, error) {
	e.levels()
	return e.runner.WatchLevels(after, e.inputs...)
}
