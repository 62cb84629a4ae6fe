package finetune

import (
	"slices"

	"qconv/onnx"
)

// Task says what a network's first output means.
type Task string

const (
	// TaskAuto decides by the graph: see [TaskOf].
	TaskAuto Task = ""
	// TaskClasses: the outputs are scores of classes.
	TaskClasses Task = "classes"
	// TaskValues: the outputs are numbers, as in an auto-encoder.
	TaskValues Task = "values"
)

// TaskOf tells from the graph what its first output means: classes when it ends in a softmax, of all elements or over the last dimension,
// or delivers linear scores, one for each class, that are not as many as its inputs.
func TaskOf(g *onnx.Graph) Task {
	_, task := head(g)
	return task
}

// taskFor is the task that is asked for, or else [TaskValues] for data with targets ([Targeted]) and [TaskClasses] for data with classes of steps ([Stepped]), or else
// that of the graph.
func taskFor(g *onnx.Graph, data Data, asked Task) Task {
	switch {
	case asked != TaskAuto:
		return asked
	case data.Len() > 0 && targetsOf(data) != nil:
		return TaskValues
	case data.Len() > 0 && steppedOf(data) != nil:
		return TaskClasses
	}
	return TaskOf(g)
}

// ClassSteps is how many positions of a sample, such as the steps of a sequence, a first output of a shape has scores of classes for, if it has scores of classes: those of
// its dimensions but the last, which are the scores. It is 1 where a sample has but one dimension of several elements.
func ClassSteps(s onnx.Shape) int { return s.Elems() / max(classesIn(s), 1) }

// classesIn is the number of classes that a tensor has scores of, if it has.
func classesIn(s onnx.Shape) int {
	if len(s) == 0 || isVector(s) || s.Elems() <= 1 {
		return s.Elems()
	}
	return s[len(s)-1]
}

// headFor is [head] with the task that [TaskFor] says.
func headFor(g *onnx.Graph, data Data, asked Task) (*onnx.Value, Task) {
	v, task := head(g)
	if asked = taskFor(g, data, asked); asked != task {
		return scored(g), asked
	}
	return v, task
}

// head is the value that losses work on (the logits of classes, or the output itself) and
// what it means.
func head(g *onnx.Graph) (*onnx.Value, Task) {
	producers := g.Producers()
	v := scored(g)
	elems := v.Shape.Elems()
	for {
		n := producers[v]
		if n == nil {
			break
		}
		axis := -1
		switch op := n.Op.(type) {
		case *onnx.Softmax:
			axis = op.Axis
		case *onnx.LogSoftmax:
			axis = op.Axis
		case *onnx.Reshape, *onnx.Flatten, *onnx.Squeeze, *onnx.Unsqueeze, *onnx.Identity, *onnx.Dropout:
			v = n.Inputs[0]
			continue
		case *onnx.Conv, *onnx.Gemm, *onnx.MatMul, *onnx.Add, *onnx.GlobalAveragePool, *onnx.AveragePool:
			if elems > 1 && elems != inputElems(g) && isVector(scored(g).Shape) {
				return scored(g), TaskClasses
			}
		}
		if axis >= 0 && (v.Shape[axis] == elems || axis == len(v.Shape)-1 && v.Shape[axis] > 1) {
			return n.Inputs[0], TaskClasses
		}
		break
	}
	return scored(g), TaskValues
}

// isVector says whether samples of a shape have a single dimension of more than one element: maps and sequences have several.
func isVector(s onnx.Shape) bool {
	several := 0
	for _, d := range s {
		if d > 1 {
			several++
		}
	}
	return several == 1
}

// scored is the output that tasks are about: the first that is computed.
func scored(g *onnx.Graph) *onnx.Value {
	for _, v := range g.Outputs {
		if v.Const == nil {
			return v
		}
	}
	return g.Outputs[0]
}

// inputElems is the number of elements of one sample of the first input.
func inputElems(g *onnx.Graph) int {
	if len(g.Inputs) == 0 {
		return 0
	}
	return g.Inputs[0].Shape.Elems()
}

// Argmax is the position of the first largest value. What is no number is smaller than all others.
func Argmax[T float32 | float64](v []T) int {
	best := 0
	for i, x := range v {
		if x > v[best] || v[best] != v[best] && x == x {
			best = i
		}
	}
	return best
}

// inTop says whether fewer than k values stand before that of class c: larger ones, and equal ones before it. A value
// that is no number is in no top.
func inTop[T float32 | float64](v []T, c, k int) bool {
	if c < 0 || c >= len(v) || v[c] != v[c] {
		return false
	}
	better := 0
	for i, x := range v {
		if x > v[c] || x == v[c] && i < c {
			better++
		}
	}
	return better < k
}

// channelAxis is the number of channels of a linear node's output and how many positions
// each has in one sample.
func channelAxis(n *onnx.Node) (channels, area int) {
	s := n.Outputs[0].Shape
	if _, ok := n.Op.(*onnx.MatMul); ok || len(s) < 2 {
		return s[len(s)-1], 1
	}
	return s[1], size(slices.Clone(s[2:]))
}
