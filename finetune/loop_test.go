package finetune

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"qconv/onnx"
	"qconv/quant"

	G "gorgonia.org/gorgonia"
)

// recurrent is a network with a loop, or the same network unrolled: every iteration a copy of the body, whose values have names that end in @ and the number of the
// iteration.
type recurrent struct {
	*onnx.Graph
	t         testing.TB
	rng       *rand.Rand
	constants map[string]*onnx.Value
	suffix    string
	count     int
}

func newRecurrent(t testing.TB) *recurrent {
	return &recurrent{Graph: &onnx.Graph{}, t: t, rng: rand.New(rand.NewPCG(11, 0)), constants: map[string]*onnx.Value{}}
}

// constant is one of normally distributed values, the same for the same name.
func (r *recurrent) constant(name string, deviation float64, shape ...int) *onnx.Value {
	if v := r.constants[name]; v != nil {
		return v
	}
	data := make([]float32, size(shape))
	rng := rand.New(rand.NewPCG(uint64(len(name)), uint64(name[0])+256*uint64(name[len(name)-1])))
	for i := range data {
		data[i] = float32(rng.NormFloat64() * deviation)
	}
	v := &onnx.Value{Name: name, Shape: shape, Type: onnx.Float, Const: &onnx.Tensor{Type: onnx.Float, Shape: shape, Floats: data}}
	r.constants[name] = v
	return v
}

func (r *recurrent) input(name string, shape ...int) *onnx.Value {
	v := &onnx.Value{Name: name, Type: onnx.Float, Shape: append(onnx.Shape{onnx.Batch}, shape...)}
	r.Inputs = append(r.Inputs, v)
	return v
}

// node adds one and returns its result.
func (r *recurrent) node(name string, op onnx.Op, in ...*onnx.Value) *onnx.Value {
	r.t.Helper()
	var shapes []onnx.Shape
	for _, v := range in {
		shapes = append(shapes, v.Shape)
	}
	shape, err := op.InferShape(shapes)
	if err != nil {
		r.t.Fatalf("%s: %v", name, err)
	}
	out := &onnx.Value{Name: name + r.suffix, Type: onnx.Float, Shape: shape[0]}
	r.Nodes = append(r.Nodes, &onnx.Node{Name: "node " + name + r.suffix, Op: op, Inputs: in, Outputs: []*onnx.Value{out}})
	return out
}

func (r *recurrent) output(v ...*onnx.Value) { r.Outputs = append(r.Outputs, v...) }

func (r *recurrent) gemm(name string, x *onnx.Value, out int) *onnx.Value {
	in := x.Shape[1]
	return r.node(name, &onnx.Gemm{TransB: true, Alpha: 1, Beta: 1}, x,
		r.constant(name+".w", 1/math.Sqrt(float64(in)), out, in), r.constant(name+".b", 0.1, out))
}

// cell computes what an iteration leaves in its states, of which the first is the result, from its step of a sequence and the states.
type cell struct {
	states int
	step   func(r *recurrent, name string, x *onnx.Value, states []*onnx.Value, units int) []*onnx.Value
}

func (r *recurrent) add(name string, a, b *onnx.Value) *onnx.Value {
	return r.node(name, &onnx.Add{}, a, b)
}

func (r *recurrent) mul(name string, a, b *onnx.Value) *onnx.Value {
	return r.node(name, &onnx.Mul{}, a, b)
}

func (r *recurrent) sigmoid(name string, x *onnx.Value) *onnx.Value {
	return r.node(name, &onnx.Sigmoid{}, x)
}

func (r *recurrent) tanh(name string, x *onnx.Value) *onnx.Value {
	return r.node(name, &onnx.Tanh{}, x)
}

// gate is f(x*W + h*R + b).
func (r *recurrent) gate(name string, f onnx.Op, x, h *onnx.Value, units int) *onnx.Value {
	return r.node(name, f, r.add(name+".sum", r.gemm(name+".x", x, units), r.gemm(name+".h", h, units)))
}

var cells = map[string]cell{
	"rnn": {1, func(r *recurrent, name string, x *onnx.Value, s []*onnx.Value, units int) []*onnx.Value {
		return []*onnx.Value{r.gate(name+".h", &onnx.Tanh{}, x, s[0], units)}
	}},
	"gru": {1, func(r *recurrent, name string, x *onnx.Value, s []*onnx.Value, units int) []*onnx.Value {
		h := s[0]
		z := r.gate(name+".z", &onnx.Sigmoid{}, x, h, units)
		reset := r.gate(name+".r", &onnx.Sigmoid{}, x, h, units)
		n := r.tanh(name+".n", r.add(name+".nsum", r.gemm(name+".nx", x, units), r.mul(name+".reset", reset, r.gemm(name+".nh", h, units))))
		return []*onnx.Value{r.add(name+".h", n, r.mul(name+".keep", z, r.node(name+".change", &onnx.Sub{}, h, n)))}
	}},
	"lstm": {2, func(r *recurrent, name string, x *onnx.Value, s []*onnx.Value, units int) []*onnx.Value {
		h, c := s[0], s[1]
		i := r.gate(name+".i", &onnx.Sigmoid{}, x, h, units)
		f := r.gate(name+".f", &onnx.Sigmoid{}, x, h, units)
		o := r.gate(name+".o", &onnx.Sigmoid{}, x, h, units)
		g := r.gate(name+".g", &onnx.Tanh{}, x, h, units)
		c = r.add(name+".c", r.mul(name+".fc", f, c), r.mul(name+".ig", i, g))
		return []*onnx.Value{r.mul(name+".h", o, r.tanh(name+".tc", c)), c}
	}},
}

// recur adds a recurrence over axis 1 of x and returns all results, as [N,T,units], and the last one of every state. What states begin with is a constant for all
// samples.
func (r *recurrent) recur(name string, c cell, x *onnx.Value, units int, reverse, unrolled bool) (all *onnx.Value, last []*onnx.Value) {
	steps := x.Shape[1]
	initial := func(k int) *onnx.Value { return r.constant(fmt.Sprint(name, ".initial", k), 0.5, 1, units) }
	if !unrolled {
		loop := &onnx.Loop{Name: name, Steps: steps}
		in := r.node(name+".take", &onnx.LoopTake{Loop: loop, Axis: 1, Reverse: reverse}, x)
		var states []*onnx.Value
		var ops []*onnx.LoopState
		for k := range c.states {
			op := &onnx.LoopState{Loop: loop, Batched: true}
			ops = append(ops, op)
			states = append(states, r.node(fmt.Sprint(name, ".state", k), op, initial(k)))
		}
		results := c.step(r, name, in, states, units)
		for k, v := range results {
			last = append(last, r.node(fmt.Sprint(name, ".last", k), &onnx.LoopNext{Loop: loop, State: ops[k]}, v))
		}
		return r.node(name+".all", &onnx.LoopPut{Loop: loop, Axis: 1, Reverse: reverse}, results[0]), last
	}
	parts := make([]*onnx.Value, steps)
	some := r.node(name+".some", &onnx.Reduce{Kind: onnx.ReduceSum, Axes: []int{1, 2}}, x)
	zero := r.node(name+".zero", &onnx.Unsqueeze{Axes: []int{1}}, r.node(name+".none", &onnx.Sub{}, some, some))
	for k := range c.states {
		last = append(last, r.add(fmt.Sprint(name, ".begin", k), initial(k), zero)) // for every sample
	}
	for t := range steps {
		at := t
		if reverse {
			at = steps - 1 - t
		}
		r.suffix = fmt.Sprint("@", t)
		slice := r.node(name+".slice", &onnx.Slice{Axes: []int{1}, Starts: []int{at}, Ends: []int{at + 1}, Steps: []int{1}}, x)
		in := r.node(name+".take", &onnx.Squeeze{Axes: []int{1}}, slice)
		last = c.step(r, name, in, last, units)
		parts[at] = r.node(name+".part", &onnx.Unsqueeze{Axes: []int{1}}, last[0])
	}
	r.suffix = ""
	return r.node(name+".all", &onnx.Concat{Axis: 1}, parts...), last
}

// learning trains all constants, and the steps of the levels of some values, in the body of a loop or in all iterations of an unrolled one.
type learning struct {
	levels map[string]quant.Levels
	steps  map[string][]float32
	wanted map[string]*G.Node
	names  []string
	root   *tape
}

func newLearning(levels map[string]quant.Levels) *learning {
	l := &learning{levels: levels, steps: map[string][]float32{}}
	for name, v := range levels {
		l.steps[name] = []float32{float32(v.Step)}
	}
	return l
}

func (l *learning) node(t *tape, name string, data []float32) *G.Node {
	if root := t.root(); l.root != root {
		l.root, l.wanted, l.names = root, map[string]*G.Node{}, nil
	}
	if l.wanted[name] == nil {
		l.wanted[name] = t.root().trained(name, data)
		l.names = append(l.names, name)
	}
	return t.capture(l.wanted[name])
}

func (l *learning) plan() plan {
	p := plan{constant: func(t *tape, v *onnx.Value) *G.Node {
		return l.node(t, v.Name, v.Const.Floats)
	}}
	if l.levels != nil {
		p.round = func(t *tape, v *onnx.Value, y *G.Node) *G.Node {
			name, _, _ := strings.Cut(v.Name, "@")
			if at := strings.Index(name, ".begin"); at >= 0 { // a state has the levels of what the iteration before leaves
				name = name[:at] + map[string]string{"0": ".h", "1": ".c"}[name[at+len(".begin"):]]
			}
			if levels, ok := l.levels[name]; ok {
				return roundNode(t, levels, l.node(t, name+".step", l.steps[name]), y)
			}
			return y
		}
	}
	return p
}

// train lays a network with a loss that weighs every element of every output, and runs it. It returns the outputs, and the gradients by name. run is the loss
// of another run.
func (l *learning) train(t *testing.T, g *onnx.Graph, batch int, inputs ...[]float32) (outputs [][]float32, grads map[string][]float32, run func() float64) {
	t.Helper()
	var loss *G.Node
	var nodes []*G.Node
	var found []*G.Node
	b, err := build(g, batch, l.plan(), func(b *builder) error {
		nodes = nil
		var parts []*G.Node
		rng := rand.New(rand.NewPCG(1, 1))
		for _, v := range g.Outputs {
			parts = append(parts, weighted(b.tape, b.nodes[v], rng))
		}
		loss = b.sum([]int{1}, parts...)
		for _, name := range l.names {
			nodes = append(nodes, l.wanted[name])
		}
		var err error
		found, err = b.gradients(loss, nodes)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	run = func() float64 {
		t.Helper()
		for i, x := range inputs {
			copy(b.inputs[i], x)
		}
		if err := b.run(); err != nil {
			t.Fatal(err)
		}
		return float64(floats(loss.Value())[0])
	}
	run()
	grads = map[string][]float32{}
	for i, name := range l.names {
		grads[name] = slices.Clone(floats(found[i].Value()))
	}
	for _, v := range g.Outputs {
		outputs = append(outputs, slices.Clone(floats(b.nodes[v].Value())))
	}
	return outputs, grads, run
}

// stacked is a network of two recurrences, of which the second goes backwards, with a layer before and behind.
func stacked(t testing.TB, c cell, unrolled bool) *recurrent {
	r := newRecurrent(t)
	x := r.node("before", &onnx.MatMul{}, r.input("x", 5, 3), r.constant("before.w", 0.5, 3, 4))
	all, last := r.recur("a", c, x, 4, false, unrolled)
	again, lastAgain := r.recur("b", c, all, 3, true, unrolled)
	r.output(r.gemm("behind", lastAgain[0], 2), again, all)
	r.output(last...)
	return r
}

// testLevels are levels for the values of stacked.
func testLevels(states int) map[string]quant.Levels {
	levels := map[string]quant.Levels{}
	for _, loop := range []string{"a", "b"} {
		levels[loop+".h"] = quant.Levels{Count: 16, Step: 0.13, Zero: 8, Stride: 1}
		if states > 1 {
			levels[loop+".c"] = quant.Levels{Count: 64, Step: 0.07, Zero: 32, Stride: 1}
		}
		for _, gate := range []string{".z", ".r", ".i", ".f", ".o"} {
			levels[loop+gate] = quant.Levels{Count: 8, Step: 0.14, Zero: 0, Stride: 1}
		}
	}
	levels["before"] = quant.Levels{Count: 32, Step: 0.08, Zero: 16, Stride: 1}
	return levels
}

func randomFloats(seed uint64, n int) []float32 {
	rng := rand.New(rand.NewPCG(seed, 5))
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(rng.NormFloat64())
	}
	return out
}

// TestLoopUnrolled holds loops against the same networks unrolled: outputs and gradients of weights, of what states begin with and of the steps of levels, in floating point and
// rounded.
func TestLoopUnrolled(t *testing.T) {
	const batch = 3
	for name, c := range cells {
		for _, rounded := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " rounded ", rounded), func(t *testing.T) {
				var levels map[string]quant.Levels
				if rounded {
					levels = testLevels(c.states)
				}
				x := randomFloats(2, batch*5*3)
				loop, grads, run := newLearning(levels).train(t, stacked(t, c, false).Graph, batch, x)
				wanted, wantedGrads, _ := newLearning(levels).train(t, stacked(t, c, true).Graph, batch, x)
				for i, want := range wanted {
					if d := largestDifference(loop[i], want); !(d < 1e-5) || len(loop[i]) != len(want) {
						t.Errorf("output %d: largest difference %g", i, d)
					}
				}
				if len(grads) != len(wantedGrads) {
					t.Errorf("%d gradients, want %d", len(grads), len(wantedGrads))
				}
				moved := 0
				for name, want := range wantedGrads {
					if d := largestDifference(grads[name], want); !(d < 1e-4) || len(grads[name]) != len(want) {
						t.Errorf("gradient of %q: largest difference %g of %v", name, d, want)
					}
					if slices.ContainsFunc(want, func(v float32) bool { return v != 0 }) {
						moved++
					}
				}
				if moved < len(wantedGrads)*3/4 {
					t.Errorf("only %d of %d gradients are not zero", moved, len(wantedGrads))
				}
				if a, b := run(), run(); a != b {
					t.Errorf("the loss of two runs is %g and %g", a, b)
				}
			})
		}
	}
}

// TestLoopDifferences holds the gradients of loops against symmetric differences.
func TestLoopDifferences(t *testing.T) {
	const batch = 2
	for name, c := range cells {
		t.Run(name, func(t *testing.T) {
			r := stacked(t, c, false)
			_, grads, run := newLearning(nil).train(t, r.Graph, batch, randomFloats(2, batch*5*3))
			for name, v := range r.constants {
				data := v.Const.Floats
				for k := 0; k < len(data); k += 1 + len(data)/5 {
					const h = 1.0 / 64
					old := data[k]
					data[k] = old + h
					up := run()
					data[k] = old - h
					down := run()
					data[k] = old
					numeric, got := (up-down)/(2*h), float64(grads[name][k])
					if math.Abs(got-numeric) > 0.02*math.Max(1, math.Abs(numeric)) {
						t.Errorf("%q element %d: gradient %g, difference quotient %g", name, k, got, numeric)
					}
				}
			}
		})
	}
}

// TestLoopExecutor holds an executor against the unrolled network, sample by sample, and what it says of values in a body.
func TestLoopExecutor(t *testing.T) {
	const samples = 3
	for name, c := range cells {
		for _, o := range []ExecOptions{{}, {OutputsOnly: true}, {Levels: testLevels(c.states)}} {
			t.Run(fmt.Sprintf("%s %v %v", name, o.OutputsOnly, o.Levels != nil), func(t *testing.T) {
				loop, err := NewExecutor(stacked(t, c, false).Graph, 4, o)
				if err != nil {
					t.Fatal(err)
				}
				unrolled := stacked(t, c, true)
				if o.Levels != nil { // under the names of all iterations
					for name, l := range testLevels(c.states) {
						for step := range 5 {
							o.Levels[fmt.Sprint(name, "@", step)] = l
						}
					}
					for _, loop := range []string{"a", "b"} {
						for k, name := range []string{".h", ".c"}[:c.states] {
							o.Levels[fmt.Sprint(loop, ".begin", k)] = o.Levels[loop+name]
						}
					}
				}
				reference, err := NewExecutor(unrolled.Graph, samples, o)
				if err != nil {
					t.Fatal(err)
				}
				for seed := range uint64(2) {
					x := randomFloats(seed, samples*5*3)
					got, err := loop.Run(x)
					if err != nil {
						t.Fatal(err)
					}
					want, err := reference.Run(x)
					if err != nil {
						t.Fatal(err)
					}
					for i := range want {
						if d := largestDifference(got[i], want[i]); !(d < 1e-5) || len(got[i]) != len(want[i]) {
							t.Errorf("output %d: largest difference %g", i, d)
						}
					}
					if o.OutputsOnly {
						if loop.Value("a.h") != nil {
							t.Error("a value inside is there")
						}
						continue
					}
					for _, name := range []string{"a.h", "b.h"} {
						values := loop.Value(name)
						units := map[string]int{"a.h": 4, "b.h": 3}[name]
						if len(values) != samples*5*units {
							t.Fatalf("%q has %d elements, want %d", name, len(values), samples*5*units)
						}
						for step := range 5 {
							one := reference.Value(fmt.Sprint(name, "@", step))
							for s := range samples {
								if d := largestDifference(values[(s*5+step)*units:][:units], one[s*units:][:units]); !(d < 1e-5) {
									t.Errorf("%q of sample %d in iteration %d: largest difference %g", name, s, step, d)
								}
							}
						}
					}
				}
			})
		}
	}
}

// TestLoopMemory wants a loop of many iterations to take the memory of one, besides that of its sequence.
func TestLoopMemory(t *testing.T) {
	const steps, units, batch = 3000, 32, 4
	r := newRecurrent(t)
	_, last := r.recur("a", cells["lstm"], r.input("x", steps, 2), units, false, false)
	r.output(last[0])
	r.Nodes = slices.DeleteFunc(r.Nodes, func(n *onnx.Node) bool { _, puts := n.Op.(*onnx.LoopPut); return puts }) // nobody reads them
	held := func(b *builder) (sum int) {
		for _, data := range b.buffers() {
			sum += len(data)
		}
		return sum
	}
	exec, err := NewExecutor(r.Graph, batch, ExecOptions{})
	if err != nil {
		t.Fatal(err)
	}
	const ofIteration = 100 * units * batch
	if n := held(exec.builder); n > ofIteration {
		t.Errorf("the results of %d iterations take room for %d numbers, want at most %d", steps, n, ofIteration)
	}
	x := randomFloats(1, batch*steps*2)
	if _, err := exec.Run(x); err != nil {
		t.Fatal(err)
	}
	if n := len(exec.builder.loops[exec.byName["a.h"]].records); n != 0 {
		t.Errorf("%d values are noted, and nobody asked for any", n)
	}
	// The values of all iterations, once they are asked for; the last is what the loop leaves.
	out, values := exec.builder.nodes[last[0]], exec.Value("a.h")
	if len(values) != batch*steps*units {
		t.Fatalf("%d values, want %d", len(values), batch*steps*units)
	}
	for s := range batch {
		if !slices.Equal(values[(s*steps+steps-1)*units:][:units], floats(out.Value())[s*units:][:units]) {
			t.Errorf("sample %d: the value of the last iteration is not what the loop leaves", s)
		}
	}
}

// TestLoopErrors wants graphs whose loops are not whole to be named, not to be run.
func TestLoopErrors(t *testing.T) {
	for name, c := range map[string]struct {
		change func(r *recurrent)
		want   string
	}{
		"no LoopNext": {func(r *recurrent) {
			r.Nodes = slices.DeleteFunc(r.Nodes, func(n *onnx.Node) bool { _, is := n.Op.(*onnx.LoopNext); return is })
			r.Outputs = r.Outputs[:1]
		}, "LoopNext"},
		"a value of the body outside": {func(r *recurrent) {
			for _, n := range r.Nodes {
				if n.Outputs[0].Name == "a.h" {
					r.output(n.Outputs[0])
				}
			}
		}, "a.h"},
		"a node that reads what nobody computes": {func(r *recurrent) {
			for _, n := range r.Nodes {
				if n.Outputs[0].Name == "a.h.sum" {
					n.Inputs[1] = &onnx.Value{Name: "nothing", Shape: n.Inputs[1].Shape}
				}
			}
		}, "nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRecurrent(t)
			all, last := r.recur("a", cells["rnn"], r.input("x", 3, 2), 4, false, false)
			r.output(all, last[0])
			c.change(r)
			_, err := NewExecutor(r.Graph, 2, ExecOptions{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that names %q", err, c.want)
			}
		})
	}
}
