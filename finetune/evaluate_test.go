package finetune

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"qconv/onnx"
)

// listed is a network that answers from a table, by sample.
type listed [][]float64

func (l listed) Sizes() (input, output int) { return 2, len(l[0]) }
func (l listed) Predict(ctx context.Context, samples []int, dst [][]float64) error {
	for k, i := range samples {
		if i > 90 {
			return errors.New("no such picture")
		}
		copy(dst[k], l[i])
	}
	return ctx.Err()
}
func (l listed) Target(i int, dst []float64) error {
	dst[0], dst[1] = float64(i), 0
	return nil
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
	first := listed{
		{9, 0, 0, 0, 0, 0, 0}, // right
		{5, 4, 3, 2, 1, 0, 6}, // label 5 has rank 7: wrong in both
		{5, 4, 3, 2, 1, 0, 6}, // label 3 has rank 5
		{0, 0, 0, 0, 1, 0, 0}, // no label
		{1, 1, 1, 1, 1, 1, 1}, // ties go to the first: label 1 is second
	}
	second := slices.Clone(first)
	second[3] = []float64{0, 0, 0, 0, 0, 2, 0}
	data := numbered{0, 5, 3, -1, 1}
	done := 0
	m, other, err := Compare(context.Background(), first, second, data, EvaluateConfig{Progress: func(d, all int) { done = d }})
	if err != nil {
		t.Fatal(err)
	}
	want := Metrics{Steps: 1, Samples: 5, Labelled: 4, Answers: 3, Accuracy: 0.25, Top5: 0.75, Agreement: 0.8, Distance: 5.0 / 7 / 5}
	want.Most, want.MostLabel = 0.4, 0.25 // classes 0 and 6 are twice among five answers
	want.Spread, want.DistanceError = m.Spread, m.DistanceError
	if m != want || done != 5 {
		t.Errorf("got %+v after %d samples, want %+v", m, done, want)
	}
	if math.Abs(m.DistanceError-1.0/7) > 1e-9 { // of 0, 0, 0, 5/7, 0
		t.Errorf("the distance has error %g, want %g", m.DistanceError, 1.0/7)
	}
	if math.Abs(m.Spread-math.Sqrt(deviations(second))) > 1e-9 || math.Abs(m.SNR()-10*math.Log10(m.Spread*m.Spread/m.Distance)) > 1e-9 {
		t.Errorf("the other's outputs deviate by %g, want %g; signal to noise is %g dB", m.Spread, math.Sqrt(deviations(second)), m.SNR())
	}
	want.Spread, want.MostClass, want.Most = 0, other.MostClass, other.Most
	if other != want {
		t.Errorf("the other network: got %+v, want %+v", other, want)
	}
	var seen []int
	m, err = Evaluate(context.Background(), first, data, EvaluateConfig{Limit: 2, Each: func(i int, own, other []float64) {
		if seen = append(seen, i); own[0] != first[i][0] || len(own) != 7 || other != nil {
			t.Errorf("sample %d has outputs %v and %v", i, own, other)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(seen, []int{0, 2}) {
		t.Errorf("shown samples %v, want 0 and 2", seen)
	}
	if m.Samples != 2 || m.Labelled != 2 || m.Accuracy != 0.5 { // samples 0 and 2
		t.Errorf("of two samples: %+v", m)
	}
	mirror := listed{{0, 0}, {1, 1}, {2, 3}}
	m, err = Evaluate(context.Background(), mirror, numbered{-1, -1, -1}, EvaluateConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if !m.HasMSE || math.Abs(m.MSE-10.0/2/3) > 1e-9 {
		t.Errorf("mean squared error %+v, want %g", m, 10.0/2/3)
	}
}

// deviations is the variance of all numbers of a table.
func deviations(table [][]float64) float64 {
	all := slices.Concat(table...)
	sum, squares := 0.0, 0.0
	for _, v := range all {
		sum += v
		squares += v * v
	}
	n := float64(len(all))
	return squares/n - sum/n*sum/n
}

// aimed are samples with targets.
type aimed struct {
	numbered
	targets [][]float32
}

func (a aimed) Target(i int) []float32 { return a.targets[i] }

// TestTargets measures numbers against those of the data, not against the inputs.
func TestTargets(t *testing.T) {
	net := listed{{1, 10, 5}, {2, 10, 5}, {3, 13, 5}}
	data := aimed{numbered{-1, -1, -1}, [][]float32{{1, 10, 7}, {2, 11, 7}, {3, 12, 7}}}
	m, err := Evaluate(context.Background(), net, data, EvaluateConfig{})
	if err != nil {
		t.Fatal(err)
	}
	// The first output is right, the second has squares 0, 1, 1 against 2 of the targets around their mean; targets of the third do not vary.
	errors := []float64{4.0 / 3, 5.0 / 3, 5.0 / 3}
	mean := (errors[0] + errors[1] + errors[2]) / 3
	if !m.HasMSE || !m.HasTargets || math.Abs(m.R2-0.5) > 1e-9 || math.Abs(m.MSE-mean) > 1e-9 || math.Abs(m.MSEError-1.0/9) > 1e-9 {
		t.Errorf("got %+v, want R2 0.5 and MSE %g ± %g", m, mean, 1.0/9)
	}
	data.targets[2] = data.targets[2][:2]
	if _, err := Evaluate(context.Background(), net, data, EvaluateConfig{}); err == nil {
		t.Error("no error for a sample with too few targets")
	}
	constant := aimed{numbered{-1, -1}, [][]float32{{1, 1, 1}, {1, 1, 1}}}
	if m, err := Evaluate(context.Background(), net[:2], constant, EvaluateConfig{}); err != nil || !math.IsNaN(m.R2) {
		t.Errorf("targets that do not vary: R2 is %g (%v)", m.R2, err)
	}
}

func TestEvaluateErrors(t *testing.T) {
	net := make(listed, 100)
	for i := range net {
		net[i] = []float64{1, 2, 3}
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

// TestSizes demands that inputs which together are as large as the output are no target of it.
func TestSizes(t *testing.T) {
	a, b := &onnx.Value{Name: "a", Shape: onnx.Shape{onnx.Batch, 1}}, &onnx.Value{Name: "b", Shape: onnx.Shape{onnx.Batch, 2}}
	y := &onnx.Value{Name: "y", Shape: onnx.Shape{onnx.Batch, 3}}
	g := &onnx.Graph{Opset: 17, Inputs: []*onnx.Value{a, b}, Outputs: []*onnx.Value{y}, Nodes: []*onnx.Node{
		{Name: "concat", Op: &onnx.Concat{Axis: 1}, Inputs: []*onnx.Value{a, b}, Outputs: []*onnx.Value{y}},
	}}
	e, err := NewExecutor(g, 4, ExecOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if in, out := e.On(nil).Sizes(); in == out || out != 3 {
		t.Errorf("sizes %d and %d", in, out)
	}
}

func TestTies(t *testing.T) {
	equal := []float64{1, 1, 1}
	for label := range equal {
		if !inTop(equal, label, label+1) || inTop(equal, label, label) {
			t.Errorf("label %d of equal values does not have rank %d", label, label)
		}
	}
	if got := Argmax(equal); got != 0 {
		t.Errorf("argmax of equal values: got %d, want the first", got)
	}
}

// TestEvaluateNoNumbers demands that an output that is no number is the lowest.
func TestEvaluateNoNumbers(t *testing.T) {
	nan := math.NaN()
	net := listed{{nan, 1, 0}, {nan, nan, nan}, {2, nan, 3}}
	m, other, err := Compare(context.Background(), net, listed{{0, 5, 1}, {1, 0, 0}, {0, 0, 1}}, numbered{0, 0, 2}, EvaluateConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if m.Accuracy != 1.0/3 || m.Agreement != 1 || other.Accuracy != 2.0/3 || !math.IsNaN(m.Distance) {
		t.Errorf("got %+v and %+v", m, other)
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
	maps := newGraphOf(1, 1, 4, 4).conv(t, "maps", 2, 3, 1)
	row := newGraphOf(1, 3, 4, 4).conv(t, "conv", 5, 3, 1).add(t, "mean", &onnx.GlobalAveragePool{})
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
		{"linear maps", maps.Graph, maps.last, TaskValues},
		{"scores in a corner of maps", row.Graph, row.last, TaskClasses},
	}
	for _, c := range cases {
		v, task := head(c.g)
		if v != c.head || task != c.task || TaskOf(c.g) != c.task {
			t.Errorf("%s: head %q is %q, want %q and %q", c.name, v.Name, task, c.head.Name, c.task)
		}
	}
}
