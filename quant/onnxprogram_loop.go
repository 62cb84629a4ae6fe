package quant

import (
	"fmt"

	"qconv/onnx"
	"qconv/runtime"
)

// loop writes a loop as a Scan over the numbers of its iterations. What the body reads from outside it reads as it is.
func (w *programWriter) loop(name string, l *runtime.Loop) error {
	outside := append([]string(nil), w.values...)
	var states []onnx.Port
	for _, c := range l.Carries {
		states = append(states, w.port(w.values[c.To], c.To))
	}
	numbers := make([]int64, l.Count)
	for t := range numbers {
		numbers[t] = int64(t)
	}
	steps := w.b.Const(name+".iterations", onnx.Int32, onnx.Shape{l.Count}, numbers)
	names, iteration := w.b.BeginScan(states, onnx.Port{Value: steps, Type: onnx.Int32, Shape: onnx.Shape{}})
	w.iteration = iteration
	for i, c := range l.Carries {
		w.values[c.To] = names[i]
	}
	var collected []*runtime.Copy
	for n := l.First; n < l.First+l.Length; n++ {
		if puts(w.p.Instrs[n]) {
			collected = append(collected, w.p.Instrs[n].(*runtime.Copy))
			continue
		}
		if err := w.instrs(n, n+1); err != nil {
			return err
		}
	}
	var results []onnx.Port
	for i, c := range collected {
		results = append(results, w.part(fmt.Sprint(name, ".part", i), c))
	}
	var next []onnx.Port
	for _, c := range l.Carries {
		next = append(next, w.port(w.values[c.From], c.From))
	}
	// What the last iteration has written may be read behind the loop.
	left := w.readBehind(l)
	for _, t := range left {
		results = append(results, w.port(w.values[t], t))
	}
	last, all := w.b.EndScan(name, next, results)
	w.values, w.iteration = outside, ""
	for i, c := range l.Carries {
		w.values[c.To] = last[i]
	}
	for i, c := range collected {
		w.values[c.Out] = w.together(fmt.Sprint(name, ".all", i), all[i], c, l.Count)
	}
	for i, t := range left {
		w.values[t] = w.b.Node("Gather", fmt.Sprint(name, ".left", i), []string{all[len(collected)+i], w.b.Const("last", onnx.Int32, onnx.Shape{}, []int64{int64(l.Count - 1)})},
			onnx.Attr{Name: "axis", Value: 1})
	}
	return nil
}

// port is a value that holds a tensor.
func (w *programWriter) port(value string, tensor int) onnx.Port {
	t := &w.p.Tensors[tensor]
	p := onnx.Port{Value: value, Type: onnx.Uint8, Shape: batched(t.Shape)}
	if t.Levels == 0 {
		p.Type = onnx.Int32
	}
	return p
}

// readBehind are the tensors that are written in every iteration and read behind the loop.
func (w *programWriter) readBehind(l *runtime.Loop) []int {
	read := map[int]bool{}
	for _, instr := range w.p.Instrs[l.First+l.Length:] {
		for _, t := range instr.Srcs() {
			read[t] = true
		}
	}
	for _, o := range w.p.Outputs {
		read[o.Tensor] = true
	}
	eachCarried(w.p, func(t *int) { read[*t] = true })
	var list []int
	for _, instr := range w.p.Instrs[l.First : l.First+l.Length] {
		if read[instr.Dst()] && !puts(instr) {
			list = append(list, instr.Dst())
		}
	}
	return list
}

// part is what one iteration writes of a tensor that all write together: the elements of the only piece in its order.
func (w *programWriter) part(name string, c *runtime.Copy) onnx.Port {
	q := c.Pieces[0]
	var places []int64
	eachElement(q, func(_, in int) { places = append(places, int64(in)) })
	from := w.b.Const(name+".places", onnx.Int32, onnx.Shape{len(places)}, places)
	if q.InStep != 0 {
		way := w.b.Node("Mul", name+".way", []string{w.iteration, w.b.Const("step", onnx.Int32, onnx.Shape{}, []int64{int64(q.InStep)})})
		from = w.b.Node("Add", name+".from", []string{from, way})
	}
	value := w.b.Node("Gather", name, []string{w.reshape(w.values[q.In], 0, -1), from}, onnx.Attr{Name: "axis", Value: 1})
	return onnx.Port{Value: value, Type: onnx.Uint8, Shape: onnx.Shape{onnx.Batch, len(places)}}
}

// together puts the parts of all iterations, [N][count][elements], where they belong.
func (w *programWriter) together(name, parts string, c *runtime.Copy, count int) string {
	shape := w.p.Tensors[c.Out].Shape
	q := c.Pieces[0]
	places := make([]int64, w.p.Tensors[c.Out].Elems())
	n := 0
	for t := range count {
		moved := q
		moved.OutStart += t * q.OutStep
		eachElement(moved, func(out, _ int) {
			places[out] = int64(n)
			n++
		})
	}
	from := w.b.Const(name+".places", onnx.Int32, onnx.Shape{len(places)}, places)
	all := w.b.Node("Gather", name, []string{w.reshape(parts, 0, -1), from}, onnx.Attr{Name: "axis", Value: 1})
	return w.reshape(all, 0, shape[0], shape[1], shape[2])
}

// stateAbout says which input holds a state of a stream, which output what it is at the next step, and its levels at the first one: one for
// every element, or one for all.
type stateAbout struct {
	Input   string `json:"input"`
	Output  string `json:"output"`
	Initial []int  `json:"initial"`
}

// states declares the states of a stream, if the program is a step of one, as inputs.
func (w *programWriter) states() []stateAbout {
	if w.p.Stream == nil {
		return nil
	}
	var list []stateAbout
	for i, s := range w.p.Stream.States {
		about := stateAbout{Input: w.b.Input(fmt.Sprint("state", i), onnx.Uint8, batched(w.p.Tensors[s.To].Shape))}
		for _, v := range s.Initial {
			about.Initial = append(about.Initial, int(v))
		}
		w.values[s.To] = about.Input
		list = append(list, about)
	}
	return list
}

// nextStates makes outputs of what states become, and notes their names.
func (w *programWriter) nextStates(list []stateAbout) []stateAbout {
	for i := range list {
		from := w.p.Stream.States[i].From
		list[i].Output = w.b.Output(list[i].Input+".next", w.values[from], onnx.Uint8, batched(w.p.Tensors[from].Shape))
	}
	return list
}
