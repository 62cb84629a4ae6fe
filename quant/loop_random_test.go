package quant

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"qconv/onnx"
)

// random builds a network of one or two loops of random bodies: what an iteration computes is drawn from its step, its states, values from outside and constants.
func (r *recurrent) random(x *onnx.Value) []*onnx.Value {
	rng := r.rng
	pick := func(list []*onnx.Value) *onnx.Value { return list[rng.IntN(len(list))] }
	like := func(list []*onnx.Value, v *onnx.Value) *onnx.Value {
		for range 10 {
			if w := pick(list); w.Shape.Equal(v.Shape) {
				return w
			}
		}
		return v
	}
	outside := []*onnx.Value{r.input("a", 3), r.input("b", 5)}
	outside = append(outside, r.add(&onnx.Relu{}, r.dense(outside[0], 5, true)))
	var outputs []*onnx.Value
	sequence := x
	for i := range 1 + rng.IntN(2) {
		loop := &onnx.Loop{Name: fmt.Sprint("l", i), Steps: sequence.Shape[1]}
		var states []carriedState
		values := []*onnx.Value{r.add(&onnx.LoopTake{Loop: loop, Axis: 1, Reverse: rng.IntN(2) == 0}, sequence)}
		for range 1 + rng.IntN(3) {
			begin := pick(append(outside, r.constants(0, 0, 0), r.constants(0, 0.5, -0.25, 0, 1)))
			states = append(states, r.state(loop, begin))
			values = append(values, states[len(states)-1].now)
		}
		for range 2 + rng.IntN(9) {
			v := pick(values)
			var next *onnx.Value
			switch rng.IntN(10) {
			case 0, 1:
				next = r.dense(v, []int{3, 5}[rng.IntN(2)], rng.IntN(2) == 0)
			case 2:
				next = r.add(&onnx.Add{}, v, like(append(values, outside...), v))
			case 3:
				next = r.add(&onnx.Mul{}, v, like(append(values, outside...), v))
			case 4:
				next = r.add(&onnx.Sub{}, v, like(values, v))
			case 5:
				next = r.add(&onnx.Tanh{}, v)
			case 6:
				next = r.add(&onnx.Sigmoid{}, v)
			case 7:
				next = r.add(&onnx.Relu{}, v)
			case 8:
				next = r.add(&onnx.Transpose{Perm: []int{0, 1}}, v)
				reversed := &onnx.Slice{Axes: []int{1}, Starts: []int{v.Shape[1] - 1}, Ends: []int{-1}, Steps: []int{-1}}
				next = r.add(reversed, next)
			case 9:
				next = r.add(&onnx.Reshape{Dims: []int{0, 1, v.Shape[1]}}, v)
				next = r.add(&onnx.Reshape{Dims: []int{0, v.Shape[1]}}, next)
			}
			values = append(values, next)
		}
		for _, s := range states {
			v := like(values[len(values)/2:], s.now)
			if rng.IntN(2) == 0 || v == s.now {
				v = r.add(&onnx.Tanh{}, r.add(&onnx.Add{}, r.dense(pick(values), s.now.Shape[1], true), s.now))
			}
			last := s.next(v)
			outside = append(outside, last)
			outputs = append(outputs, r.add(&onnx.Tanh{}, last))
		}
		sequence = r.add(&onnx.LoopPut{Loop: loop, Axis: 1, Reverse: rng.IntN(2) == 0}, pick(values))
		outputs = append(outputs, sequence)
	}
	return outputs
}

// TestRandomLoops compares programs of random loops with those of the same networks without loops. Where a value is read by a sum of every iteration, and has levels
// without loops for that, but none with them, there is nothing to compare.
func TestRandomLoops(t *testing.T) {
	const networks = 150
	compared, seen := 0, map[int]bool{}
	for seed := range uint64(networks) {
		b, x := newBuild(t, onnx.Shape{onnx.Batch, 4, 3})
		b.rng = rand.New(rand.NewPCG(41, seed))
		r := &recurrent{build: b}
		b.graph.Outputs = r.random(x)
		if err := b.graph.OrderLoops(); err != nil {
			t.Fatal(err)
		}
		m, err := NewModel(b.graph)
		if err != nil {
			t.Fatalf("network %d: %v", seed, err)
		}
		m.Levels = loopLevels(m)
		p := compiledLoop(t, m)
		checkBodies(t, p)
		plain, missing := withoutLoops(t, m)
		if missing != "" {
			continue
		}
		compared++
		for v := range compareLoops(t, p, compiledLoop(t, plain), 3) {
			seen[v] = true
		}
		if t.Failed() {
			t.Fatalf("network %d", seed)
		}
	}
	if compared < networks/3 || len(seen) < 100 {
		t.Errorf("%d of %d networks are compared, which give %d different results", compared, networks, len(seen))
	}
	t.Logf("%d of %d networks compared, %d different results", compared, networks, len(seen))
}
