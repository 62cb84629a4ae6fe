package onnx

import "slices"

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
	const remedy = "export the network without sequence_lens"
	t := c.r.in[operandLengths].Const
	if t == nil {
		c.r.refusef("sequence_lens (operand %d, %q) is computed when the network runs, want the constant %d; %s, or bind it to that", operandLengths, c.r.in[operandLengths].Name, c.steps, remedy)
		return false
	}
	for _, n := range t.toFloats().Floats {
		if int(n) != c.steps {
			c.r.refusef("sequence_lens (operand %d) says that a sequence has %g of %d steps, want all of them; %s, or --bind the input that it comes from to %d", operandLengths, n, c.steps, remedy, c.steps)
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

// activation is a function of a gate by its name in the file, with its parameters.
type activation struct {
	name        string
	alpha, beta float64
}
