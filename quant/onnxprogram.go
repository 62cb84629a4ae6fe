package quant

import (
	"encoding/json"
	"fmt"

	"qconv/onnx"
	"qconv/runtime"
)

// ProgramONNX writes a program as an ONNX file of standard integer operators, opset 17, whose outputs are those of the program, integer
// by integer: ConvInteger and MatMulInteger sum products of unsigned bytes, thresholds are counted, and tables are gathered from. Inputs are the uint8
// that [runtime.Runner.Run] takes, with a batch dimension in front; outputs are int32, [N][C][H][W].
//
// A weight of more than eight bits is a sum of digits of base 256, each a convolution of its own. Bytes of weights have the zero point
// 128: signed ones overflow in some implementations.
//
// A loop is a Scan over the numbers of its iterations. The states of a stream are further inputs, uint8, and what they become at the next step are further
// outputs of the same type; the metadata say which belong together, and what they are at the first step.
func ProgramONNX(p *runtime.Program) ([]byte, error) {
	w := &programWriter{p: p, b: onnx.NewBuilder("qconv"), values: make([]string, len(p.Tensors))}
	for i := range p.Inputs {
		w.input(i)
	}
	states := w.states()
	at := 0
	for i := range p.Loops {
		l := &p.Loops[i]
		if err := w.instrs(at, l.First); err != nil {
			return nil, err
		}
		if err := w.loop(fmt.Sprint("loop", i), l); err != nil {
			return nil, err
		}
		at = l.First + l.Length
	}
	if err := w.instrs(at, len(p.Instrs)); err != nil {
		return nil, err
	}
	for _, o := range p.Outputs {
		t := &p.Tensors[o.Tensor]
		value := w.values[o.Tensor]
		if t.Levels > 0 {
			value = w.cast(value, onnx.Int32)
		}
		w.b.Output(o.Name, value, onnx.Int32, batched(t.Shape))
	}
	described := aboutProgram(p)
	described.States = w.nextStates(states)
	about, err := json.Marshal(described)
	if err != nil {
		return nil, err
	}
	return w.b.Encode(p.Producer, map[string]string{"qconv.program": string(about)})
}

// instrs writes instructions from..to-1.
func (w *programWriter) instrs(from, to int) error {
	var refused []onnx.UnsupportedNode
	for n := from; n < to; n++ {
		instr := w.p.Instrs[n]
		name := fmt.Sprint("i", n)
		var value string
		var err error
		switch i := instr.(type) {
		case *runtime.Linear:
			value, err = w.linear(name, i)
		case *runtime.MaxPool:
			value = w.maxPool(name, i)
		case *runtime.Map:
			value = w.lookUp(name, w.values[i.In], w.p.Tensors[i.Out].Shape[0], i.Tables)
		case *runtime.Map2:
			value = w.lookUpPair(name, i)
		case *runtime.Copy:
			value = w.copies(name, i)
		case *runtime.ArgMax:
			value = w.argMax(name, i)
		case *runtime.MatMul:
			value = w.matMul(name, i)
		default:
			refused = append(refused, onnx.UnsupportedNode{Name: fmt.Sprint("instruction ", n), Op: fmt.Sprintf("%T", instr), Reason: "has no form of standard ONNX operators here"})
		}
		if err != nil {
			return err
		}
		w.values[instr.Dst()] = value
	}
	if len(refused) > 0 {
		return &onnx.UnsupportedError{Nodes: refused}
	}
	return nil
}

// programAbout is what a file of integers tells of what they stand for, as JSON: value v of an output stands for
// Scale * (v - Zero).
type programAbout struct {
	Inputs  []runtime.InputInfo `json:"inputs"`
	Outputs []outputAbout       `json:"outputs"`
	Labels  []string            `json:"labels,omitempty"`
	// Left says which outputs hold scores, and before what.
	Left []string `json:"left_to_reader,omitempty"`
	// States of a program that is a step of a stream.
	States []stateAbout `json:"states,omitempty"`
}

type outputAbout struct {
	Name   string  `json:"name"`
	Levels int     `json:"levels"`
	Scale  float64 `json:"scale"`
	Zero   int     `json:"zero"`
}

func aboutProgram(p *runtime.Program) programAbout {
	about := programAbout{Inputs: p.InputInfos(), Labels: p.Labels, Left: p.LeftToReader()}
	for _, o := range p.Outputs {
		t := &p.Tensors[o.Tensor]
		about.Outputs = append(about.Outputs, outputAbout{o.Name, t.Levels, t.Scale.Float(), t.Zero})
	}
	return about
}

// programWriter makes the nodes of a program. Tensors of levels are uint8, those of accumulators int32, all [N][C][H][W].
type programWriter struct {
	p         *runtime.Program
	b         *onnx.Builder
	values    []string // by tensor
	iteration string   // the number of the iteration, in the body of a loop
}

func batched(shape [3]int) onnx.Shape { return append(onnx.Shape{onnx.Batch}, shape[:]...) }

// input declares input i, and makes levels of its bytes.
func (w *programWriter) input(i int) {
	in := &w.p.Inputs[i]
	t := &w.p.Tensors[in.Tensor]
	name := in.Name
	if name == "" {
		name = "input"
	}
	shape := t.Shape
	if in.Interleaved {
		shape = [3]int{shape[1], shape[2], shape[0]}
	}
	value := w.b.Input(name, onnx.Uint8, batched(shape))
	if in.Interleaved {
		value = w.b.Node("Transpose", name+".chw", []string{value}, onnx.Attr{Name: "perm", Value: []int{0, 3, 1, 2}})
	}
	if in.Tables != nil {
		value = w.lookUp(name+".levels", value, t.Shape[0], in.Tables)
	}
	w.values[in.Tensor] = value
}

// numbers is a constant list of int64, which operands that are no data want.
func (w *programWriter) numbers(values ...int) string {
	list := make([]int64, len(values))
	for i, v := range values {
		list[i] = int64(v)
	}
	return w.b.Const("list", onnx.Int64, onnx.Shape{len(list)}, list)
}

func (w *programWriter) cast(value string, to onnx.ElemType) string {
	return w.b.Node("Cast", value+".cast", []string{value}, onnx.Attr{Name: "to", Value: int(to)})
}

func (w *programWriter) reshape(value string, shape ...int) string {
	return w.b.Node("Reshape", value+".shaped", []string{value, w.numbers(shape...)})
}

// byChannel adds to int32 positions what their channel asks for: channel times size.
func (w *programWriter) byChannel(value string, channels, size int) string {
	offsets := make([]int64, channels)
	for c := range offsets {
		offsets[c] = int64(c * size)
	}
	return w.b.Node("Add", value+".row", []string{value, w.b.Const("rows", onnx.Int32, onnx.Shape{1, channels, 1, 1}, offsets)})
}

// lookUp replaces levels by entries of a table, or of one for each channel.
func (w *programWriter) lookUp(name, value string, channels int, tables [][]uint8) string {
	var all []int64
	for _, table := range tables {
		for _, v := range table {
			all = append(all, int64(v))
		}
	}
	at := w.cast(value, onnx.Int32)
	if len(tables) > 1 {
		at = w.byChannel(at, channels, len(tables[0]))
	}
	return w.b.Node("Gather", name, []string{w.b.Const(name+".table", onnx.Uint8, onnx.Shape{len(all)}, all), at})
}

func (w *programWriter) lookUpPair(name string, m *runtime.Map2) string {
	table := make([]int64, len(m.Table))
	for i, v := range m.Table {
		table[i] = int64(v)
	}
	levels := w.b.Const("levels", onnx.Int32, onnx.Shape{}, []int64{int64(w.p.Tensors[m.B].Levels)})
	row := w.b.Node("Mul", name+".row", []string{w.cast(w.values[m.A], onnx.Int32), levels})
	at := w.b.Node("Add", name+".at", []string{row, w.cast(w.values[m.B], onnx.Int32)})
	return w.b.Node("Gather", name, []string{w.b.Const(name+".table", onnx.Uint8, onnx.Shape{len(table)}, table), at})
}

func (w *programWriter) maxPool(name string, m *runtime.MaxPool) string {
	from, to := w.p.Tensors[m.In].Shape, w.p.Tensors[m.Out].Shape
	var pads [4]int
	for d := range 2 {
		pads[d] = m.Pad[d]
		pads[2+d] = (to[1+d]-1)*m.Stride[d] + (m.Kernel[d]-1)*m.Dilation[d] + 1 - from[1+d] - m.Pad[d]
	}
	// What is outside is the lowest level: no window lies wholly outside.
	value := w.pad(w.values[m.In], pads, 0)
	return w.b.Node("MaxPool", name, []string{value}, onnx.Attr{Name: "kernel_shape", Value: m.Kernel[:]},
		onnx.Attr{Name: "strides", Value: m.Stride[:]}, onnx.Attr{Name: "dilations", Value: m.Dilation[:]})
}

// pad adds rows above, columns to the left, rows below and columns to the right, or takes them away, and fills them with a level.
func (w *programWriter) pad(value string, pads [4]int, level int) string {
	if pads == [4]int{} {
		return value
	}
	return w.b.Node("Pad", value+".padded", []string{value, w.numbers(0, 0, pads[0], pads[1], 0, 0, pads[2], pads[3]), w.level(level)})
}

// level is a constant level.
func (w *programWriter) level(v int) string {
	return w.b.Const("level", onnx.Uint8, onnx.Shape{}, []int64{int64(v)})
}

// copies gathers every element from all sources, one after the other, and the fill behind them.
func (w *programWriter) copies(name string, c *runtime.Copy) string {
	shape := w.p.Tensors[c.Out].Shape
	starts, at := map[int]int{}, 0
	var parts []string
	for _, in := range c.Srcs() {
		if _, known := starts[in]; !known {
			starts[in] = at
			at += w.p.Tensors[in].Elems()
			parts = append(parts, w.reshape(w.values[in], 0, -1))
		}
	}
	places, steps := make([]int64, w.p.Tensors[c.Out].Elems()), make([]int64, w.p.Tensors[c.Out].Elems())
	for i := range places {
		places[i] = -1
	}
	stepping := false
	for _, q := range c.Pieces {
		stepping = stepping || q.InStep != 0
		eachElement(q, func(out, in int) { places[out], steps[out] = int64(starts[q.In]+in), int64(q.InStep) })
	}
	same, filled := len(places) == at && len(parts) == 1, false
	for i, from := range places {
		same = same && from == int64(i)
		if from < 0 {
			places[i], filled = int64(at), true
		}
	}
	if same && !stepping {
		return w.reshape(parts[0], 0, shape[0], shape[1], shape[2])
	}
	if len(parts) == 0 { // nothing but the fill, as often as there are samples
		parts = append(parts, w.b.Node("Slice", name+".none", []string{w.reshape(w.values[w.p.Inputs[0].Tensor], 0, -1), w.numbers(0), w.numbers(0), w.numbers(1)}))
	}
	all := parts[0]
	if len(parts) > 1 {
		all = w.b.Node("Concat", name+".all", parts, onnx.Attr{Name: "axis", Value: 1})
	}
	if filled {
		all = w.b.Node("Pad", name+".filled", []string{all, w.numbers(0, 0, 0, 1), w.level(int(c.Fill))})
	}
	from := w.b.Const(name+".places", onnx.Int32, onnx.Shape{len(places)}, places)
	if stepping {
		way := w.b.Node("Mul", name+".way", []string{w.iteration, w.b.Const(name+".steps", onnx.Int32, onnx.Shape{len(steps)}, steps)})
		from = w.b.Node("Add", name+".from", []string{from, way})
	}
	moved := w.b.Node("Gather", name, []string{all, from}, onnx.Attr{Name: "axis", Value: 1})
	return w.reshape(moved, 0, shape[0], shape[1], shape[2])
}

// matMul multiplies bytes, each less its zero.
func (w *programWriter) matMul(name string, m *runtime.MatMul) string {
	acc := w.b.Node("MatMulInteger", name, []string{w.values[m.A], w.values[m.B], w.level(w.p.Tensors[m.A].Zero), w.level(w.p.Tensors[m.B].Zero)})
	if len(m.Steps) == 0 {
		return acc
	}
	return w.requantize(name, m.Steps, acc)
}

func (w *programWriter) argMax(name string, a *runtime.ArgMax) string {
	value := w.values[a.In]
	if w.p.Tensors[a.In].Levels > 0 {
		value = w.cast(value, onnx.Int32)
	}
	op, last := "ArgMax", 0
	if a.Least {
		op = "ArgMin"
	}
	if a.Last {
		last = 1
	}
	outer := w.p.Tensors[a.In].Elems() / (a.Length * a.Inner)
	found := w.b.Node(op, name, []string{w.reshape(value, 0, outer, a.Length, a.Inner)}, onnx.Attr{Name: "axis", Value: 2},
		onnx.Attr{Name: "keepdims", Value: 0}, onnx.Attr{Name: "select_last_index", Value: last})
	shape := w.p.Tensors[a.Out].Shape
	return w.reshape(w.cast(found, onnx.Int32), 0, shape[0], shape[1], shape[2])
}
