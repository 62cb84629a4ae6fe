package quant

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"qconv/onnx"
	"qconv/runtime"
)

// recurrent adds the parts of loops to graphs for tests.
type recurrent struct {
	*build
	count int
}

// name makes names of nodes that have none.
func (r *recurrent) add(op onnx.Op, in ...*onnx.Value) *onnx.Value {
	r.count++
	return r.node(fmt.Sprintf("%s%d", op.Type(), r.count), op, in...)
}

func (r *recurrent) split(v *onnx.Value, parts int) []*onnx.Value {
	size := v.Shape[1] / parts
	r.add(&onnx.Split{Axis: 1, Sizes: slices.Repeat([]int{size}, parts)}, v)
	n := r.graph.Nodes[len(r.graph.Nodes)-1]
	for i := 1; i < parts; i++ {
		n.Outputs = append(n.Outputs, &onnx.Value{Name: fmt.Sprint(n.Name, ".", i), Shape: n.Outputs[0].Shape})
	}
	return n.Outputs
}

func (r *recurrent) dense(x *onnx.Value, units int, biased bool) *onnx.Value {
	r.count++
	in := []*onnx.Value{x, r.weights(fmt.Sprint("w", r.count), units, x.Shape[1])}
	if biased {
		in = append(in, r.weights(fmt.Sprint("b", r.count), units))
	}
	return r.add(&onnx.Gemm{TransB: true, Alpha: 1, Beta: 1}, in...)
}

// constants is a constant of one sample, [1][len(values)].
func (r *recurrent) constants(values ...float32) *onnx.Value {
	r.count++
	return &onnx.Value{Name: fmt.Sprint("c", r.count), Shape: onnx.Shape{1, len(values)}, Const: &onnx.Tensor{Shape: onnx.Shape{1, len(values)}, Floats: values}}
}

func (r *recurrent) input(name string, shape ...int) *onnx.Value {
	v := &onnx.Value{Name: name, Shape: append(onnx.Shape{onnx.Batch}, shape...)}
	r.graph.Inputs = append(r.graph.Inputs, v)
	return v
}

// carried is a state of a loop that begins with a value.
type carriedState struct {
	r    *recurrent
	op   *onnx.LoopState
	loop *onnx.Loop
	now  *onnx.Value
}

func (r *recurrent) state(loop *onnx.Loop, begin *onnx.Value) carriedState {
	op := &onnx.LoopState{Loop: loop, Batched: begin.Shape[0] == 1}
	return carriedState{r, op, loop, r.add(op, begin)}
}

// next hands v on and returns what it is after the last iteration.
func (s carriedState) next(v *onnx.Value) *onnx.Value {
	return s.r.add(&onnx.LoopNext{Loop: s.loop, State: s.op}, v)
}

// lstm returns the next h and c.
func (r *recurrent) lstm(x, h, c *onnx.Value) (*onnx.Value, *onnx.Value) {
	units := h.Shape[1]
	sum := r.add(&onnx.Add{}, r.dense(x, 3*units, true), r.dense(h, 3*units, false))
	gates := r.split(r.add(&onnx.Sigmoid{}, sum), 3)
	g := r.add(&onnx.Tanh{}, r.add(&onnx.Add{}, r.dense(x, units, true), r.dense(h, units, false)))
	c = r.add(&onnx.Add{}, r.add(&onnx.Mul{}, gates[1], c), r.add(&onnx.Mul{}, gates[0], g))
	return r.add(&onnx.Mul{}, gates[2], r.add(&onnx.Tanh{}, c)), c
}

// gru returns the next h.
func (r *recurrent) gru(x, h *onnx.Value) *onnx.Value {
	units := h.Shape[1]
	gates := r.split(r.add(&onnx.Sigmoid{}, r.add(&onnx.Add{}, r.dense(x, 2*units, true), r.dense(h, 2*units, false))), 2)
	n := r.add(&onnx.Tanh{}, r.add(&onnx.Add{}, r.dense(x, units, true), r.add(&onnx.Mul{}, gates[1], r.dense(h, units, true))))
	one := r.constants(1)
	rest := r.add(&onnx.Mul{}, r.add(&onnx.Sub{}, one, gates[0]), n)
	return r.add(&onnx.Add{}, rest, r.add(&onnx.Mul{}, gates[0], h))
}

func (r *recurrent) rnn(x, h *onnx.Value) *onnx.Value {
	return r.add(&onnx.Tanh{}, r.add(&onnx.Add{}, r.dense(x, h.Shape[1], true), r.dense(h, h.Shape[1], false)))
}

// loops has a small network for every way a loop becomes integers. Inputs "x" are [N][7][3].
var loops = []struct {
	name  string
	build func(r *recurrent, x *onnx.Value) []*onnx.Value
}{
	{"rnn that begins with zeros", func(r *recurrent, x *onnx.Value) []*onnx.Value {
		loop := &onnx.Loop{Name: "l", Steps: 7}
		h := r.state(loop, r.constants(0, 0, 0, 0))
		next := r.rnn(r.add(&onnx.LoopTake{Loop: loop, Axis: 1}, x), h.now)
		return []*onnx.Value{h.next(next), r.add(&onnx.LoopPut{Loop: loop, Axis: 1}, next)}
	}},
	{"gru in reverse, its state an input", func(r *recurrent, x *onnx.Value) []*onnx.Value {
		loop := &onnx.Loop{Name: "l", Steps: 7}
		h := r.state(loop, r.add(&onnx.Squeeze{Axes: []int{1}}, r.input("h", 1, 5)))
		next := r.gru(r.add(&onnx.LoopTake{Loop: loop, Axis: 1, Reverse: true}, x), h.now)
		return []*onnx.Value{r.add(&onnx.LoopPut{Loop: loop, Axis: 1, Reverse: true}, next), h.next(next)}
	}},
	{"lstm, its states inputs that others read too", func(r *recurrent, x *onnx.Value) []*onnx.Value {
		loop := &onnx.Loop{Name: "l", Steps: 7}
		h0, c0 := r.input("h", 4), r.input("c", 4)
		h, c := r.state(loop, h0), r.state(loop, c0)
		nextH, nextC := r.lstm(r.add(&onnx.LoopTake{Loop: loop, Axis: 1}, x), h.now, c.now)
		y := r.add(&onnx.LoopPut{Loop: loop, Axis: 1}, nextH)
		return []*onnx.Value{y, h.next(nextH), c.next(nextC), r.add(&onnx.Tanh{}, r.dense(h0, 2, true)), r.add(&onnx.Relu{}, c0)}
	}},
	{"encoder and decoder", func(r *recurrent, x *onnx.Value) []*onnx.Value {
		loop, second := &onnx.Loop{Name: "encoder", Steps: 7}, &onnx.Loop{Name: "decoder", Steps: 3}
		h := r.state(loop, r.constants(0.5, 0, -0.25, 0))
		code := h.next(r.gru(r.add(&onnx.LoopTake{Loop: loop, Axis: 1}, x), h.now))
		// The second loop begins with what is computed of the first, and reads its result in every step.
		d := r.state(second, r.add(&onnx.Relu{}, r.dense(code, 4, true)))
		e := r.state(second, code)
		next := r.add(&onnx.Tanh{}, r.add(&onnx.Add{}, r.add(&onnx.Tanh{}, r.dense(code, 4, true)), r.dense(d.now, 4, false)))
		d.next(next)
		e.next(r.add(&onnx.Mul{}, e.now, r.add(&onnx.Sigmoid{}, next)))
		y := r.add(&onnx.LoopPut{Loop: second, Axis: 1}, r.dense(e.now, 2, true))
		return []*onnx.Value{y, r.add(&onnx.Tanh{}, y)}
	}},
	{"both directions", func(r *recurrent, x *onnx.Value) []*onnx.Value {
		var parts []*onnx.Value
		for _, reverse := range []bool{false, true} {
			loop := &onnx.Loop{Name: fmt.Sprint("l", reverse), Steps: 7}
			h := r.state(loop, r.constants(0, 0, 0))
			next := r.rnn(r.add(&onnx.LoopTake{Loop: loop, Axis: 1, Reverse: reverse}, x), h.now)
			h.next(next)
			parts = append(parts, r.add(&onnx.LoopPut{Loop: loop, Axis: 1, Reverse: reverse}, next))
		}
		return []*onnx.Value{r.add(&onnx.Relu{}, r.add(&onnx.Concat{Axis: 2}, parts...))}
	}},
	{"a delay, and states that hand on each other", func(r *recurrent, x *onnx.Value) []*onnx.Value {
		loop := &onnx.Loop{Name: "l", Steps: 7}
		a, b := r.state(loop, r.constants(0, 0, 0)), r.state(loop, r.constants(0.5, 1, 0.75))
		p, q := r.state(loop, r.constants(0.25, -0.5, 1)), r.state(loop, r.constants(0.5, 0, -0.25))
		now := r.add(&onnx.LoopTake{Loop: loop, Axis: 1}, x)
		y := r.add(&onnx.Sum{}, now, a.now, b.now, p.now)
		a.next(now)
		out := b.next(a.now)
		p.next(q.now)
		q.next(p.now)
		return []*onnx.Value{r.add(&onnx.LoopPut{Loop: loop, Axis: 2}, r.add(&onnx.Tanh{}, y)), r.add(&onnx.Relu{}, out)}
	}},
	{"a state that stays what it is, and one that is the same always", func(r *recurrent, x *onnx.Value) []*onnx.Value {
		loop := &onnx.Loop{Name: "l", Steps: 7}
		a, b, c := r.state(loop, r.constants(0.5, -1, 0)), r.state(loop, r.constants(0, 0, 0)), r.state(loop, r.constants(0, 1, 0))
		c.op.Batched, c.now.Shape = false, onnx.Shape{1, 3}
		fixed := r.add(&onnx.Tanh{}, r.input("h", 3))
		now := r.add(&onnx.LoopTake{Loop: loop, Axis: 1}, x)
		y := r.add(&onnx.Mul{}, r.add(&onnx.Sum{}, now, a.now, b.now), c.now)
		a.next(a.now)
		b.next(fixed)
		c.next(r.constants(0.5, 0.25, 1))
		return []*onnx.Value{r.add(&onnx.LoopPut{Loop: loop, Axis: 1}, r.add(&onnx.Tanh{}, y))}
	}},
	{"a convolution with a memory", func(r *recurrent, x *onnx.Value) []*onnx.Value {
		// [N][2][3][7]: the last axis are the steps.
		x = r.add(&onnx.Reshape{Dims: []int{0, 1, 3, 7}}, r.add(&onnx.Transpose{Perm: []int{0, 2, 1}}, x))
		loop := &onnx.Loop{Name: "l", Steps: 7}
		zero := &onnx.Value{Name: "zero", Shape: onnx.Shape{1, 2, 3}, Const: &onnx.Tensor{Shape: onnx.Shape{1, 2, 3}, Floats: make([]float32, 6)}}
		h := r.state(loop, zero)
		conv := &onnx.Conv{Kernel: []int{3}, Strides: []int{1}, Dilations: []int{1}, Pads: []int{1, 1}, Groups: 1}
		now := r.add(&onnx.LoopTake{Loop: loop, Axis: 3}, x)
		sum := r.add(&onnx.Add{}, r.add(conv, now, r.weights("wx", 2, 1, 3)), r.add(conv, h.now, r.weights("wh", 2, 2, 3), r.weights("bh", 2)))
		next := r.add(&onnx.Tanh{}, sum)
		h.next(next)
		return []*onnx.Value{r.add(&onnx.LoopPut{Loop: loop, Axis: 3}, next)}
	}},
	{"loops in one another's way", func(r *recurrent, x *onnx.Value) []*onnx.Value {
		// Their nodes take turns in the graph.
		a, b := &onnx.Loop{Name: "a", Steps: 7}, &onnx.Loop{Name: "b", Steps: 7}
		g, h := r.state(a, r.constants(0, 0)), r.state(b, r.constants(0, 0))
		xa := r.add(&onnx.LoopTake{Loop: a, Axis: 1}, x)
		first := r.rnn(xa, g.now)
		y := r.add(&onnx.LoopPut{Loop: a, Axis: 1}, first)
		xb := r.add(&onnx.LoopTake{Loop: b, Axis: 1}, y)
		last := g.next(first)
		second := r.rnn(xb, h.now)
		return []*onnx.Value{r.add(&onnx.Add{}, h.next(second), last)}
	}},
}

// loopLevels gives every site levels by its role: those of a number of steps of a power of two.
func loopLevels(m *Model) map[string]Levels {
	levels := map[string]Levels{}
	for _, s := range m.Sites {
		switch s.Role {
		case RoleInput:
			levels[s.Value.Name] = Levels{Count: 40, Step: 1. / 16, Zero: 17, Stride: 1}
		case RoleState:
			levels[s.Value.Name] = Levels{Count: 256, Step: 1. / 64, Zero: 128, Stride: 1}
		default:
			levels[s.Value.Name] = Levels{Count: 32, Step: 1. / 8, Zero: 15, Stride: 1}
		}
	}
	return levels
}

func buildLoop(t *testing.T, of func(r *recurrent, x *onnx.Value) []*onnx.Value) (*Model, *runtime.Program) {
	t.Helper()
	b, x := newBuild(t, onnx.Shape{onnx.Batch, 7, 3})
	r := &recurrent{build: b}
	b.graph.Outputs = of(r, x)
	if err := b.graph.OrderLoops(); err != nil {
		t.Fatal(err)
	}
	m, err := NewModel(b.graph)
	if err != nil {
		t.Fatal(err)
	}
	m.Levels = loopLevels(m)
	return m, compiledLoop(t, m)
}

func compiledLoop(t *testing.T, m *Model) *runtime.Program {
	t.Helper()
	if err := Cluster(m, ClusterConfig{Weights: 16, Scope: ScopeLayer, Codebook: KindFree, Method: MethodKMeans}); err != nil {
		t.Fatal(err)
	}
	p, err := Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestLoopsUnrolled compares the program of every network of loops with that of the network without them, integer by integer.
func TestLoopsUnrolled(t *testing.T) {
	for _, c := range loops {
		t.Run(c.name, func(t *testing.T) {
			m, p := buildLoop(t, c.build)
			checkWeights(t, m, p)
			checkBodies(t, p)
			plain, missing := withoutLoops(t, m)
			if missing != "" {
				t.Fatalf("without loops %q has levels, with them it has none", missing)
			}
			seen := compareLoops(t, p, compiledLoop(t, plain), 20)
			if len(seen) < 8 {
				t.Errorf("only %d different results: they show little", len(seen))
			}
		})
	}
}

// withoutLoops is a model of the unrolled graph whose values carry the levels of those that they are copies of; or the name of a value that carries none with loops.
func withoutLoops(t *testing.T, m *Model) (plain *Model, missing string) {
	t.Helper()
	plain, err := NewModel(unroll(m.Graph))
	if err != nil {
		t.Fatal(err)
	}
	a := analyze(m.Graph)
	byName := map[string]Levels{}
	for _, v := range a.values() {
		if site := a.gridOf(v); site != nil {
			byName[v.Name] = m.Levels[site.Name]
		}
	}
	plain.Levels = map[string]Levels{}
	for _, s := range plain.Sites {
		name, _, _ := strings.Cut(s.Value.Name, "@")
		l, ok := byName[name]
		if !ok {
			return nil, s.Value.Name
		}
		plain.Levels[s.Value.Name] = l
	}
	return plain, ""
}

// compareLoops runs two programs on random levels and wants the same integers. It returns which there are.
func compareLoops(t *testing.T, p, want *runtime.Program, samples int) map[int]bool {
	t.Helper()
	if len(want.Loops) > 0 {
		t.Fatalf("%d loops", len(want.Loops))
	}
	file, err := runtime.Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	read, err := runtime.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	run, err := runtime.NewRunner(read, runtime.Options{})
	if err != nil {
		t.Fatal(err)
	}
	seen, rng := map[int]bool{}, rand.New(rand.NewPCG(5, 6))
	for range samples {
		var inputs [][]byte
		for i, in := range p.Inputs {
			tensor := p.Tensors[in.Tensor]
			if tensor.Levels != want.Tensors[want.Inputs[i].Tensor].Levels {
				t.Fatalf("input %d has %d levels", i, tensor.Levels)
			}
			raw := make([]byte, tensor.Elems())
			for k := range raw {
				raw[k] = byte(rng.IntN(tensor.Levels))
			}
			inputs = append(inputs, raw)
		}
		got, err := Simulate(p, inputs...)
		if err != nil {
			t.Fatal(err)
		}
		expected, err := Simulate(want, inputs...)
		if err != nil {
			t.Fatal(err)
		}
		ran, err := run.RunLevels(inputs...)
		if err != nil {
			t.Fatal(err)
		}
		for i := range expected {
			if !slices.Equal(ran[i], got[i]) {
				t.Fatalf("output %d of the runtime is\n%v, want\n%v", i, ran[i], got[i])
			}
			if !slices.Equal(got[i], expected[i]) {
				t.Fatalf("output %d is\n%v, without loops\n%v", i, got[i], expected[i])
			}
			for _, v := range got[i] {
				seen[int(v)] = true
			}
		}
	}
	return seen
}

// checkWeights wants that weights stand once.
func checkWeights(t *testing.T, m *Model, p *runtime.Program) {
	t.Helper()
	weighted := map[*onnx.Value]bool{}
	for _, l := range m.Layers() {
		weighted[l.Weights] = true
	}
	terms := 0
	for _, instr := range p.Instrs {
		if l, ok := instr.(*runtime.Linear); ok {
			for _, term := range l.Terms {
				if term.Groups == 1 && term.Weights.Len() > 4 {
					terms++
				}
			}
		}
	}
	if terms > len(weighted) {
		t.Errorf("%d linear maps of %d tensors of weights", terms, len(weighted))
	}
}

// checkBodies wants that iterations repeat nothing that stays the same, and that states are carried as a program asks for.
func checkBodies(t *testing.T, p *runtime.Program) {
	t.Helper()
	writes := map[int]int{}
	for _, instr := range p.Instrs {
		writes[instr.Dst()]++
	}
	for _, in := range p.Inputs {
		writes[in.Tensor]++
	}
	loops := loopOf(p)
	for i, l := range p.Loops {
		body := p.Instrs[l.First : l.First+l.Length]
		if before, _ := hoist(body, l.Carries); len(before) > len(l.Carries) {
			t.Errorf("loop %d repeats %d instructions that no step and no state has a part in", i, len(before))
		}
		if slices.Contains(handedOn(body, l.Carries), false) {
			t.Errorf("loop %d hands on what it does not write: %v", i, l.Carries)
		}
		for _, c := range l.Carries {
			if p.Tensors[c.From] != p.Tensors[c.To] {
				t.Errorf("loop %d carries %+v to %+v", i, p.Tensors[c.From], p.Tensors[c.To])
			}
			if writes[c.To] != 1 {
				t.Errorf("loop %d: a state is written %d times, want once before it", i, writes[c.To])
			}
			for k, instr := range p.Instrs {
				if instr.Dst() == c.To && (k >= l.First || loops[k] == i+1) {
					t.Errorf("loop %d: instruction %d writes a state", i, k)
				}
			}
		}
	}
}

// TestLoopLevels looks at what carries levels in an LSTM, and by which role.
func TestLoopLevels(t *testing.T) {
	var c0, h0 *onnx.Value
	m, p := buildLoop(t, func(r *recurrent, x *onnx.Value) []*onnx.Value {
		loop := &onnx.Loop{Name: "l", Steps: 7}
		h0, c0 = r.input("h", 4), r.input("c", 4)
		h, c := r.state(loop, h0), r.state(loop, c0)
		nextH, nextC := r.lstm(r.add(&onnx.LoopTake{Loop: loop, Axis: 1}, x), h.now, c.now)
		last := c.next(nextC)
		h.next(nextH)
		return []*onnx.Value{last, r.add(&onnx.Relu{}, h0)}
	})
	want := map[string]Role{
		"input": RoleInput, "h": RoleInput, "Sigmoid9": RoleHidden, "Tanh16": RoleHidden,
		"Mul17": RoleState, "Mul18": RoleState, "Add19": RoleState, "Tanh20": RoleHidden, "Mul21": RoleState, "Relu24": RoleOutput,
	}
	if len(m.Sites) != len(want) {
		t.Errorf("sites are %v, want %v", sites(m), want)
	}
	for _, s := range m.Sites {
		if role, ok := want[s.Value.Name]; !ok || role != s.Role {
			t.Errorf("%s has role %d, want %d", s.Value.Name, s.Role, role)
		}
	}
	shared := SharedLevels(m.Graph)
	names := map[string]string{}
	for v, site := range shared {
		names[v.Name] = site.Name
	}
	// The input c is read by the state alone, h by a Relu as well.
	for name, site := range map[string]string{"c": "Add19", "LoopState2": "Add19", "LoopState1": "Mul21"} {
		if names[name] != site {
			t.Errorf("%s has the levels of %q, want %q", name, names[name], site)
		}
	}
	if len(names) != 3 {
		t.Errorf("shared levels are %v, want 3", names)
	}
	in, out := p.Tensors[p.Inputs[2].Tensor], p.Tensors[p.Outputs[0].Tensor]
	if in != out || p.Loops[0].Carries[1].To != p.Inputs[2].Tensor && p.Loops[0].Carries[0].To != p.Inputs[2].Tensor {
		t.Errorf("state c enters as %+v and leaves as %+v", in, out)
	}
}

// TestLoopOfOneStep has a step whose state comes from outside and leaves again: it needs no loop, and the state leaves with the levels that it comes with.
func TestLoopOfOneStep(t *testing.T) {
	m, p := buildLoop(t, func(r *recurrent, x *onnx.Value) []*onnx.Value {
		loop := &onnx.Loop{Name: "l", Steps: 1}
		first := r.add(&onnx.Slice{Axes: []int{1}, Starts: []int{0}, Ends: []int{1}, Steps: []int{1}}, x)
		h := r.state(loop, r.add(&onnx.Squeeze{Axes: []int{1}}, r.input("h", 1, 5)))
		next := r.gru(r.add(&onnx.LoopTake{Loop: loop, Axis: 1, Reverse: true}, first), h.now)
		return []*onnx.Value{h.next(next), r.add(&onnx.LoopPut{Loop: loop, Axis: 1, Reverse: true}, next)}
	})
	if len(p.Loops) > 0 {
		t.Errorf("%d loops", len(p.Loops))
	}
	in, out := p.Tensors[p.Inputs[1].Tensor], p.Tensors[p.Outputs[0].Tensor]
	if in.Levels != out.Levels || in.Zero != out.Zero || in.Scale != out.Scale || in.Levels != 256 {
		t.Errorf("the state comes as %+v and leaves as %+v", in, out)
	}
	plain, missing := withoutLoops(t, m)
	if missing != "" {
		t.Fatalf("%q has no levels", missing)
	}
	if seen := compareLoops(t, p, compiledLoop(t, plain), 20); len(seen) < 20 {
		t.Errorf("only %d different results: they show little", len(seen))
	}
}
