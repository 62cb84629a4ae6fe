package quant

import (
	"slices"

	"qconv/onnx"
)

// A network that comes quantized brings levels with it: the codes its QuantizeLinear and kin round to. They are those of what is rounded, and
// of everything that keeps the codes: movements, pooling, concatenations of equal codes.
//
// What comes to a rounding by movements, pooling, concatenations and cutting off alone, and needs levels before, is rounded where it needs them: all of
// these hand on elements, or the larger of them, so it makes no difference.

// levelsOfCodes are codes as levels; false where they are more than 256, as many as a program's element holds.
func levelsOfCodes(q *onnx.Quantize) (Levels, bool) {
	return Levels{Count: q.Hi - q.Lo + 1, Step: q.Scale, Zero: q.Zero - q.Lo, Stride: 1}, q.Hi-q.Lo >= 1 && q.Hi-q.Lo < 256
}

// carried are the levels that the network itself gives a value; false for none.
func (a *analysis) carried(v *onnx.Value) (Levels, bool) {
	l, ok := a.codes[v]
	if !ok {
		a.codes[v] = Levels{} // while they are looked for: a state may lead to itself
		l, ok = a.findCarried(v)
		if !ok {
			l = Levels{}
		}
		a.codes[v] = l
	}
	return l, l.Count > 0
}

func (a *analysis) findCarried(v *onnx.Value) (Levels, bool) {
	if n := a.producers[v]; n != nil {
		if q, ok := n.Op.(*onnx.Quantize); ok {
			return levelsOfCodes(q)
		}
		if _, ok := n.Op.(*onnx.LoopState); ok {
			if site := a.gridOf(v); site != v {
				return a.carried(site)
			}
			return Levels{}, false
		}
		if keepsCodes(n) {
			return a.shared(n)
		}
		if _, ok := n.Op.(*onnx.Relu); ok && a.merged[n] == nil {
			return a.carried(n.Inputs[0]) // zero is a level
		}
	}
	if q := a.rounding(v); q != nil {
		return levelsOfCodes(q)
	}
	return Levels{}, false
}

// shared are the levels that all operands of a node carry.
func (a *analysis) shared(n *onnx.Node) (Levels, bool) {
	var all Levels
	for i, v := range n.Inputs {
		if _, isConcat := n.Op.(*onnx.Concat); i > 0 && !isConcat {
			break
		}
		l, ok := a.carried(v)
		if v.Const != nil || !ok || i > 0 && l != all {
			if q := a.rounding(n.Outputs[0]); q != nil {
				return levelsOfCodes(q)
			}
			return Levels{}, false
		}
		all = l
	}
	return all, true
}

// keepsCodes says whether every element of a node's results is one of its operands' or zero.
func keepsCodes(n *onnx.Node) bool {
	switch op := n.Op.(type) {
	case *onnx.MaxPool, *onnx.GlobalMaxPool, *onnx.Concat, *onnx.LoopTake, *onnx.LoopPut, onnx.View:
		return true
	case *onnx.Reduce:
		return op.Kind == onnx.ReduceMax
	}
	moves := onnx.MovesOf(n, 1)
	return moves != nil && !slices.ContainsFunc(moves, func(m onnx.Move) bool { return m.FillValue != 0 })
}

// commutes says whether a node may stand behind a rounding as well as before it: one that keeps elements, or cuts them off, at a number that may
// lie between two codes.
func commutes(n *onnx.Node) bool {
	switch n.Op.(type) {
	case *onnx.Relu, *onnx.Clip:
		return true
	}
	return keepsCodes(n)
}

// rounding is the rounding to codes, at most 256 of them, that all readers of a value are or come to by what commutes with it; nil where there is none.
func (a *analysis) rounding(v *onnx.Value) *onnx.Quantize {
	q, ok := a.roundings[v]
	if !ok {
		q = a.findRounding(v)
		a.roundings[v] = q
	}
	return q
}

func (a *analysis) findRounding(v *onnx.Value) *onnx.Quantize {
	if a.outputs[v] || len(a.consumers[v]) == 0 {
		return nil
	}
	var all *onnx.Quantize
	for _, n := range a.consumers[v] {
		q, ok := n.Op.(*onnx.Quantize)
		if !ok {
			if !commutes(n) || len(n.Outputs) != 1 {
				return nil
			}
			q = a.rounding(n.Outputs[0])
		}
		if q == nil || all != nil && *q != *all {
			return nil
		}
		all = q
	}
	if _, ok := levelsOfCodes(all); !ok {
		return nil
	}
	return all
}

// quantizer is a rounding to codes as a function.
func quantizer(q *onnx.Quantize) *function {
	return &function{steps: []step{{apply: onnx.ElementFunc(q), operands: []int{0}, rounds: true}}}
}

// Carried says whether the levels of all sites, and all weights since they were clustered, are those of the network that was
// imported: its program is then exact.
func (m *Model) Carried() bool {
	if len(m.changed) > 0 || !m.clustered && len(m.WeightValues()) > 0 {
		return false
	}
	a := analyze(m.Graph)
	return !slices.ContainsFunc(m.Sites, func(s Site) bool {
		l, ok := a.carried(s.Value)
		return !ok || m.Levels[s.Value.Name] != l
	})
}

// Changed are the weights, by name, that clustering changed in a network which rounds to codes itself; nil for other networks.
func (m *Model) Changed() []string {
	if !slices.ContainsFunc(m.Graph.Nodes, func(n *onnx.Node) bool { _, ok := n.Op.(*onnx.Quantize); return ok }) {
		return nil
	}
	return m.changed
}

// Wide are the values, by name, that a network which comes quantized rounds to more codes than a program's element has levels.
func (m *Model) Wide() []string {
	var names []string
	for _, n := range m.Graph.Nodes {
		if q, ok := n.Op.(*onnx.Quantize); ok && q.Hi-q.Lo >= 256 {
			names = append(names, n.Outputs[0].Name)
		}
	}
	return names
}

// ByChannel are the values, by name, that a network which comes quantized rounds to codes with a scale for each channel, where the program has
// other levels: a tensor has one step.
func (m *Model) ByChannel() []string {
	a := analyze(m.Graph)
	var names []string
	for _, s := range m.Sites {
		n := a.producers[s.Value]
		if n == nil {
			continue
		}
		if _, ok := n.Op.(*onnx.Mul); !ok {
			continue
		}
		if _, ok := a.carried(s.Value); ok {
			continue
		}
		for i, v := range n.Inputs {
			scale := n.Inputs[len(n.Inputs)-1-i].Const
			if p := a.producers[v]; p != nil && scale != nil && len(scale.Floats) > 1 {
				if q, ok := p.Op.(*onnx.Quantize); ok && q.Scale == 1 {
					names = append(names, s.Value.Name)
				}
			}
		}
	}
	return names
}
