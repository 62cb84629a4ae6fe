package onnx

import (
	"slices"
	"strings"
)

// RNN, GRU and LSTM are read as loops whose bodies are the equations of one step. Weights are taken apart by gates, those of
// gates that have one activation stay together: their sums come from one linear map and are split behind the activation.
//
// The values of a body are [batch][channels]. Where the batch axis is not the batch, but rows that belong to one sample, they are
// [1][channels][rows], and linear maps are convolutions by kernels of one element: rows are positions, as elsewhere.

// cell is what a recurrent operator does in one step.
type cell struct {
	gates  int      // matrices in W and R
	states []string // names of its states, the output first
	acts   []string // default activations
	// step computes the states of the next step from x and the states of this one. A state is nil where it is zero.
	step func(c *recurrence, x *Value, states []*Value) []*Value
}

var cells = map[string]cell{
	"RNN":  {gates: 1, states: []string{"h"}, acts: []string{"Tanh"}, step: stepRNN},
	"GRU":  {gates: 3, states: []string{"h"}, acts: []string{"Sigmoid", "Tanh"}, step: stepGRU},
	"LSTM": {gates: 4, states: []string{"h", "c"}, acts: []string{"Sigmoid", "Tanh", "Tanh"}, step: stepLSTM},
}

// Operands of recurrent operators.
const (
	operandX, operandW, operandR, operandB = 0, 1, 2, 3
	operandLengths                         = 4
	operandState                           = 5 // and behind it that of the cell
	operandPeepholes                       = 7
)

// recurrence reads one node.
type recurrence struct {
	cell
	r *nodeReader
	s *spelling

	hidden, inputs, steps, directions int
	// Axes of the sequence, of the batch and of the directions in X, in the states, and in Y.
	stepAxis, batchAxis, stateAxis, resultAxis int
	batched                                    bool
	rows                                       int // positions of the batch axis where it is not the batch, else 1

	clip                float64 // 0 without
	linearBefore        bool    // of GRU
	coupled             bool    // the gates of input and forgetting of LSTM
	reverse             bool    // the only direction
	w, rec, bias, peeps *Tensor

	direction int    // being read
	part      string // of names, of this direction
	functions []activation
}

// sayRecurrent reads a recurrent operator. Its states begin with zeros where they are not given.
func sayRecurrent(of cell) phrase {
	return func(r *nodeReader, s *spelling) *Value {
		c := &recurrence{cell: of, r: r, s: s}
		if !c.attributes() || !c.weights() || !c.lengths() {
			return nil
		}
		// Every direction copies its part of the weights.
		if !c.afford(c.w.Shape.Elems() + c.rec.Shape.Elems()) {
			return nil
		}
		var sequences []*Value
		last := make([][]*Value, len(c.states))
		for c.direction = range c.directions {
			sequence, states := c.run()
			if r.wrong(s) {
				return nil
			}
			sequences = append(sequences, sequence)
			for i, v := range states {
				last[i] = append(last[i], v)
			}
		}
		for i, name := range c.states {
			if r.used(1 + i) {
				r.also(1+i, c.join(name+".last", c.stateAxis, last[i]))
			}
		}
		if !r.used(0) {
			return nil
		}
		return c.join("y", c.resultAxis, sequences)
	}
}

// attributes reads all of them, and the operands' axes. It says whether the node can be read on.
func (c *recurrence) attributes() bool {
	r := c.r
	r.outputs = 1 + len(c.states)
	most := operandState + len(c.states)
	if len(c.states) > 1 {
		most++ // peepholes
	}
	if len(c.r.in) < 3 || len(c.r.in) > most {
		r.failf("got %d inputs, want 3 to %d", len(c.r.in), most)
		return false
	}
	layout := r.bool("layout", false)
	c.stepAxis, c.batchAxis, c.stateAxis, c.resultAxis = 0, 1, 0, 1
	if layout {
		c.stepAxis, c.batchAxis, c.stateAxis, c.resultAxis = 1, 0, 1, 2
	}
	c.hidden = r.int("hidden_size", 0)
	if r.has("clip") {
		if c.clip = r.float("clip", 0); c.clip <= 0 {
			r.failf("clip is %g, want a positive number", c.clip)
		}
	}
	if c.gates == 3 {
		c.linearBefore = r.bool("linear_before_reset", false)
	}
	if c.gates == 4 {
		c.coupled = r.bool("input_forget", false)
	}
	c.directions = 1
	direction := r.text("direction", "forward")
	switch direction {
	case "forward":
	case "reverse":
		c.reverse = true
	case "bidirectional":
		c.directions = 2
	default:
		r.failf("direction is %q, want forward, reverse or bidirectional", direction)
		return false
	}
	c.functions = r.activations(c.acts, c.directions)
	x := r.shapes[operandX]
	if r.err != nil || len(r.refusals) > 0 {
		return false
	}
	if len(x) != 3 {
		r.failf("X (operand 0) has shape %v, want [steps][batch][inputs]", x)
		return false
	}
	c.steps, c.rows, c.inputs = x[c.stepAxis], x[c.batchAxis], x[2]
	switch x.batchAt() {
	case -1:
	case c.batchAxis:
		c.batched, c.rows = true, 1
	default:
		r.refusef("dimension %d of X (operand 0) %v is the batch, want dimension %d: the other is that of the steps", x.batchAt(), x, c.batchAxis)
		return false
	}
	return true
}

// weights takes the operands that must be constant, and checks their shapes.
func (c *recurrence) weights() bool {
	if w := c.r.shapes[operandR]; c.hidden == 0 && len(w) == 3 {
		c.hidden = w[2]
	}
	if c.hidden < 1 || c.hidden > maxDim/(8*c.gates) {
		c.r.failf("hidden_size is %d, want at least 1 and fewer than 2^31 weights", c.hidden)
		return false
	}
	c.w = c.constant(operandW, "W", Shape{c.directions, c.gates * c.hidden, c.inputs})
	c.rec = c.constant(operandR, "R", Shape{c.directions, c.gates * c.hidden, c.hidden})
	if c.r.given(operandB) {
		c.bias = c.constant(operandB, "B", Shape{c.directions, 2 * c.gates * c.hidden})
	}
	if c.gates == 4 && c.r.given(operandPeepholes) {
		c.peeps = c.constant(operandPeepholes, "P", Shape{c.directions, 3 * c.hidden})
	}
	return c.r.err == nil && len(c.r.refusals) == 0
}

// constant is an operand that must be one, of a shape.
func (c *recurrence) constant(i int, name string, want Shape) *Tensor {
	t := c.r.operand(i, name)
	if t != nil && (!t.Shape.Equal(want) || t.Type != Float) {
		c.r.failf("%s (operand %d) has shape %v and elements of type %v, want %v of floating-point numbers", name, i, t.Shape, t.Type, want)
	}
	return t
}

// lengths accepts sequence_lens that say nothing.
func (c *recurrence) lengths() bool {
	if !c.r.given(operandLengths) {
		return true
	}
	const remedy = "export the network without sequence_lens, or bind it to a constant"
	t := c.r.in[operandLengths].Const
	if t == nil {
		c.r.refusef("sequence_lens (operand %d, %q) is computed when the network runs, want the constant %d; %s", operandLengths, c.r.in[operandLengths].Name, c.steps, remedy)
		return false
	}
	for _, n := range t.toFloats().Floats {
		if int(n) != c.steps {
			c.r.refusef("sequence_lens (operand %d) says that a sequence has %g of %d steps, want all of them; %s", operandLengths, n, c.steps, remedy)
			return false
		}
	}
	return true
}

// run adds the nodes of one direction and returns the sequence of its first state, if it is used, and all states after the last step.
func (c *recurrence) run() (sequence *Value, last []*Value) {
	reverse := c.reverse || c.direction == 1
	c.part = c.parts(c.direction)
	x := c.r.in[operandX]
	if c.steps == 1 && (c.r.inLoop || !c.handedOn()) {
		var states []*Value
		for i := range c.states {
			states = append(states, c.initial(i, true))
		}
		if c.r.wrong(c.s) {
			return nil, nil
		}
		x, axis := c.sequence(x)
		last = c.step(c, c.say("x", &Squeeze{Axes: []int{axis}}, x), states)
		if c.r.used(0) {
			sequence = c.inRows("y", c.say("y", &Unsqueeze{Axes: []int{axis}}, last[0]), true)
		}
		for i, name := range c.states {
			if c.r.used(1 + i) {
				last[i] = c.inRows(name+".last", last[i], false)
			}
		}
		return sequence, last
	}
	if c.r.inLoop {
		c.r.refusef(reasonNested)
		return nil, nil
	}
	loop := &Loop{Name: c.s.name, Steps: c.steps}
	if c.directions > 1 {
		loop.Name = c.s.name + namedPart + c.part[:len(c.part)-1]
	}
	var states []*Value
	ops := make([]*LoopState, len(c.states))
	for i, name := range c.states {
		begin := c.initial(i, false)
		if c.r.wrong(c.s) {
			return nil, nil
		}
		ops[i] = &LoopState{Loop: loop, Batched: c.batched && !begin.Shape.batched()}
		states = append(states, c.say(name, ops[i], begin))
	}
	x, axis := c.sequence(x)
	next := c.step(c, c.say("x", &LoopTake{Loop: loop, Axis: axis, Reverse: reverse}, x), states)
	for i, name := range c.states {
		v := c.say(name+".last", &LoopNext{Loop: loop, State: ops[i]}, next[i])
		if c.r.used(1 + i) {
			v = c.inRows(name+".last", v, false)
		}
		last = append(last, v)
	}
	if c.r.used(0) {
		sequence = c.inRows("y", c.say("y", &LoopPut{Loop: loop, Axis: axis, Reverse: reverse}, next[0]), true)
	}
	return sequence, last
}

// positions says whether rows of one sample are positions.
func (c *recurrence) positions() bool { return c.rows > 1 }

// sequence is X as the loop takes it, and the axis of its steps: with positions [1][steps][channels][rows].
func (c *recurrence) sequence(x *Value) (*Value, int) {
	if !c.positions() {
		return x, c.stepAxis
	}
	x = c.say("x.positions", &Transpose{Perm: []int{c.stepAxis, 2, c.batchAxis}}, x)
	return c.say("x.sample", &Unsqueeze{Axes: []int{0}}, x), 1
}

// inRows is a result as the operator has it, without the dimension of directions: of [1][channels][rows] it makes [rows][channels], of a sequence
// of these [steps][rows][channels] or, in the other layout, [rows][steps][channels].
func (c *recurrence) inRows(name string, v *Value, sequence bool) *Value {
	if !c.positions() {
		return v
	}
	perm := []int{1, 0}
	if sequence {
		perm = []int{0, 2, 1}
		if c.stepAxis == 1 {
			perm = []int{2, 0, 1}
		}
	}
	return c.say(name+".rows", &Transpose{Perm: perm}, c.say(name+".sample", &Squeeze{Axes: []int{0}}, v))
}

// perChannel is a constant that is the same for all samples and rows.
func (c *recurrence) perChannel(name string, v []float32) *Value {
	shape := Shape{1, len(v)}
	if c.positions() {
		shape = append(shape, 1)
	}
	return c.weight(name, &Tensor{Type: Float, Shape: shape, Floats: v})
}

// begin is a constant state of some rows.
func (c *recurrence) begin(name string, rows []float32) *Value {
	t := &Tensor{Type: Float, Shape: Shape{len(rows) / c.hidden, c.hidden}, Floats: rows}
	if c.positions() {
		t = &Tensor{Type: Float, Shape: Shape{1, c.hidden, c.rows}, Floats: transpose(rows, t.Shape, []int{1, 0})}
	}
	return c.weight(name, t)
}

// handedOn says whether a state comes from outside and leaves again: a single step is then one of many, whose loop is around the network, and what it does to
// the state is said as in a loop.
func (c *recurrence) handedOn() bool {
	for i := range c.states {
		if c.r.given(operandState+i) && c.r.in[operandState+i].Const == nil && c.r.used(1+i) {
			return true
		}
	}
	return false
}

// parts is what names of a direction begin with.
func (c *recurrence) parts(direction int) string {
	if c.directions == 1 {
		return ""
	}
	return []string{"forward.", "backward."}[direction]
}

// say adds a node of one result under a name of its own.
func (c *recurrence) say(name string, op Op, in ...*Value) *Value {
	return c.s.addAs(c.part+name, op, 1, in...)[0]
}

// join puts the results of the directions side by side along a new axis.
func (c *recurrence) join(name string, axis int, list []*Value) *Value {
	for i, v := range list {
		c.part = c.parts(i)
		list[i] = c.say(name+".direction", &Unsqueeze{Axes: []int{axis}}, v)
	}
	if len(list) == 1 {
		return list[0]
	}
	c.part = ""
	return c.say(name, &Concat{Axis: axis}, list...)
}

// initial is what state i of the direction begins with, [batch][hidden]: one row if that is to be repeated for every sample. It is nil
// if it is zero and zero is to be left out.
func (c *recurrence) initial(i int, leaveOut bool) *Value {
	at, name := operandState+i, "initial_"+c.states[i]
	zero := func() *Value {
		if leaveOut {
			return nil
		}
		if c.rows > maxDim/c.hidden {
			c.r.failf("a state of %d rows of %d has 2^31 elements or more", c.rows, c.hidden)
			return nil
		}
		if !c.afford(c.rows * c.hidden) {
			return nil
		}
		return c.begin(c.states[i]+".initial", make([]float32, c.rows*c.hidden))
	}
	if !c.r.given(at) {
		return zero()
	}
	v, shape := c.r.in[at], c.r.shapes[at]
	want := Shape{c.directions, c.rows, c.hidden}
	stateBatch := 1
	if c.stateAxis == 1 {
		want, stateBatch = Shape{c.rows, c.directions, c.hidden}, 0
	}
	fits := len(shape) == 3
	for k := range shape {
		fits = fits && (shape[k] == want[k] || k == stateBatch && c.batched)
	}
	if !fits || v.Type != Float {
		c.r.failf("%s (operand %d) has shape %v, want %v", name, at, shape, want)
		return nil
	}
	if t := v.Const; t != nil {
		rows := c.rowsOf(t, shape[stateBatch], stateBatch)
		if c.batched {
			for k := c.hidden; k < len(rows); k++ {
				if rows[k] != rows[k-c.hidden] {
					c.r.refusef("%s (operand %d) has constants that tell samples of the batch from each other", name, at)
					return nil
				}
			}
			rows = rows[:c.hidden]
		}
		if !slices.ContainsFunc(rows, func(x float32) bool { return x != 0 }) {
			return zero()
		}
		return c.begin(c.states[i]+".initial", rows)
	}
	if c.batched != (shape.batchAt() == stateBatch) {
		c.r.refusef("%s (operand %d) %v and X (operand 0) %v: the batch must be dimension %d of the one and %d of the other",
			name, at, shape, c.r.shapes[operandX], stateBatch, c.batchAxis)
		return nil
	}
	if c.directions == 1 {
		v = c.say(c.states[i]+".initial", &Squeeze{Axes: []int{c.stateAxis}}, v)
	} else {
		v = c.say(c.states[i]+".initial", &Gather{Axis: c.stateAxis, Indices: &Tensor{Type: Int, Shape: Shape{}, Ints: []int64{int64(c.direction)}}}, v)
	}
	if c.positions() {
		v = c.say(c.states[i]+".sample", &Unsqueeze{Axes: []int{0}}, c.say(c.states[i]+".positions", &Transpose{Perm: []int{1, 0}}, v))
	}
	return v
}

// rowsOf are the rows of a constant initial state that belong to the direction.
func (c *recurrence) rowsOf(t *Tensor, rows, batchAxis int) []float32 {
	var out []float32
	for n := range rows {
		at := c.direction*rows + n
		if batchAxis == 0 {
			at = n*c.directions + c.direction
		}
		out = append(out, t.Floats[at*c.hidden:(at+1)*c.hidden]...)
	}
	return out
}

// afford spends memory on a constant of n numbers.
func (c *recurrence) afford(n int) bool {
	if err := c.r.take(n, valueBytes); err != nil {
		c.r.failf("%w", err)
		return false
	}
	return true
}

// weight is a constant with a name of its own.
func (c *recurrence) weight(name string, t *Tensor) *Value {
	v := c.s.constant(t)
	v.Name = c.s.name + namedPart + c.part + name
	return v
}

// gatesOf are the rows of W or R that belong to gates, as a matrix [gates*hidden][K].
func (c *recurrence) gatesOf(t *Tensor, gates []int) *Tensor {
	k := t.Shape[2]
	out := &Tensor{Type: Float, Shape: Shape{len(gates) * c.hidden, k}}
	for _, g := range gates {
		from := (c.direction*c.gates + g) * c.hidden * k
		out.Floats = append(out.Floats, t.Floats[from:from+c.hidden*k]...)
	}
	return out
}

// biasOf is the bias of gates: that of W, that of R, or their sum.
func (c *recurrence) biasOf(gates []int, ofW, ofR bool) *Tensor {
	out := make([]float64, 0, len(gates)*c.hidden)
	for _, g := range gates {
		for k := range c.hidden {
			sum := 0.0
			if from := c.direction * 2 * c.gates * c.hidden; c.bias != nil {
				if ofW {
					sum += float64(c.bias.Floats[from+g*c.hidden+k])
				}
				if ofR {
					sum += float64(c.bias.Floats[from+(c.gates+g)*c.hidden+k])
				}
			}
			out = append(out, sum)
		}
	}
	return vector(out)
}

// linear is the linear map of gates of W or R: x [batch][K] becomes [batch][gates*hidden].
func (c *recurrence) linear(name string, x *Value, w *Tensor, gates []int, bias *Tensor) *Value {
	op, weights := Op(&Gemm{Alpha: 1, Beta: 1, TransB: true}), c.gatesOf(w, gates)
	if c.positions() {
		op, weights = pointwise(1), weights.as(weights.Shape[0], weights.Shape[1], 1)
	}
	in := []*Value{x, c.weight(name+".weight", weights)}
	if bias != nil && slices.ContainsFunc(bias.Floats, func(b float32) bool { return b != 0 }) {
		in = append(in, c.weight(name+".bias", bias))
	}
	return c.say(name, op, in...)
}

// sum is x*W + h*R + bias for gates, before their activation. A state that is nil is zero.
func (c *recurrence) sum(name string, x, h *Value, gates ...int) *Value {
	a := c.linear(name+".x", x, c.w, gates, c.biasOf(gates, true, true))
	if h == nil {
		return a
	}
	return c.say(name+".sum", &Add{}, a, c.linear(name+".h", h, c.rec, gates, nil))
}

// gate applies activation k of the direction to a sum, which is clipped first. The memory of an LSTM is not: ONNX Runtime leaves it as it is, too.
func (c *recurrence) gate(name string, k int, x *Value) *Value {
	if c.clip > 0 {
		x = c.say(name+".clip", &Clip{Min: -c.clip, Max: c.clip}, x)
	}
	return c.activate(name, k, x)
}

// activate applies activation k of the direction.
func (c *recurrence) activate(name string, k int, x *Value) *Value {
	f := c.functions[c.direction*len(c.acts)+k]
	return f.say(func(part string, op Op, in ...*Value) *Value { return c.say(name+part, op, in...) }, c.s.number, x)
}

// split cuts the values of gates that have been computed together.
func (c *recurrence) split(x *Value, gates ...string) []*Value {
	all := strings.Join(gates, "")
	parts := c.s.addAs(c.part+all+".split", &Split{Axis: 1, Sizes: slices.Repeat([]int{c.hidden}, len(gates))}, len(gates), x)
	if c.s.wishes == nil {
		c.s.wishes = map[*Value]string{}
	}
	for i, v := range parts {
		c.s.wishes[v] = c.s.name + namedPart + c.part + gates[i]
	}
	return parts
}

// product is a*b, where a nil b is zero.
func (c *recurrence) product(name string, a, b *Value) *Value {
	if b == nil {
		return nil
	}
	return c.say(name, &Mul{}, a, b)
}

// plus is a+b, where nil is zero.
func (c *recurrence) plus(name string, a, b *Value) *Value {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return c.say(name, &Add{}, a, b)
}

// stepRNN computes h' = f(x*W + h*R + bias).
func stepRNN(c *recurrence, x *Value, states []*Value) []*Value {
	return []*Value{c.gate("h.next", 0, c.sum("h.next", x, states[0], 0))}
}

// stepGRU computes, for gates z, r and n,
//
//	z, r = f(x*W + h*R + bias)
//	n    = g(x*W + (r*h)*R + bias), or g(x*W + bias + r*(h*R + bias))
//	h'   = (1-z)*n + z*h
//
// In this form of the last line the state passes unchanged where z is 1, whatever the levels of n are.
func stepGRU(c *recurrence, x *Value, states []*Value) []*Value {
	h := states[0]
	const z, r, n = 0, 1, 2
	if h == nil && !c.linearBefore {
		zs := c.gate("z", 0, c.sum("z", x, nil, z))
		return []*Value{c.blend(zs, c.gate("n", 1, c.sum("n", x, nil, n)), nil)}
	}
	gates := c.split(c.gate("zr", 0, c.sum("zr", x, h, z, r)), "z", "r")
	var candidate *Value
	switch {
	case !c.linearBefore:
		reset := c.say("r.h", &Mul{}, gates[1], h)
		candidate = c.sum("n", x, reset, n)
	case h == nil:
		bias := c.biasOf([]int{n}, false, true)
		reset := c.say("n.reset", &Mul{}, gates[1], c.perChannel("n.h.bias", bias.Floats))
		candidate = c.say("n.sum", &Add{}, c.linear("n.x", x, c.w, []int{n}, c.biasOf([]int{n}, true, false)), reset)
	default:
		inner := c.linear("n.h", h, c.rec, []int{n}, c.biasOf([]int{n}, false, true))
		reset := c.say("n.reset", &Mul{}, gates[1], inner)
		candidate = c.say("n.sum", &Add{}, c.linear("n.x", x, c.w, []int{n}, c.biasOf([]int{n}, true, false)), reset)
	}
	return []*Value{c.blend(gates[0], c.gate("n", 1, candidate), h)}
}

// blend is (1-z)*n + z*h.
func (c *recurrence) blend(z, n, h *Value) *Value {
	fresh := c.say("fresh", &Mul{}, c.say("z.not", &Sub{}, c.s.number(1), z), n)
	return c.plus("h.next", fresh, c.product("kept", z, h))
}

// stepLSTM computes, for gates i, o, f and g and without peepholes,
//
//	i, o, f = f(x*W + h*R + bias)
//	g       = g(x*W + h*R + bias)
//	c'      = f*c + i*g
//	h'      = o*h(c')
//
// With peepholes c (c' for o) times a constant is added before the activation. Coupled gates have f = 1-i.
func stepLSTM(c *recurrence, x *Value, states []*Value) []*Value {
	h, memory := states[0], states[1]
	const i, o, f, g = 0, 1, 2, 3
	var in, out, forget *Value
	switch {
	case c.peeps != nil:
		in = c.peeped("i", x, h, memory, i, 0)
		if !c.coupled {
			forget = c.peeped("f", x, h, memory, f, 2)
		}
	case c.coupled:
		gates := c.split(c.gate("io", 0, c.sum("io", x, h, i, o)), "i", "o")
		in, out = gates[0], gates[1]
	default:
		gates := c.split(c.gate("iof", 0, c.sum("iof", x, h, i, o, f)), "i", "o", "f")
		in, out, forget = gates[0], gates[1], gates[2]
	}
	if forget == nil && memory != nil {
		forget = c.say("f", &Sub{}, c.s.number(1), in)
	}
	fresh := c.say("fresh", &Mul{}, in, c.gate("g", 1, c.sum("g", x, h, g)))
	next := c.plus("c.next", c.product("kept", forget, memory), fresh)
	if out == nil {
		out = c.peeped("o", x, h, next, o, 1)
	}
	return []*Value{c.say("h.next", &Mul{}, out, c.activate("c.act", 2, next)), next}
}

// peeped is a gate that sees the memory, by row peep of P.
func (c *recurrence) peeped(name string, x, h, memory *Value, gate, peep int) *Value {
	sum := c.sum(name, x, h, gate)
	if memory != nil {
		from := (c.direction*3 + peep) * c.hidden
		p := c.perChannel(name+".peep", c.peeps.Floats[from:from+c.hidden])
		sum = c.say(name+".peeped", &Add{}, sum, c.say(name+".c", &Mul{}, memory, p))
	}
	return c.gate(name, 0, sum)
}

// activation is a function of a gate by its name in the file, with its parameters.
type activation struct {
	name        string
	alpha, beta float64
}
