package finetune

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"qconv/onnx"
	"qconv/quant"
)

// graphOf chains layers onto an input [N][...]; every linear layer has random weights.
type graphOf struct {
	*onnx.Graph
	rng  *rand.Rand
	last *onnx.Value
}

func newGraphOf(seed uint64, sample ...int) *graphOf {
	in := &onnx.Value{Name: "input", Shape: append(onnx.Shape{onnx.Batch}, sample...)}
	return &graphOf{Graph: &onnx.Graph{Inputs: []*onnx.Value{in}}, rng: rand.New(rand.NewPCG(seed, 0)), last: in}
}

// random is a constant of normally distributed values.
func (g *graphOf) random(name string, deviation float64, shape ...int) *onnx.Value {
	data := make([]float32, size(shape))
	for i := range data {
		data[i] = float32(g.rng.NormFloat64() * deviation)
	}
	return &onnx.Value{Name: name, Shape: shape, Const: &onnx.Tensor{Shape: shape, Floats: data}}
}

func (g *graphOf) add(t testing.TB, name string, op onnx.Op, operands ...*onnx.Value) *graphOf {
	t.Helper()
	in := append([]*onnx.Value{g.last}, operands...)
	shapes := make([]onnx.Shape, len(in))
	for i, v := range in {
		shapes[i] = v.Shape
	}
	out, err := op.InferShape(shapes)
	if err != nil {
		t.Fatal(err)
	}
	g.last = &onnx.Value{Name: name + ".out", Shape: out[0]}
	g.Nodes = append(g.Nodes, &onnx.Node{Name: name, Op: op, Inputs: in, Outputs: []*onnx.Value{g.last}})
	g.Outputs = []*onnx.Value{g.last}
	return g
}

func (g *graphOf) conv(t testing.TB, name string, out, k, stride int) *graphOf {
	in := g.last.Shape[1]
	return g.add(t, name, &onnx.Conv{Kernel: []int{k, k}, Strides: []int{stride, stride}, Dilations: []int{1, 1}, Pads: []int{k / 2, k / 2, k / 2, k / 2}, Groups: 1},
		g.random(name+".w", math.Sqrt(2/float64(in*k*k)), out, in, k, k), g.random(name+".b", 0.01, out))
}

func (g *graphOf) dense(t testing.TB, name string, out int) *graphOf {
	in := g.last.Shape[1]
	return g.add(t, name, &onnx.Gemm{TransB: true, Alpha: 1, Beta: 1},
		g.random(name+".w", math.Sqrt(2/float64(in)), out, in), g.random(name+".b", 0.01, out))
}

// smallNet is a convolutional classifier of 8x8 pictures with a residual connection.
func smallNet(t testing.TB) *onnx.Graph {
	g := newGraphOf(7, 1, 8, 8).conv(t, "conv1", 8, 3, 1).add(t, "relu1", &onnx.Relu{})
	skip := g.last
	g.conv(t, "conv2", 8, 3, 1).add(t, "join", &onnx.Add{}, skip).add(t, "relu2", &onnx.Relu{})
	g.add(t, "pool", &onnx.MaxPool{Kernel: []int{2, 2}, Strides: []int{2, 2}, Dilations: []int{1, 1}, Pads: make([]int, 4)})
	return g.add(t, "flat", &onnx.Flatten{Axis: 1}).dense(t, "fc", 4).add(t, "softmax", &onnx.Softmax{Axis: 1}).Graph
}

// pictures are noisy bars: class c is a bright row or column at one of two places.
type pictures struct {
	x      [][]float32
	labels []int
}

func newPictures(seed uint64, n int) *pictures {
	rng := rand.New(rand.NewPCG(seed, 1))
	p := &pictures{}
	for i := range n {
		class := i % 4
		x := make([]float32, 64)
		for k := range x {
			x[k] = float32(0.35 * rng.Float64())
			along := k / 8
			if class%2 == 1 {
				along = k % 8
			}
			if along == 1+class/2*4 {
				x[k] += 0.6
			}
		}
		p.x, p.labels = append(p.x, x), append(p.labels, class)
	}
	return p
}

func (p *pictures) Len() int                         { return len(p.x) }
func (p *pictures) Shapes() [][]int                  { return [][]int{{1, 8, 8}} }
func (p *pictures) Input(i int, dst []float32) error { copy(dst, p.x[i]); return nil }
func (p *pictures) Label(i int) int                  { return p.labels[i] }

// unlabelled hides the labels.
type unlabelled struct{ *pictures }

func (unlabelled) Label(int) int { return -1 }

func modelOf(t testing.TB, g *onnx.Graph) *quant.Model {
	t.Helper()
	m, err := quant.NewModel(g)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func calibrated(t testing.TB, g *onnx.Graph, data Data, levels int) *quant.Model {
	t.Helper()
	m := modelOf(t, g)
	cfg := DefaultCalibrateConfig()
	cfg.Levels, cfg.Samples = levels, 100
	if _, err := Calibrate(context.Background(), m, data, cfg); err != nil {
		t.Fatal(err)
	}
	return m
}

func accuracyOf(t testing.TB, m *quant.Model, data Data) float64 {
	t.Helper()
	e, err := NewModelExecutor(m, 50)
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := Evaluate(context.Background(), e.On(data), data, EvaluateConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return metrics.Accuracy
}

// trainedNet is smallNet trained with labels, as a float teacher.
func trainedNet(t testing.TB) *onnx.Graph {
	t.Helper()
	g := smallNet(t)
	data := newPictures(1, 400)
	m := calibrated(t, g, data, 256)
	cfg := DefaultConfig()
	cfg.Schedule, cfg.Loss, cfg.Steps, cfg.Batch, cfg.Rate = ScheduleNone, LossLabels, 60, 32, 3e-2
	if _, err := Tune(context.Background(), m, data, cfg); err != nil {
		t.Fatal(err)
	}
	return g
}

// checkCodes fails unless every weight is unit times a centre of its codebook.
func checkCodes(t *testing.T, m *quant.Model, most int) {
	t.Helper()
	for _, v := range m.WeightValues() {
		code, ok := m.Weights[v.Name]
		if !ok {
			t.Fatalf("weights %q have no codebook", v.Name)
		}
		centres := m.Codebooks[code.Codebook]
		unit := func(int) float64 { return code.Unit }
		if channel, n := m.UnitChannels(v, quant.ClusterConfig{Units: quant.UnitChannel}); code.Units != nil {
			if n != len(code.Units) {
				t.Fatalf("%q has %d units, want %d", v.Name, len(code.Units), n)
			}
			unit = func(i int) float64 { return code.Units[channel(i)] }
		}
		if len(centres) > most {
			t.Errorf("codebook of %q has %d centres, want at most %d", v.Name, len(centres), most)
		}
		if !slices.IsSorted(centres) {
			t.Errorf("codebook of %q does not ascend", v.Name)
		}
		for i, w := range v.Const.Floats {
			k := int32(math.Round(float64(w) / unit(i)))
			if _, found := slices.BinarySearch(centres, k); !found || w != float32(unit(i)*float64(k)) {
				t.Fatalf("weight %d of %q is %g, no multiple of unit %g in the codebook", i, v.Name, w, unit(i))
			}
		}
	}
}

func TestTune(t *testing.T) {
	teacher := trainedNet(t)
	train, test := newPictures(2, 400), newPictures(3, 400)
	if a := accuracyOf(t, modelOf(t, teacher), test); a < 0.97 {
		t.Fatalf("the float network has accuracy %g", a)
	}
	cases := []struct {
		name string
		data Data
		set  func(c *Config)
		most int // centres per codebook
	}{
		{"forward, no labels", unlabelled{train}, func(c *Config) {}, 8},
		{"forward, labels", train, func(c *Config) { c.Loss = LossLabels }, 8},
		{"forward, both, laplacian", train, func(c *Config) { c.Loss, c.Cluster.Method = LossBoth, quant.MethodLaplacian }, 8},
		{"network scope", unlabelled{train}, func(c *Config) { c.Cluster.Scope = quant.ScopeNetwork }, 8},
		{"global scope", unlabelled{train}, func(c *Config) { c.Cluster.Scope, c.Cluster.Weights = quant.ScopeGlobal, 64 }, 64},
		{"periodic", unlabelled{train}, func(c *Config) { c.Schedule, c.Cluster.Weights = SchedulePeriodic, 32 }, 32},
		{"small integers", unlabelled{train}, func(c *Config) { c.Cluster.Codebook, c.Cluster.Weights = quant.KindInteger, 16 }, 16},
		{"units by channel", unlabelled{train}, func(c *Config) {
			c.Cluster.Codebook, c.Cluster.Weights, c.Cluster.Units = quant.KindInteger, 4, quant.UnitChannel
		}, 4},
		{"cheap", unlabelled{train}, func(c *Config) { c.Cluster.Codebook, c.Cluster.Weights = quant.KindCheap, 16 }, 16},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := calibrated(t, teacher.Clone(), c.data, 8)
			before := m.Levels["relu1.out"].Step
			cfg := DefaultConfig()
			cfg.Cluster.Weights, cfg.Steps, cfg.Batch, cfg.Rate, cfg.RangeRate = 8, 50, 32, 1e-2, 2e-3
			c.set(&cfg)
			var last Progress
			cfg.Progress = func(p Progress) { last = p }
			r, err := Tune(context.Background(), m, c.data, cfg)
			if err != nil {
				t.Fatal(err)
			}
			if r.Stopped || r.Steps != 50 || r.Planned != 50 || len(r.Losses) != 50 || last.Step != 50 {
				t.Errorf("%d of %d steps, %d losses, last progress %d, stopped %v", r.Steps, r.Planned, len(r.Losses), last.Step, r.Stopped)
			}
			checkCodes(t, m, c.most)
			if m.Levels["relu1.out"].Step == before {
				t.Error("the step of a site did not change")
			}
			if a := accuracyOf(t, m, test); a < 0.97 {
				t.Errorf("accuracy is %g", a)
			}
		})
	}
}

// TestTuneAutoencoder trains towards the input and towards the teacher.
func TestTuneAutoencoder(t *testing.T) {
	g := newGraphOf(5, 1, 8, 8).add(t, "flat", &onnx.Flatten{Axis: 1}).dense(t, "enc", 16).add(t, "tanh", &onnx.Tanh{})
	g.dense(t, "dec", 64).add(t, "sigmoid", &onnx.Sigmoid{})
	data := newPictures(4, 300)
	m := calibrated(t, g.Graph, data, 32)
	run := func(loss LossKind, schedule Schedule, steps int) float64 {
		t.Helper()
		cfg := DefaultConfig()
		cfg.Loss, cfg.Schedule, cfg.Steps, cfg.Batch, cfg.Rate, cfg.Cluster.Weights = loss, schedule, steps, 32, 5e-2, 16
		if _, err := Tune(context.Background(), m, data, cfg); err != nil {
			t.Fatal(err)
		}
		e, err := NewModelExecutor(m, 50)
		if err != nil {
			t.Fatal(err)
		}
		metrics, err := Evaluate(context.Background(), e.On(data), data, EvaluateConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if !metrics.HasMSE {
			t.Fatal("no MSE for an auto-encoder")
		}
		return metrics.MSE
	}
	float := run(LossLabels, ScheduleNone, 100)
	if float > 0.02 {
		t.Errorf("trained on its input, the mean squared error is %g", float)
	}
	if clustered := run(LossTeacher, ScheduleForward, 60); clustered > 1.2*float+0.002 {
		t.Errorf("clustered, the mean squared error is %g, before %g", clustered, float)
	}
}

// fingerprint is everything training decides.
func fingerprint(m *quant.Model) string {
	var b strings.Builder
	for _, v := range append(m.WeightValues(), m.BiasValues()...) {
		fmt.Fprint(&b, v.Name, v.Const.Floats)
	}
	fmt.Fprint(&b, m.Codebooks, m.Weights, m.Levels)
	return b.String()
}

func tuneConfig() Config {
	cfg := DefaultConfig()
	cfg.Cluster.Weights, cfg.Steps, cfg.Batch, cfg.Refit, cfg.Loss = 16, 12, 16, 4, LossBoth
	return cfg
}

func TestTuneIsDeterministic(t *testing.T) {
	data := newPictures(2, 50)
	for name, set := range map[string]func(*Config){
		"forward":  func(*Config) {},
		"raw":      func(c *Config) { c.Cluster.Scope, c.Cluster.Weights = quant.ScopeGlobal, 64 },
		"periodic": func(c *Config) { c.Cluster.Scope, c.Schedule = quant.ScopeGlobal, SchedulePeriodic },
		"normalized": func(c *Config) {
			c.Cluster.Codebook, c.Cluster.Units, c.Normalize = quant.KindInteger, quant.UnitChannel, true
		},
	} {
		run := func(procs int) string {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			m := calibrated(t, smallNet(t), data, 8)
			cfg := tuneConfig()
			set(&cfg)
			if _, err := Tune(context.Background(), m, data, cfg); err != nil {
				t.Fatal(err)
			}
			return fingerprint(m)
		}
		want := run(1)
		for _, procs := range []int{1, 2, 5} {
			if run(procs) != want {
				t.Errorf("%s: GOMAXPROCS=%d gives another result", name, procs)
			}
		}
	}
}

// TestTuneResume continues from a checkpoint and must end where an unbroken run ends, whatever
// is trained besides the weights.
func TestTuneResume(t *testing.T) {
	data := newPictures(2, 50)
	for name, set := range map[string]func(*quant.ClusterConfig){
		"free":    func(c *quant.ClusterConfig) {},
		"integer": func(c *quant.ClusterConfig) { c.Codebook = quant.KindInteger },
		"units":   func(c *quant.ClusterConfig) { c.Codebook, c.Units, c.Weights = quant.KindInteger, quant.UnitChannel, 4 },
		"pruned":  func(c *quant.ClusterConfig) { c.Prune = 0.5 },
		"frozen":  func(c *quant.ClusterConfig) { c.Layers = map[string]quant.LayerCodebook{"conv2.w": {Frozen: true}} },
	} {
		t.Run(name, func(t *testing.T) {
			start := func() *quant.Model { return calibrated(t, smallNet(t), data, 8) }
			cfg := tuneConfig()
			cfg.Normalize = name == "units"
			set(&cfg.Cluster)
			whole := start()
			if _, err := Tune(context.Background(), whole, data, cfg); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			var saved *State
			cfg.Teacher = smallNet(t)
			cfg.Checkpoint = func(s *State) error { saved = s; return nil }
			cfg.Progress = func(p Progress) {
				if p.Step == 6 {
					cancel()
				}
			}
			broken := start()
			r, err := Tune(ctx, broken, data, cfg)
			if err != nil {
				t.Fatal(err)
			}
			if !r.Stopped || r.Steps != 6 || saved == nil || saved.Step != 6 {
				t.Fatalf("stopped %v after %d steps, checkpoint %v, want a checkpoint of 6", r.Stopped, r.Steps, saved != nil)
			}
			checkCodes(t, broken, 16)
			// A new process has the model as it was, not as the interruption left it.
			again := start()
			cfg.Progress, cfg.Resume = nil, saved
			r, err = Tune(context.Background(), again, data, cfg)
			if err != nil {
				t.Fatal(err)
			}
			if r.Steps != 12 || len(r.Losses) != 12 {
				t.Errorf("resumed to step %d with %d losses, want 12 of each", r.Steps, len(r.Losses))
			}
			if fingerprint(again) != fingerprint(whole) {
				t.Error("the resumed run ends elsewhere than the unbroken one")
			}
		})
	}
}

func TestTuneErrors(t *testing.T) {
	data := newPictures(2, 20)
	good := func() *quant.Model { return calibrated(t, smallNet(t), data, 8) }
	cases := []struct {
		name  string
		model func() *quant.Model
		data  Data
		set   func(c *Config)
		want  string
	}{
		{"configuration", good, data, func(c *Config) { c.Batch, c.Rate, c.Loss = 0, -1, "hope" }, "rate: got -1, want more than 0 and less than 1; batch: got 0, want at least 1"},
		{"no levels", func() *quant.Model { return modelOf(t, smallNet(t)) }, data, func(*Config) {}, `site "input" has no levels`},
		{"no labels", good, unlabelled{data}, func(c *Config) { c.Loss = LossLabels }, "sample 0 has no label"},
		{"diverging", func() *quant.Model {
			m := good()
			m.Graph.Nodes[2].Inputs[2].Const.Floats[0] = float32(math.NaN())
			return m
		}, data, func(c *Config) { c.Teacher = smallNet(t) }, `weights "conv2.b" are not finite`},
		{"bad weights", func() *quant.Model {
			m := good()
			m.Graph.Nodes[0].Inputs[1].Const.Floats[3] = float32(math.Inf(1))
			return m
		}, data, func(*Config) {}, `weights "conv1.w": element 3 is +Inf`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg := tuneConfig()
			c.set(&cfg)
			_, err := Tune(context.Background(), c.model(), c.data, cfg)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestOrderSeesEverySample(t *testing.T) {
	o := order{n: 10, batch: 4, seed: 3}
	seen := map[int]int{}
	var first []visit
	for k := range 5 {
		for at, v := range o.batchOf(k) {
			seen[v.sample]++
			first = append(first, v)
			if want := (4*k + at) / 10; v.epoch != want {
				t.Errorf("sample %d of batch %d is of epoch %d, want %d", at, k, v.epoch, want)
			}
		}
	}
	for i := range 10 {
		if seen[i] != 2 {
			t.Errorf("sample %d was seen %d times in two epochs", i, seen[i])
		}
	}
	again := order{n: 10, batch: 4, seed: 3}
	if got := again.batchOf(3); !reflect.DeepEqual(got, first[12:16]) {
		t.Errorf("asked out of turn, batch 3 is %v, want %v", got, first[12:16])
	}
}

// sums are noisy sums and differences of parts of a row of numbers: regression.
type sums struct {
	x, y [][]float32
}

func newSums(seed uint64, n int) *sums {
	rng := rand.New(rand.NewPCG(seed, 2))
	s := &sums{}
	for range n {
		x := make([]float32, 6)
		for k := range x {
			x[k] = float32(rng.Float64())
		}
		s.x = append(s.x, x)
		s.y = append(s.y, []float32{100 + x[0] + x[1] + x[2], x[3] - x[4], 2 * x[5]})
	}
	return s
}

func (s *sums) Len() int                         { return len(s.x) }
func (s *sums) Shapes() [][]int                  { return [][]int{{6}} }
func (s *sums) Input(i int, dst []float32) error { copy(dst, s.x[i]); return nil }
func (s *sums) Label(i int) int                  { return -1 }
func (s *sums) Target(i int) []float32           { return s.y[i] }

// TestTuneTargets learns numbers from the data alone: the network starts with random weights, so that only targets can bring R2 near 1.
func TestTuneTargets(t *testing.T) {
	g := newGraphOf(3, 6).dense(t, "fc1", 24).add(t, "relu", &onnx.Relu{}).dense(t, "fc2", 3).Graph
	bias := g.Nodes[len(g.Nodes)-1].Inputs[2].Const.Floats
	bias[0] = 100 // nearer than Adam comes in a short run
	if TaskOf(g) != TaskClasses {
		t.Fatalf("the graph alone looks like %s, the test shows nothing", TaskOf(g))
	}
	data, val := newSums(1, 400), newSums(2, 200)
	if task := taskFor(g, data, TaskAuto); task != TaskValues {
		t.Errorf("with targets the task is %s", task)
	}
	m := calibrated(t, g, data, 64)
	cfg := tuneConfig()
	cfg.Loss, cfg.Schedule, cfg.Steps, cfg.Rate, cfg.Batch = LossLabels, ScheduleNone, 400, 0.02, 32
	cfg.Validation = val
	r, err := Tune(context.Background(), m, data, cfg)
	if err != nil {
		t.Fatal(err)
	}
	got := r.Best.Metrics
	if r.Criterion != ByMSE || !got.HasTargets || got.R2 < 0.9 {
		t.Errorf("by %s: got %+v, want R2 of 0.9", r.Criterion, got)
	}
	data.y[0] = data.y[0][:2]
	if _, err := Tune(context.Background(), m, data, cfg); err == nil || !strings.Contains(err.Error(), "samples have 2 targets, the network has 3 outputs") {
		t.Errorf("too few targets: got %v", err)
	}
}
