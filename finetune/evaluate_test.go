package finetune

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"qconv/onnx"
)

// listed is a network that answers from a table: the first element of a sample is its number.
type listed struct {
	batch   int
	answers [][]float32
}

func (l listed) Batch() int { return l.batch }
func (l listed) Run(inputs ...[]float32) ([][]float32, error) {
	var out []float32
	for i := 0; i < len(inputs[0]); i += 2 {
		out = append(out, l.answers[int(inputs[0][i])]...)
	}
	return [][]float32{out}, nil
}

// numbered are samples that hold their number and a zero.
type numbered []int

func (d numbered) Len() int        { return len(d) }
func (numbered) Shapes() [][]int   { return [][]int{{2}} }
func (d numbered) Label(i int) int { return d[i] }
func (d numbered) Input(i int, dst []float32) error {
	if i > 90 {
		return errors.New("no such picture")
	}
	dst[0], dst[1] = float32(i), 0
	return nil
}

func TestEvaluate(t *testing.T) {
	first := listed{2, [][]float32{
		{9, 0, 0, 0, 0, 0, 0}, // right
		{5, 4, 3, 2, 1, 0, 6}, // label 5 has rank 7: wrong in both
		{5, 4, 3, 2, 1, 0, 6}, // label 3 has rank 5
		{0, 0, 0, 0, 1, 0, 0}, // no label
		{1, 1, 1, 1, 1, 1, 1}, // ties go to the first: label 1 is second
	}}
	second := listed{3, slices.Clone(first.answers)}
	second.answers[3] = []float32{0, 0, 0, 0, 0, 2, 0}
	data := numbered{0, 5, 3, -1, 1}
	done := 0
	m, err := Evaluate(context.Background(), first, data, EvaluateConfig{Against: second, Progress: func(d, all int) { done = d }})
	if err != nil {
		t.Fatal(err)
	}
	want := Metrics{Samples: 5, Labelled: 4, Answers: 3, Accuracy: 0.25, Top5: 0.75, Agreement: 0.8, Distance: 5.0 / 7 / 5}
	if m != want || done != 5 {
		t.Errorf("got %+v after %d samples, want %+v", m, done, want)
	}
	m, err = Evaluate(context.Background(), first, data, EvaluateConfig{Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	if m.Samples != 2 || m.Labelled != 2 || m.Accuracy != 0.5 { // samples 0 and 2
		t.Errorf("of two samples: %+v", m)
	}
	mirror := listed{2, [][]float32{{0, 0}, {1, 1}, {2, 3}}}
	m, err = Evaluate(context.Background(), mirror, numbered{-1, -1, -1}, EvaluateConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if !m.HasMSE || math.Abs(m.MSE-10.0/2/3) > 1e-9 {
		t.Errorf("mean squared error %+v, want %g", m, 10.0/2/3)
	}
}

func TestEvaluateErrors(t *testing.T) {
	net := listed{2, make([][]float32, 100)}
	for i := range net.answers {
		net.answers[i] = []float32{1, 2, 3}
	}
	if _, err := Evaluate(context.Background(), net, make(numbered, 95), EvaluateConfig{}); err == nil {
		t.Error("no error for a sample that cannot be read")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Evaluate(ctx, net, make(numbered, 50), EvaluateConfig{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want that of the context", err)
	}
	if _, err := Evaluate(context.Background(), net, numbered{}, EvaluateConfig{}); err == nil {
		t.Error("no error without samples")
	}
}

func TestHead(t *testing.T) {
	classes := newGraphOf(1, 6).dense(t, "fc", 3)
	logits := classes.last
	soft := newGraphOf(1, 6).dense(t, "fc", 3).add(t, "view", &onnx.Reshape{Dims: []int{0, 3, 1}})
	inner := soft.last
	soft.add(t, "softmax", &onnx.Softmax{Axis: 1}).add(t, "flat", &onnx.Flatten{Axis: 1})
	perPosition := newGraphOf(1, 2, 3).add(t, "softmax", &onnx.Softmax{Axis: 1})
	auto := newGraphOf(1, 6).dense(t, "fc", 6)
	sigmoid := newGraphOf(1, 6).dense(t, "fc", 3).add(t, "sigmoid", &onnx.Sigmoid{})
	cases := []struct {
		name string
		g    *onnx.Graph
		head *onnx.Value
		task Task
	}{
		{"linear scores", classes.Graph, logits, TaskClasses},
		{"softmax between views", soft.Graph, inner, TaskClasses},
		{"softmax of every position", perPosition.Graph, perPosition.last, TaskValues},
		{"auto-encoder", auto.Graph, auto.last, TaskValues},
		{"sigmoid", sigmoid.Graph, sigmoid.last, TaskValues},
	}
	for _, c := range cases {
		v, task := head(c.g)
		if v != c.head || task != c.task || TaskOf(c.g) != c.task {
			t.Errorf("%s: head %q is %q, want %q and %q", c.name, v.Name, task, c.head.Name, c.task)
		}
	}
}
