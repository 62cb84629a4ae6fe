package quant

import (
	"fmt"
	"slices"
	"strings"

	"qconv/onnx"
	"qconv/runtime"
)

// Compile lowers a model whose sites have levels and whose weights have codebooks to
// the integer program. It adds self-tests, whose expected outputs come from [Simulate], and
// validates the result, which proves that no accumulator overflows.
func Compile(m *Model) (*runtime.Program, error) {
	p, _, err := CompileNamed(m)
	return p, err
}

// CompileNamed is [Compile], and names the node that each instruction was made for, where it has a name.
func CompileNamed(m *Model) (*runtime.Program, []string, error) {
	a := analyze(m.Graph)
	if err := a.check(); err != nil {
		return nil, nil, err
	}
	c := &compiler{
		model:    m,
		analysis: a,
		prog:     &runtime.Program{Labels: m.Labels, Features: m.Input.Features, Source: m.Source, Producer: short(m.Producer)},
		states:   map[*onnx.Value]state{},
		sums:     map[*sum]int{},
		books:    map[string]int{},
		named:    map[runtime.Instr]string{},
	}
	for _, v := range m.Graph.Inputs {
		if err := c.input(v); err != nil {
			return nil, nil, err
		}
	}
	if err := c.nodes(); err != nil {
		return nil, nil, err
	}
	for _, v := range m.Graph.Outputs {
		if err := c.output(v); err != nil {
			return nil, nil, fmt.Errorf("quant: output %q: %w", v.Name, err)
		}
	}
	fuseMaps(c.prog)
	fuseBeginnings(c.prog)
	if err := c.prog.Validate(); err != nil {
		return nil, nil, err
	}
	if err := addSelfTests(c.prog); err != nil {
		return nil, nil, err
	}
	names := make([]string, len(c.prog.Instrs))
	for i, instr := range c.prog.Instrs {
		names[i] = c.named[instr]
	}
	return c.prog, names, nil
}

// compiler holds what lowering has made so far.
type compiler struct {
	model    *Model
	analysis *analysis
	prog     *runtime.Program
	states   map[*onnx.Value]state
	books    map[string]int // codebooks of the program by content
	sums     map[*sum]int   // tensors of the accumulators that were delivered
	nothing  int            // tensor of one element that is zero; 0 for none yet
	named    map[runtime.Instr]string
}

// state is what has become of a value: a tensor of levels, or an accumulator that is
// still growing; and functions still to be applied to either.
type state struct {
	shape onnx.Shape // as ONNX sees it

	tensor int    // position in Program.Tensors; elements in row-major order of shape
	levels Levels // of tensor

	sum   *sum // not nil while open; tensor and levels are then unused
	funcs []*function
}

// pending says whether the value still has to be brought to levels.
func (st state) pending() bool { return st.sum != nil || len(st.funcs) > 0 }

// input makes a tensor the program starts from.
func (c *compiler) input(v *onnx.Value) error {
	first := c.analysis.entered(v)
	levels, ok := c.model.Levels[c.analysis.gridOf(first).Name]
	if !ok {
		return fmt.Errorf("quant: input %q has no levels; calibrate the model first", v.Name)
	}
	id := c.tensor(v.Shape, levels)
	in := runtime.Input{Tensor: id}
	if len(c.model.Graph.Inputs) > 1 {
		in.Name = short(v.Name)
	}
	if first != v {
		in.Shifts = c.analysis.inputShifts(v)
	}
	if c.model.Input.Given && c.model.Input.TakesPixels(c.model.Graph, v) {
		var funcs []*function
		if q := c.rounding(first, levels); q != nil {
			funcs = append(funcs, quantizer(q))
		}
		in.Tables = inputTables(c.model.Input, levels, c.prog.Tensors[id].Shape[0], in.Shifts, funcs)
	}
	c.prog.Inputs = append(c.prog.Inputs, in)
	c.states[first] = state{shape: v.Shape, tensor: id, levels: levels}
	return nil
}

// tensor adds a tensor of levels for an ONNX shape.
func (c *compiler) tensor(shape onnx.Shape, levels Levels) int {
	c.prog.Tensors = append(c.prog.Tensors, runtime.Tensor{
		Shape:  imageShape(shape),
		Levels: levels.Size(),
		Zero:   levels.Zero,
		Scale:  runtime.ScaleOf(levels.Step),
	})
	return len(c.prog.Tensors) - 1
}

// nodes lowers all nodes: those of a loop, which stand together, at a time.
func (c *compiler) nodes() error {
	g := c.model.Graph
	if err := g.CheckLoops(); err != nil {
		return err
	}
	bodies, err := g.Bodies()
	if err != nil {
		return err
	}
	for i := 0; i < len(g.Nodes); {
		loop, first := bodies[g.Nodes[i]], i
		for i++; loop != nil && i < len(g.Nodes) && bodies[g.Nodes[i]] == loop; {
			i++
		}
		if loop == nil {
			err = c.lower(g.Nodes[first])
		} else {
			err = c.loop(loop, g.Nodes[first:i])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// lower is node with errors that name it.
func (c *compiler) lower(n *onnx.Node) error {
	before := len(c.prog.Instrs)
	if err := c.node(n); err != nil {
		return fmt.Errorf("quant: %s %q: %w", n.Op.Type(), n.Name, err)
	}
	for _, instr := range c.prog.Instrs[before:] {
		if c.named[instr] == "" {
			c.named[instr] = n.Name
		}
	}
	return nil
}

// node lowers one node into the state of its output.
func (c *compiler) node(n *onnx.Node) error {
	out := n.Outputs[0]
	p := c.analysis.plans[n]
	var st state
	var err error
	switch p.class {
	case classLinear:
		st, err = c.linear(n)
	case classScalar:
		if st, err = c.operand(p.f.from, nil); err != nil {
			return err
		}
		st.funcs = append(slices.Clone(st.funcs), p.f)
		st.shape = out.Shape
	case classInner, classEntry:
		return nil
	case classPair:
		st, err = c.pair(n)
	case classView, classFinal:
		if st, err = c.operand(n.Inputs[0], nil); err != nil {
			return err
		}
		st.shape = out.Shape
	case classMove:
		return c.move(n)
	case classMatMul:
		st, err = c.matMul(n)
	case classArgMax:
		st, err = c.argMax(n)
	case classLoop:
		st, err = c.loopEnd(n)
	case classPool:
		st, err = c.pool(n)
	case classMerge:
		switch op := n.Op.(type) {
		case *onnx.AveragePool:
			st, err = c.averageBorders(n)
		case *onnx.Concat:
			st, err = c.concat(n)
		case *onnx.Reduce:
			st, err = c.reduceLines(n, op)
		case *onnx.Resize:
			if onnx.MovesOf(n, 1) != nil { // nearest elements, and a value beyond the border
				st, err = c.filled(n)
			} else {
				st, err = c.resample(n, op)
			}
		default:
			st, err = c.filled(n)
		}
	}
	if err != nil {
		return err
	}
	if st.pending() && p.site {
		st, err = c.close(out, st)
	}
	c.states[out] = st
	return err
}

// levelsOf looks up the levels chosen for a site.
func (c *compiler) levelsOf(v *onnx.Value) (Levels, error) {
	levels, ok := c.model.Levels[v.Name]
	if !ok {
		return Levels{}, fmt.Errorf("value %q has no levels; calibrate the model first", v.Name)
	}
	return levels, nil
}

// output delivers a value: its levels, or its accumulators.
func (c *compiler) output(v *onnx.Value) error {
	if v.Const != nil {
		return c.outputConstant(v)
	}
	c.announce(v)
	st := c.states[v]
	if st.sum != nil {
		var err error
		if st, err = c.deliver(st); err != nil {
			return err
		}
		c.states[v] = st
	}
	c.prog.Outputs = append(c.prog.Outputs, runtime.Output{Name: short(v.Name), Tensor: st.tensor})
	return nil
}

// short is a text as a program may hold it: valid, and not too long.
func short(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), runtime.MaxString)], "?")
}

// A program carries self-tests of at most selfTests elements of expected output, and of at most
// selfTestMACs multiply-accumulates, beyond the first test.
const (
	selfTests    = 64
	selfTestMACs = 1 << 29
)

// addSelfTests records the exact outputs for a few generated inputs.
func addSelfTests(p *runtime.Program) error {
	size, work := 0, max(p.MACs(), 1)
	for seed := uint32(1); seed == 1 || size*int(seed) <= selfTests && work <= selfTestMACs/int(seed); seed++ {
		inputs, states := p.GenerateStep(seed)
		s := NewSimulation(p)
		if err := s.SetStates(states...); err != nil {
			return err
		}
		outs, err := s.Step(inputs...)
		if err != nil {
			return err
		}
		t := runtime.SelfTest{Seed: seed}
		for _, out := range outs {
			t.Want = append(t.Want, out...)
		}
		size = max(len(t.Want), 1)
		p.SelfTests = append(p.SelfTests, t)
	}
	return nil
}
