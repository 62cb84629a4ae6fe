package quant_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"qconv/quant"
	"qconv/runtime"
)

// emptyNet is a network whose input is [3][1][frames] or of another shape.
func emptyNet(shape [3]int) (*streamNet, layerOut) {
	n := &streamNet{rng: rand.New(rand.NewPCG(1, 1)), p: &runtime.Program{Codebooks: []runtime.Codebook{{Centres: []int32{-3, -1, 1, 2, 5}}}}}
	id := n.tensor(shape, 8)
	n.p.Inputs = []runtime.Input{{Tensor: id}}
	return n, layerOut{id: id, axis: 2, stride: 1}
}

// along adds a convolution along columns: kernel, stride and dilation, padding to the left, and positions of the output.
func (n *streamNet) along(top layerOut, kernel, stride, dilation, pad, positions int) layerOut {
	in := n.shape(top.id)
	t := runtime.Term{In: top.id, Groups: 1, Kernel: [2]int{1, kernel}, Stride: [2]int{1, stride}, Dilation: [2]int{1, dilation}, Pad: [2]int{0, pad}, Up: ones, Weights: n.weights(4 * in[0] * kernel)}
	id := n.tensor([3]int{4, in[1], positions}, 8)
	n.finish(&runtime.Linear{Out: id, Terms: []runtime.Term{t}})
	return layerOut{id: id, axis: 2, stride: top.stride * stride}
}

func (n *streamNet) output(id int) *runtime.Program {
	n.p.Outputs = []runtime.Output{{Name: "y", Tensor: id}}
	return n.p
}

// TestStreamLookAhead demands that what needs later frames is refused, with its layer and how far it looks.
func TestStreamLookAhead(t *testing.T) {
	n, in := emptyNet([3]int{3, 1, 20})
	first := n.along(in, 3, 2, 1, 2, 10)
	p := n.output(n.along(first, 5, 1, 2, 4, 10).id)
	_, _, err := quant.Stream(p, quant.StreamOptions{Names: []string{"first", "second"}})
	var look *quant.LookAheadError
	if !errors.As(err, &look) || look.Frames != 8 || !strings.Contains(err.Error(), `"second"`) || !strings.Contains(err.Error(), "8 frames ahead") {
		t.Errorf("a kernel that looks 4 positions of 2 frames ahead: got %v", err)
	}

	n, in = emptyNet([3]int{3, 1, 20})
	shape := [3]int{3, 1, 22}
	padded := n.like(in.id, shape)
	n.emit(&runtime.Copy{Out: padded, Pieces: []runtime.Piece{piece(in.id, 1, 0, [3]int{3, 1, 20}, [3]int{22, 22, 1}, [3]int{20, 20, 1})}})
	p = n.output(n.along(layerOut{padded, 2, 1, false}, 3, 1, 1, 0, 20).id)
	if _, _, err = quant.Stream(p, quant.StreamOptions{}); !errors.As(err, &look) || look.Frames != 1 {
		t.Errorf("padding on both sides: got %v", err)
	}

	n, in = emptyNet([3]int{3, 1, 20})
	top := n.recurrence(layerOut{in.id, 2, 1, false})
	take := n.p.Instrs[1].(*runtime.Copy)
	take.Pieces[0].InStart, take.Pieces[0].InStep = 19, -1
	if _, _, err = quant.Stream(n.output(top.id), quant.StreamOptions{}); !errors.As(err, &look) || look.Frames != 0 || !strings.Contains(err.Error(), "whole window") {
		t.Errorf("a recurrence that runs backwards: got %v", err)
	}
}

// TestStreamChoices demands that steps fit the strides, and that the dimension of time is found or asked for.
func TestStreamChoices(t *testing.T) {
	n, in := emptyNet([3]int{3, 1, 24})
	p := n.output(n.along(n.along(in, 3, 2, 1, 2, 12), 2, 3, 1, 1, 4).id)
	_, info, err := quant.Stream(p, quant.StreamOptions{})
	if err != nil || info.Hop != 6 || !slices.Equal(info.Axes, []int{2}) {
		t.Fatalf("strides 2 and 3: got a step of %+v, %v, want 6", info, err)
	}
	if _, _, err := quant.Stream(p, quant.StreamOptions{Hop: 4}); err == nil || !strings.Contains(err.Error(), "multiple of 6") {
		t.Errorf("a step of 4 frames: got %v", err)
	}
	if _, _, err := quant.Stream(p, quant.StreamOptions{Hop: 30}); err == nil || !strings.Contains(err.Error(), "at most 24") {
		t.Errorf("a step of 30 frames: got %v", err)
	}
	if _, _, err := quant.Stream(p, quant.StreamOptions{Axes: []int{0}}); err == nil || !strings.Contains(err.Error(), "nothing moves") {
		t.Errorf("time along channels: got %v", err)
	}
	if _, _, err := quant.Stream(p, quant.StreamOptions{Axes: []int{1}}); err == nil || !strings.Contains(err.Error(), "at least 2") {
		t.Errorf("time along a single row: got %v", err)
	}

	n, in = emptyNet([3]int{1, 12, 12})
	valid := runtime.Term{In: in.id, Groups: 1, Kernel: [2]int{3, 3}, Stride: ones, Dilation: ones, Up: ones, Weights: n.weights(2 * 9)}
	id := n.tensor([3]int{2, 10, 10}, 8)
	n.finish(&runtime.Linear{Out: id, Terms: []runtime.Term{valid}})
	_, _, err = quant.Stream(n.output(id), quant.StreamOptions{})
	var several *quant.TimeAxesError
	if !errors.As(err, &several) || len(several.Axes) != 2 {
		t.Errorf("a square network: got %v", err)
	}
	step, _, err := quant.Stream(n.p, quant.StreamOptions{Axes: []int{1}})
	if err != nil || step.Tensors[step.Inputs[0].Tensor].Shape != [3]int{1, 1, 12} {
		t.Errorf("rows as time: %v", err)
	}
	if _, _, err := quant.Stream(step, quant.StreamOptions{}); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("a stream of a stream: got %v", err)
	}
}

// TestStreamState demands that a stream of a recurrence holds no more than its state, however long the window, and one of convolutions what their kernels reach.
func TestStreamState(t *testing.T) {
	for _, frames := range []int{20, 2000} {
		n, in := emptyNet([3]int{3, 1, frames})
		top := n.recurrence(layerOut{in.id, 2, 1, false})
		states := n.shape(top.id)[0]
		step, info, err := quant.Stream(n.output(top.id), quant.StreamOptions{})
		if err != nil || info.StateBytes != states || len(step.Stream.States) != 1 || info.Warmup != 0 || len(info.Notes) != 1 {
			t.Errorf("%d frames: %+v, %v, want a state of %d bytes", frames, info, err, states)
		}
		elems := 0
		for _, t := range step.Tensors {
			elems += t.Elems()
		}
		if elems > 40 {
			t.Errorf("%d frames: tensors of %d elements", frames, elems)
		}

		n, in = emptyNet([3]int{3, 1, frames})
		step, info, err = quant.Stream(n.output(n.along(n.along(in, 3, 1, 1, 2, frames), 3, 1, 4, 0, frames-8).id), quant.StreamOptions{})
		if want := 3*3 + 4*9; err != nil || info.StateBytes != want || info.Warmup != 8 || len(info.Notes) != 0 {
			t.Errorf("%d frames: %+v, %v, want states of %d bytes and a warm-up of 8", frames, info, err, want)
		}
		moved := 0
		for _, instr := range step.Instrs {
			if _, ok := instr.(*runtime.Copy); ok {
				moved += step.Tensors[instr.Dst()].Elems()
			}
		}
		if moved > info.StateBytes {
			t.Errorf("%d frames: a step copies %d elements for states of %d", frames, moved, info.StateBytes)
		}
	}
}

// TestCarryStates demands that a network whose states are carried inside gives what it gives with its states handed on outside.
func TestCarryStates(t *testing.T) {
	n, in := emptyNet([3]int{3, 1, 1})
	state := n.tensor([3]int{4, 1, 1}, 6)
	delay := n.like(state, [3]int{1, 1, 4})
	n.p.Inputs = []runtime.Input{{Name: "x", Tensor: in.id}, {Name: "h", Tensor: state}, {Name: "d", Tensor: delay}}
	next := n.like(state, [3]int{4, 1, 1})
	term := func(id, count int) runtime.Term {
		return runtime.Term{In: id, Groups: 1, Kernel: [2]int{1, n.shape(id)[2]}, Stride: ones, Dilation: ones, Up: ones, Weights: n.weights(count)}
	}
	n.finish(&runtime.Linear{Out: next, Terms: []runtime.Term{term(in.id, 12), term(state, 16)}})
	y := n.tensor([3]int{2, 1, 1}, 0)
	n.finish(&runtime.Linear{Out: y, Terms: []runtime.Term{term(next, 8), term(delay, 8)}})
	n.p.Outputs = []runtime.Output{{Name: "hn", Tensor: next}, {Name: "dn", Tensor: state}, {Name: "y", Tensor: y}} // what was h becomes d
	if err := n.p.Validate(); err != nil {
		t.Fatal(err)
	}
	step, err := quant.CarryStates(n.p, []quant.StatePair{{Input: "h", Output: "hn"}, {Input: "d", Output: "dn"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(step.Inputs) != 1 || step.Inputs[0].Name != "" || len(step.Outputs) != 1 || step.Outputs[0].Name != "y" || len(step.SelfTests) == 0 {
		t.Errorf("inputs %+v, outputs %+v, %d self-tests", step.Inputs, step.Outputs, len(step.SelfTests))
	}
	zeros := func(id int) []byte {
		return slices.Repeat([]byte{byte(n.p.Tensors[id].Zero)}, n.p.Tensors[id].Elems())
	}
	h, d := zeros(state), zeros(delay)
	sim := quant.NewSimulation(step)
	runner, err := runtime.NewRunner(step, runtime.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for k := range 10 {
		x := []byte{byte(n.rng.IntN(8)), byte(n.rng.IntN(8)), byte(n.rng.IntN(8))}
		want, err := quant.Simulate(n.p, x, h, d)
		if err != nil {
			t.Fatal(err)
		}
		got, err := sim.Step(x)
		if err != nil {
			t.Fatal(err)
		}
		run, err := runner.StepLevels(x)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got[0], want[2]) || !slices.Equal(run[0], want[2]) {
			t.Fatalf("step %d: got %v and %v, want %v", k, got[0], run[0], want[2])
		}
		for i := range h {
			h[i], d[i] = byte(want[0][i]), byte(want[1][i])
		}
	}

	n.p.Tensors[delay].Zero = (n.p.Tensors[delay].Zero + 1) % 6
	var states *quant.StatesError
	if _, err := quant.CarryStates(n.p, []quant.StatePair{{Input: "d", Output: "dn"}}); !errors.As(err, &states) || !strings.Contains(err.Error(), "finetune") {
		t.Errorf("states of other levels: got %v", err)
	}
	if _, err := quant.CarryStates(n.p, []quant.StatePair{{Input: "h", Output: "y"}}); !errors.As(err, &states) || !strings.Contains(err.Error(), "accumulators") {
		t.Errorf("a state of accumulators: got %v", err)
	}
	if _, err := quant.CarryStates(n.p, []quant.StatePair{{Input: "z", Output: "y"}}); !errors.As(err, &states) {
		t.Errorf("an unknown input: got %v", err)
	}
}
