package onnx

import (
	"maps"
	"reflect"
	"slices"
)

// Clone returns a copy that shares nothing with g.
func (g *Graph) Clone() *Graph {
	c := *g
	c.Meta = maps.Clone(g.Meta)
	c.Warnings = slices.Clone(g.Warnings)
	values := map[*Value]*Value{nil: nil}
	copies := func(vs []*Value) []*Value {
		out := make([]*Value, len(vs))
		for i, v := range vs {
			if _, ok := values[v]; !ok {
				w := *v
				w.Shape = slices.Clone(v.Shape)
				w.Const = v.Const.clone()
				values[v] = &w
			}
			out[i] = values[v]
		}
		return out
	}
	c.Inputs = copies(g.Inputs)
	loops := loopClones{loops: map[*Loop]*Loop{}, states: map[*LoopState]*LoopState{}}
	c.Nodes = make([]*Node, len(g.Nodes))
	for i, n := range g.Nodes {
		c.Nodes[i] = &Node{Name: n.Name, Op: loops.rebind(cloneOp(n.Op), n.Op), Inputs: copies(n.Inputs), Outputs: copies(n.Outputs)}
	}
	c.Outputs = copies(g.Outputs)
	return &c
}

func (t *Tensor) clone() *Tensor {
	if t == nil {
		return nil
	}
	return &Tensor{Type: t.Type, Shape: slices.Clone(t.Shape), Floats: slices.Clone(t.Floats), Ints: slices.Clone(t.Ints)}
}

// cloneOp copies an operator struct, and the lists and tensors in it.
func cloneOp(op Op) Op {
	from := reflect.ValueOf(op).Elem()
	to := reflect.New(from.Type())
	to.Elem().Set(from)
	for i := range from.NumField() {
		field := to.Elem().Field(i)
		switch v := from.Field(i).Interface().(type) {
		case []int:
			field.Set(reflect.ValueOf(slices.Clone(v)))
		case []float64:
			field.Set(reflect.ValueOf(slices.Clone(v)))
		case *Tensor:
			field.Set(reflect.ValueOf(v.clone()))
		}
	}
	return to.Interface().(Op)
}

// loopClones are the loops of a copy, and their states, by those they are copies of.
type loopClones struct {
	loops  map[*Loop]*Loop
	states map[*LoopState]*LoopState
}

// rebind makes the copy of an operator belong to the copy of its loop.
func (c loopClones) rebind(op, of Op) Op {
	loop := func(l *Loop) *Loop {
		if c.loops[l] == nil {
			own := *l
			c.loops[l] = &own
		}
		return c.loops[l]
	}
	switch op := op.(type) {
	case *LoopTake:
		op.Loop = loop(op.Loop)
	case *LoopPut:
		op.Loop = loop(op.Loop)
	case *LoopState:
		op.Loop = loop(op.Loop)
		c.states[of.(*LoopState)] = op
	case *LoopNext:
		op.Loop, op.State = loop(op.Loop), c.states[op.State]
	}
	return op
}
