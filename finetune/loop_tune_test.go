package finetune

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"qconv/onnx"
	"qconv/quant"
)

// pulses are sequences of noise with a pulse in one of their channels, at some step. The class of a sample is the channel; that of a step is how
// many pulses of channel 0 there were so far, odd or even.
type pulses struct {
	x      [][]float32
	labels []int
	steps  [][]int
}

const pulseSteps, pulseChannels = 6, 3

func newPulses(seed uint64, n int) *pulses {
	rng := rand.New(rand.NewPCG(seed, 2))
	p := &pulses{}
	for range n {
		x := make([]float32, pulseSteps*pulseChannels)
		for i := range x {
			x[i] = float32(rng.NormFloat64() * 0.1)
		}
		channel := rng.IntN(pulseChannels)
		x[rng.IntN(pulseSteps)*pulseChannels+channel] += 1
		p.x, p.labels = append(p.x, x), append(p.labels, channel)
		seen, steps := 0, make([]int, pulseSteps)
		for t := range steps {
			if x[t*pulseChannels] > 0.5 {
				seen = 1
			}
			steps[t] = seen
		}
		p.steps = append(p.steps, steps)
	}
	return p
}

func (p *pulses) Len() int                         { return len(p.x) }
func (p *pulses) Shapes() [][]int                  { return [][]int{{pulseSteps, pulseChannels}} }
func (p *pulses) Input(i int, dst []float32) error { copy(dst, p.x[i]); return nil }
func (p *pulses) Label(i int) int                  { return p.labels[i] }

// steppedPulses have a class for every step.
type steppedPulses struct{ *pulses }

func (p steppedPulses) Label(int) int         { return -1 }
func (p steppedPulses) StepLabel(i int) []int { return p.steps[i] }

// pulseNet is a recurrent classifier of pulses, or of their steps.
func pulseNet(t testing.TB, c cell, ofSteps bool) *onnx.Graph {
	r := newRecurrent(t)
	all, last := r.recur("a", c, r.input("x", pulseSteps, pulseChannels), 8, false, false)
	if ofSteps {
		turned := r.node("turned", &onnx.Transpose{Perm: []int{0, 2, 1}}, all)
		scores := r.node("scores", &onnx.Conv{Kernel: []int{1}, Strides: []int{1}, Dilations: []int{1}, Pads: []int{0, 0}, Groups: 1}, turned,
			r.constant("scores.w", 0.5, 2, 8, 1), r.constant("scores.b", 0.1, 2))
		r.output(r.node("back", &onnx.Transpose{Perm: []int{0, 2, 1}}, scores))
	} else {
		r.output(r.gemm("scores", last[0], pulseChannels))
	}
	return r.Graph
}

// trainedPulseNet is trained in floating point, but for many levels.
func trainedPulseNet(t testing.TB, c cell, data Data, ofSteps bool) *onnx.Graph {
	t.Helper()
	g := pulseNet(t, c, ofSteps)
	m := calibrated(t, g, data, 256)
	cfg := DefaultConfig()
	cfg.Schedule, cfg.Loss, cfg.Steps, cfg.Batch, cfg.Rate = ScheduleNone, LossLabels, 150, 32, 5e-2
	if _, err := Tune(context.Background(), m, data, cfg); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestTuneLoop(t *testing.T) {
	train, test := newPulses(1, 400), newPulses(2, 300)
	for name, c := range cells {
		teacher := trainedPulseNet(t, c, train, false)
		if a := accuracyOf(t, modelOf(t, teacher), test); a < 0.95 {
			t.Fatalf("%s: the float network has accuracy %g", name, a)
		}
		for _, schedule := range []struct {
			name string
			set  func(c *Config)
		}{
			{"forward", func(c *Config) {}},
			{"shared", func(c *Config) { c.Cluster.Scope = quant.ScopeNetwork }},
			{"periodic", func(c *Config) { c.Schedule, c.Cluster.Weights = SchedulePeriodic, 16 }},
			{"integer, labels", func(c *Config) { c.Loss, c.Cluster.Codebook = LossLabels, quant.KindInteger }},
		} {
			t.Run(name+" "+schedule.name, func(t *testing.T) {
				m := calibrated(t, teacher.Clone(), train, 16)
				before := m.Levels["a.h"].Step
				weights := slices.Clone(m.WeightValues()[0].Const.Floats)
				cfg := DefaultConfig()
				cfg.Cluster.Weights, cfg.Steps, cfg.Batch, cfg.Rate = 16, 60, 32, 1e-2
				schedule.set(&cfg)
				if _, err := Tune(context.Background(), m, train, cfg); err != nil {
					t.Fatal(err)
				}
				checkCodes(t, m, 16)
				if m.Levels["a.h"].Step == before {
					t.Error("the step of the state did not change")
				}
				if slices.Equal(weights, m.WeightValues()[0].Const.Floats) {
					t.Error("the weights did not change")
				}
				if a := accuracyOf(t, m, test); a < 0.93 {
					t.Errorf("accuracy is %g", a)
				}
			})
		}
	}
}

// TestTuneSteps trains on classes of steps, and on the teacher's.
func TestTuneSteps(t *testing.T) {
	train, test := steppedPulses{newPulses(1, 400)}, steppedPulses{newPulses(2, 300)}
	g := trainedPulseNet(t, cells["gru"], train, true)
	for _, loss := range []LossKind{LossLabels, LossTeacher} {
		m := calibrated(t, g.Clone(), train, 16)
		cfg := DefaultConfig()
		cfg.Loss, cfg.Task, cfg.Cluster.Weights, cfg.Steps, cfg.Batch, cfg.Rate, cfg.Validation = loss, TaskClasses, 16, 60, 32, 1e-2, test
		r, err := Tune(context.Background(), m, train, cfg)
		if err != nil {
			t.Fatal(err)
		}
		best := r.Best.Metrics
		if best.Steps != pulseSteps || best.Labelled != pulseSteps*len(test.x) || best.Answers != 2 {
			t.Errorf("loss %s: %+v, want %d labelled steps of 2 classes", loss, best, pulseSteps*len(test.x))
		}
		if best.Accuracy < 0.97 || best.Agreement < 0.97 {
			t.Errorf("loss %s: accuracy %g, agreement %g", loss, best.Accuracy, best.Agreement)
		}
		if a := accuracyOf(t, m, test); a != best.Accuracy {
			t.Errorf("loss %s: accuracy is %g, that of the validation %g", loss, a, best.Accuracy)
		}
	}
	cfg := DefaultConfig()
	cfg.Loss, cfg.Task = LossLabels, TaskClasses
	if _, err := Tune(context.Background(), calibrated(t, g, train, 16), train.pulses, cfg); err == nil {
		t.Error("one class for a network of classes of steps: no error")
	}
}

// TestTuneLoopResume stops a run and goes on: the result is that of a run without a stop, to the last bit.
func TestTuneLoopResume(t *testing.T) {
	data := newPulses(1, 60)
	start := func() *quant.Model { return calibrated(t, pulseNet(t, cells["lstm"], false), data, 16) }
	cfg := tuneConfig()
	whole := start()
	if _, err := Tune(context.Background(), whole, data, cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var saved *State
	cfg.Teacher = pulseNet(t, cells["lstm"], false)
	cfg.Checkpoint = func(s *State) error { saved = s; return nil }
	cfg.Progress = func(p Progress) {
		if p.Step == 6 {
			cancel()
		}
	}
	if r, err := Tune(ctx, start(), data, cfg); err != nil || !r.Stopped || saved == nil || saved.Step != 6 {
		t.Fatalf("the run was not stopped after 6 steps: %v", err)
	}
	again := start()
	cfg.Progress, cfg.Resume = nil, saved
	if _, err := Tune(context.Background(), again, data, cfg); err != nil {
		t.Fatal(err)
	}
	if fingerprint(again) != fingerprint(whole) {
		t.Error("the resumed run ends elsewhere than the unbroken one")
	}
}

// TestPostTrainLoop makes up for few weights in a network with a loop, from samples alone.
func TestPostTrainLoop(t *testing.T) {
	train := newPulses(1, 400)
	for name, c := range cells {
		t.Run(name, func(t *testing.T) {
			float := trainedPulseNet(t, c, train, false)
			m := calibrated(t, float.Clone(), train, 32)
			cluster := quant.DefaultClusterConfig()
			cluster.Weights = 6
			if err := quant.Cluster(m, cluster); err != nil {
				t.Fatal(err)
			}
			r, err := PostTrain(context.Background(), m, float, train, PostTrainConfig{Cluster: cluster, Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			if r.Undistilled != nil {
				t.Error(r.Undistilled)
			}
			t.Log(r.Loss)
			if !(r.Loss[StageDistilled] < 0.5*r.Loss[StageClustered]) {
				t.Errorf("losses by stage: %v", r.Loss)
			}
			checkCodes(t, m, 6)
		})
	}
}

// TestCorrectBiasLoop wants the means of layers in the body of a loop, over all iterations, to come closer to those of the float network.
func TestCorrectBiasLoop(t *testing.T) {
	data := newPulses(1, 200)
	for name, c := range cells {
		t.Run(name, func(t *testing.T) {
			float := trainedPulseNet(t, c, data, false)
			m := calibrated(t, float.Clone(), data, 32)
			cluster := quant.DefaultClusterConfig()
			cluster.Weights = 6
			if err := quant.Cluster(m, cluster); err != nil {
				t.Fatal(err)
			}
			off := func() float64 {
				t.Helper()
				want, got := meansOf(t, float, nil, data), meansOf(t, m.Graph, m.Levels, data)
				sum := 0.0
				for name, w := range want {
					for i, v := range w {
						sum += (got[name][i] - v) * (got[name][i] - v)
					}
				}
				return sum
			}
			before := off()
			if err := CorrectBias(context.Background(), m, float, data, data.Len()); err != nil {
				t.Fatal(err)
			}
			if after := off(); !(after < 0.2*before) {
				t.Errorf("the means of layers were off by %g, and are by %g", before, after)
			}
		})
	}
}

// meansOf are the means of all layers by channel, over all samples and iterations.
func meansOf(t *testing.T, g *onnx.Graph, levels map[string]quant.Levels, data Data) map[string][]float64 {
	t.Helper()
	exec, err := NewExecutor(g, data.Len(), ExecOptions{Levels: levels})
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, 0)
	for i := range data.Len() {
		sample := make([]float32, pulseSteps*pulseChannels)
		if err := data.Input(i, sample); err != nil {
			t.Fatal(err)
		}
		x = append(x, sample...)
	}
	if _, err := exec.Run(x); err != nil {
		t.Fatal(err)
	}
	means := map[string][]float64{}
	for _, n := range g.Nodes {
		if canShift(n) {
			channels, area := channelAxis(n)
			means[n.Name] = meanPerChannel(exec.Value(n.Outputs[0].Name), channels, area)
		}
	}
	return means
}
