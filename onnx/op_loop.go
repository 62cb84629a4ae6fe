package onnx

import (
	"fmt"
	"slices"
)

// Loop is a part of a graph that runs Steps times, one iteration after the other: a recurrence over a sequence. Four operators belong to it.
// [LoopTake] hands an iteration its step of a sequence, [LoopState] what the iteration before left, [LoopNext] leaves something to the one
// behind, and [LoopPut] collects results as a sequence. Its body are the nodes between these: all that depend on a LoopTake or LoopState of it and that
// a LoopNext or LoopPut of it depends on. They stand in [Graph.Nodes] like all others and once; a value of the body stands for that of one step.
//
// In files a Loop is a Scan, or what is shorthand for it: RNN, GRU, LSTM, and a Loop of a known number of iterations that differ by the step of
// sequences that they work on.
type Loop struct {
	Name  string // unique in the graph
	Steps int    // at least 1
}

// LoopTake is the step of a sequence that an iteration of the loop works on: position t of Axis in iteration t, counted from 0, or
// Steps-1-t in Reverse. The axis is Steps long and not the batch. The result has the input's shape without the axis.
type LoopTake struct {
	Loop    *Loop
	Axis    int
	Reverse bool
}

// LoopPut collects the values that its input takes in all iterations along a new dimension: that of iteration t stands at position t of Axis of the
// output, or at Steps-1-t in Reverse. The output is not part of the body.
type LoopPut struct {
	Loop    *Loop
	Axis    int
	Reverse bool
}

// LoopState is what an iteration begins with: the input, which is computed outside of the body, in the first, and what the [LoopNext] of
// this state read in the iteration before in all others. With Batched the input has 1 as its dimension 0 and is repeated
// for every sample.
type LoopState struct {
	Loop    *Loop
	Batched bool
}

// LoopNext hands its input to State, which the next iteration begins with. Its output is the value in the last iteration, and
// not part of the body. Every LoopState has one LoopNext, of a shape like its own.
type LoopNext struct {
	Loop  *Loop
	State *LoopState
}

func (*LoopTake) Type() string  { return "LoopTake" }
func (*LoopPut) Type() string   { return "LoopPut" }
func (*LoopState) Type() string { return "LoopState" }
func (*LoopNext) Type() string  { return "LoopNext" }

// InferShape returns the shape without Axis.
func (op *LoopTake) InferShape(in []Shape) ([]Shape, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	if op.Axis < 0 || op.Axis >= len(in[0]) || in[0][op.Axis] != op.Loop.Steps {
		return nil, fmt.Errorf("shape %v has no axis %d of %d steps", in[0], op.Axis, op.Loop.Steps)
	}
	return []Shape{slices.Delete(in[0].clone(), op.Axis, op.Axis+1)}, nil
}

// InferShape returns the shape with Axis inserted.
func (op *LoopPut) InferShape(in []Shape) ([]Shape, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	if op.Axis < 0 || op.Axis > len(in[0]) || op.Axis == 0 && in[0].batched() {
		return nil, fmt.Errorf("shape %v takes no new axis %d", in[0], op.Axis)
	}
	return []Shape{slices.Insert(in[0].clone(), op.Axis, op.Loop.Steps)}, nil
}

// InferShape returns the shape of the input, with a batch if it is Batched.
func (op *LoopState) InferShape(in []Shape) ([]Shape, error) {
	out, err := sameShape(in)
	if err != nil || !op.Batched {
		return out, err
	}
	if len(out[0]) == 0 || out[0][0] != 1 {
		return nil, fmt.Errorf("shape %v is not that of one sample", out[0])
	}
	out[0][0] = Batch
	return out, nil
}

// InferShape returns the shape of the input.
func (op *LoopNext) InferShape(in []Shape) ([]Shape, error) { return sameShape(in) }
