package quant

import (
	"encoding/json"
	"fmt"
	"slices"

	"qconv/onnx"
	"qconv/runtime"
)

// StatePair is an input of a network that, at every step of a stream, holds what an output held at the step before.
type StatePair struct {
	Input  string `json:"input"`
	Output string `json:"output"`
}

// keyStates is the metadata that holds a model's state pairs.
const keyStates = "qconv.states"

// States are the pairs of a model that [Model.TieStates] has tied.
func (m *Model) States() []StatePair { return statesOf(m.Graph) }

func statesOf(g *onnx.Graph) []StatePair {
	var pairs []StatePair
	if text := g.Meta[keyStates]; text == "" || json.Unmarshal([]byte(text), &pairs) != nil {
		return nil
	}
	return pairs
}

// TieStates has inputs carry the levels of the outputs that become them: then nothing is lost from step to step. A model that has levels for both already keeps them, and
// they have to be the same.
func (m *Model) TieStates(pairs []StatePair) error {
	if err := checkStates(m.Graph, pairs); err != nil {
		return err
	}
	text, err := json.Marshal(pairs)
	if err != nil {
		return err
	}
	if m.Graph.Meta == nil {
		m.Graph.Meta = map[string]string{}
	}
	before := analyze(m.Graph)
	m.Graph.Meta[keyStates] = string(text)
	a := analyze(m.Graph)
	for _, p := range pairs {
		in := a.entered(valueCalled(m.Graph.Inputs, p.Input))
		grid := a.gridOf(in)
		if grid == nil || grid == in {
			continue
		}
		own, tuned := m.Levels[before.gridOf(in).Name]
		if other, ok := m.Levels[grid.Name]; tuned && (!ok || own != other) {
			delete(m.Graph.Meta, keyStates)
			return &StatesError{fmt.Sprintf("state %q has other levels than %q, which becomes it: this model was tuned without its states tied; give them to finetune, or to convert --calib, of the model that was imported", p.Input, p.Output)}
		}
		delete(m.Levels, in.Name)
	}
	m.Sites = a.sites()
	return nil
}

// StatesError says why inputs and outputs are no states.
type StatesError struct{ reason string }

func (e *StatesError) Error() string { return "quant: " + e.reason }

// checkStates demands that pairs name an input and an output of one shape, and each of them once.
func checkStates(g *onnx.Graph, pairs []StatePair) error {
	for i, p := range pairs {
		in, out := valueCalled(g.Inputs, p.Input), valueCalled(g.Outputs, p.Output)
		switch {
		case in == nil:
			return &StatesError{fmt.Sprintf("state %q is no input that the outputs depend on, want one of %s", p.Input, valueNames(g.Inputs))}
		case out == nil:
			return &StatesError{fmt.Sprintf("state %q becomes output %q, which there is none of (of the file's, --output keeps those that it names), want one of %s", p.Input, p.Output, valueNames(g.Outputs))}
		case !slices.Equal(withoutOnes(in.Shape), withoutOnes(out.Shape)):
			return &StatesError{fmt.Sprintf("state %q has shape %v and becomes output %q of shape %v, want the same but for dimensions of 1", p.Input, in.Shape, p.Output, out.Shape)}
		case slices.ContainsFunc(pairs[:i], func(o StatePair) bool { return o.Input == p.Input }):
			return &StatesError{fmt.Sprintf("state %q is given twice", p.Input)}
		}
	}
	if len(pairs) >= len(g.Inputs) {
		return &StatesError{"all inputs are states, want one at least that every step is given"}
	}
	return nil
}

// withoutOnes are the dimensions that are not 1.
func withoutOnes(s onnx.Shape) onnx.Shape {
	return slices.DeleteFunc(slices.Clone(s), func(n int) bool { return n == 1 })
}

func valueCalled(values []*onnx.Value, name string) *onnx.Value {
	for _, v := range values {
		if v.Name == name {
			return v
		}
	}
	return nil
}

func valueNames(values []*onnx.Value) string {
	text := ""
	for i, v := range values {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%q", v.Name)
	}
	return text
}

// findTied gives levels to the outputs that become inputs where nothing else would, and forgets of inputs that are never more than themselves.
func (a *analysis) findTied() {
	for _, in := range a.graph.Inputs {
		out := a.tied[in]
		for v := out; v != nil && a.gridOf(v) == nil; {
			n := a.producers[v]
			if n == nil {
				break
			}
			if c := a.plans[n].class; c == classLinear || c == classScalar {
				a.plans[n].site = true
				break
			}
			v = a.source(n)
		}
		if out == nil {
			continue
		}
		if a.gridOf(out) == nil {
			delete(a.tied, in)
		}
		a.markState(out)
	}
}

// tiedAway says that an input has the levels of the output that becomes it, and no own ones.
func (a *analysis) tiedAway(in *onnx.Value) bool {
	if a.tied[in] == nil {
		return false
	}
	grid := a.gridOf(in)
	return grid != nil && grid != in
}

// CarryStates makes a program one step of a stream: the inputs of the pairs become states, which begin with zeros and hold at every step what their outputs held at
// the step before. These are no outputs any longer, unless there is no other. A program that is a step of a stream gets more states.
func CarryStates(p *runtime.Program, pairs []StatePair) (*runtime.Program, error) {
	q := *p
	q.Tensors, q.Instrs, q.SelfTests = slices.Clone(p.Tensors), slices.Clone(p.Instrs), nil
	stream := runtime.Stream{}
	if p.Stream != nil {
		stream = *p.Stream
	}
	stream.States = slices.Clone(stream.States)
	isState := map[int]bool{}
	for _, s := range stream.States {
		isState[s.To] = true
	}
	var carried []runtime.State
	for _, pair := range pairs {
		in := slices.IndexFunc(p.Inputs, func(in runtime.Input) bool { return in.Name == pair.Input })
		out := slices.IndexFunc(p.Outputs, func(o runtime.Output) bool { return o.Name == pair.Output })
		if in < 0 || out < 0 {
			return nil, &StatesError{fmt.Sprintf("the program has no input %q and output %q", pair.Input, pair.Output)}
		}
		to, from := p.Inputs[in].Tensor, p.Outputs[out].Tensor
		a, b := &p.Tensors[to], &p.Tensors[from]
		switch {
		case p.Inputs[in].Tables != nil:
			return nil, &StatesError{fmt.Sprintf("state %q takes pixels, want numbers", pair.Input)}
		case b.Levels == 0:
			return nil, &StatesError{fmt.Sprintf("output %q, which becomes state %q, has accumulators and no levels; tie them: give the pair to finetune or to convert --calib", pair.Output, pair.Input)}
		case a.Elems() != b.Elems():
			return nil, &StatesError{fmt.Sprintf("state %q has %d elements, and output %q %d", pair.Input, a.Elems(), pair.Output, b.Elems())}
		case a.Levels != b.Levels || a.Zero != b.Zero || a.Scale != b.Scale || slices.ContainsFunc(p.Inputs[in].Shifts, func(s int8) bool { return s != 0 }):
			return nil, &StatesError{fmt.Sprintf("state %q has %d levels of %.4g around level %d, and output %q, which becomes it, %d of %.4g around %d; tie them: give the pair to finetune or to convert --calib",
				pair.Input, a.Levels, a.Scale.Float(), a.Zero, pair.Output, b.Levels, b.Scale.Float(), b.Zero)}
		}
		isState[to] = true
		carried = append(carried, runtime.State{From: from, To: to, Initial: []uint8{uint8(a.Zero)}})
	}
	for i := range carried {
		s := &carried[i]
		if to := q.Tensors[s.To]; isState[s.From] || to.Shape != q.Tensors[s.From].Shape {
			// A state is handed on by an instruction, in its own shape.
			from := s.From
			q.Tensors = append(q.Tensors, to)
			s.From = len(q.Tensors) - 1
			q.Instrs = append(q.Instrs, &runtime.Copy{Out: s.From, Pieces: []runtime.Piece{newPiece(from, 0, 0, []dim{{to.Elems(), 1, 1}})}})
		}
	}
	stream.States = append(stream.States, carried...)
	q.Stream = &stream
	q.Inputs = slices.DeleteFunc(slices.Clone(p.Inputs), func(in runtime.Input) bool {
		return slices.ContainsFunc(pairs, func(s StatePair) bool { return s.Input == in.Name })
	})
	if len(q.Inputs) == 1 {
		q.Inputs[0].Name = ""
	}
	dropOutputs(&q, pairs)
	if err := q.Validate(); err != nil {
		return nil, fmt.Errorf("quant: states: %w", err)
	}
	return &q, addSelfTests(&q)
}

// dropOutputs removes the outputs that become states, unless there is no other.
func dropOutputs(p *runtime.Program, pairs []StatePair) {
	gone := func(o runtime.Output) bool {
		return slices.ContainsFunc(pairs, func(s StatePair) bool { return s.Output == o.Name })
	}
	if !slices.ContainsFunc(p.Outputs, func(o runtime.Output) bool { return !gone(o) }) {
		return
	}
	place := make([]int, len(p.Outputs))
	var kept []runtime.Output
	for i, o := range p.Outputs {
		place[i] = -1
		if !gone(o) {
			place[i] = len(kept)
			kept = append(kept, o)
		}
	}
	var normalizations []runtime.Normalization
	for _, n := range p.Normalizations {
		if n.Output = place[n.Output]; n.Output >= 0 {
			normalizations = append(normalizations, n)
		}
	}
	if place[0] != 0 {
		p.Labels = nil // those of the first output
	}
	p.Outputs, p.Normalizations = kept, normalizations
}

// withoutStates is a program over a window whose state inputs are the zeros that a stream begins with: in a stream they are kept inside.
func withoutStates(p *runtime.Program, pairs []StatePair) *runtime.Program {
	q := *p
	var begin []runtime.Instr
	q.Inputs = nil
	for _, in := range p.Inputs {
		if !slices.ContainsFunc(pairs, func(s StatePair) bool { return s.Input == in.Name }) {
			q.Inputs = append(q.Inputs, in)
			continue
		}
		begin = append(begin, &runtime.Copy{Out: in.Tensor, Fill: uint8(p.Tensors[in.Tensor].Zero)})
	}
	if len(q.Inputs) == 1 {
		q.Inputs[0].Name = ""
	}
	q.Instrs = slices.Concat(begin, p.Instrs)
	q.Loops = slices.Clone(p.Loops)
	for i := range q.Loops {
		q.Loops[i].First += len(begin)
	}
	dropOutputs(&q, pairs)
	return &q
}
