package finetune

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"qconv/quant"
)

// TestValidationLeavesTrainingAlone compares runs with and without measurements, for every
// schedule, from the same start.
func TestValidationLeavesTrainingAlone(t *testing.T) {
	data := newPictures(2, 50)
	for _, schedule := range []Schedule{ScheduleForward, SchedulePeriodic, ScheduleNone} {
		run := func(set func(*Config)) (*Result, *State) {
			t.Helper()
			cfg := tuneConfig()
			cfg.Schedule, cfg.Period = schedule, 5
			var last *State
			cfg.CheckpointEvery = 11
			cfg.Checkpoint = func(s *State) error { last = s; return nil }
			set(&cfg)
			r, err := Tune(context.Background(), calibrated(t, smallNet(t), data, 8), data, cfg)
			if err != nil {
				t.Fatal(err)
			}
			return r, last
		}
		plain, want := run(func(*Config) {})
		measured, got := run(func(c *Config) { c.Validation, c.ValidateEvery, c.ValidateSamples = newPictures(3, 40), 2, 30 })
		if !reflect.DeepEqual(plain.Losses, measured.Losses) || !reflect.DeepEqual(want.Snapshot, got.Snapshot) {
			t.Errorf("%s: training with measurements goes another way", schedule)
		}
		if plain.Best != nil || measured.Best == nil || len(measured.Validations) != 6 || measured.Validations[5].Step != 12 ||
			measured.Best.Metrics.Samples != 30 || measured.Criterion != ByAccuracy {
			t.Errorf("%s: got best %v and %d validations by %q", schedule, measured.Best, len(measured.Validations), measured.Criterion)
		}
		if schedule != ScheduleNone {
			checkCodes(t, measured.Model, 16)
		}
	}
}

func TestValidateEvery(t *testing.T) {
	for _, c := range []struct{ steps, batch, samples, limit, every, want int }{
		{1000, 64, 5000, 2000, 0, 125},
		{1000, 64, 5000, 0, 0, 334},
		{1003, 64, 1000, 2000, 0, 126},
		{100, 64, 5000, 2000, 0, 100},
		{1, 1, 5, 2000, 0, 1},
		{100, 64, 5000, 2000, 7, 7},
	} {
		cfg := Config{Batch: c.batch, Validation: newPictures(1, c.samples), ValidateSamples: c.limit, ValidateEvery: c.every}
		if got := cfg.validateEvery(c.steps); got != c.want {
			t.Errorf("%+v: got every %d steps", c, got)
		}
	}
}

// TestBestIsStored measures every step of a run whose learning rate does harm, and looks
// whether the model that comes out is the best of all.
func TestBestIsStored(t *testing.T) {
	teacher, data, val := trainedNet(t), newPictures(2, 100), newPictures(3, 60)
	for _, schedule := range []Schedule{ScheduleForward, SchedulePeriodic} {
		m := calibrated(t, teacher.Clone(), data, 8)
		cfg := tuneConfig()
		cfg.Schedule, cfg.Loss, cfg.Rate, cfg.Steps, cfg.Warmup = schedule, LossTeacher, 0.5, 20, 0
		cfg.Validation, cfg.ValidateEvery = val, 1
		r, err := Tune(context.Background(), m, data, cfg)
		if err != nil {
			t.Fatal(err)
		}
		best := 0.0
		for _, v := range r.Validations {
			best = max(best, v.Metrics.Agreement)
		}
		own, err := NewModelExecutor(m, 32)
		if err != nil {
			t.Fatal(err)
		}
		float, err := NewExecutor(teacher, 32, ExecOptions{})
		if err != nil {
			t.Fatal(err)
		}
		stored, _, err := Compare(context.Background(), own.On(val), float.On(val), val, EvaluateConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Criterion != ByAgreement || r.Best.Metrics.Agreement != best || !reflect.DeepEqual(stored, r.Best.Metrics) {
			t.Errorf("%s: stored is %+v, reported %+v, the best agreement is %g", schedule, stored, r.Best.Metrics, best)
		}
		if last := r.Validations[len(r.Validations)-1].Metrics.Agreement; last == best {
			t.Errorf("%s: the last network is as good as the best, the test shows nothing", schedule)
		}
		checkCodes(t, m, 16)
	}
}

// TestResumeEverywhere interrupts a run after every step and encodes the state in between.
func TestResumeEverywhere(t *testing.T) {
	data, val := newPictures(2, 50), newPictures(3, 30)
	for _, schedule := range []Schedule{ScheduleForward, SchedulePeriodic, "forward, raw", "forward, normalized"} {
		config := func() Config {
			cfg := tuneConfig()
			schedule, kind, _ := strings.Cut(string(schedule), ", ")
			switch kind {
			case "raw":
				cfg.Cluster.Scope, cfg.Cluster.Weights = quant.ScopeGlobal, 64
			case "normalized":
				cfg.Cluster.Codebook, cfg.Cluster.Units, cfg.Normalize = quant.KindInteger, quant.UnitChannel, true
			}
			cfg.Schedule, cfg.Period, cfg.Validation, cfg.ValidateEvery, cfg.Teacher = Schedule(schedule), 5, val, 3, smallNet(t)
			cfg.Rate = 0.1
			return cfg
		}
		want, err := Tune(context.Background(), calibrated(t, smallNet(t), data, 8), data, config())
		if err != nil {
			t.Fatal(err)
		}
		m := calibrated(t, smallNet(t), data, 8)
		var saved *State
		var got *Result
		for range 20 {
			ctx, cancel := context.WithCancel(context.Background())
			cfg := config()
			cfg.Resume = saved
			cfg.Progress = func(Progress) { cancel() }
			cfg.Checkpoint = func(s *State) error {
				var file bytes.Buffer
				saved = new(State)
				return errors.Join(gob.NewEncoder(&file).Encode(s), gob.NewDecoder(&file).Decode(saved))
			}
			if got, err = Tune(ctx, m, data, cfg); err != nil {
				t.Fatal(err)
			}
			cancel()
			if !got.Stopped {
				break
			}
		}
		if got.Steps != 12 || fingerprint(m) != fingerprint(want.Model) {
			t.Errorf("%s: after %d steps, one at a time, the network is another one", schedule, got.Steps)
		}
		if !reflect.DeepEqual(got.Validations, want.Validations) || !reflect.DeepEqual(got.Losses, want.Losses) ||
			!reflect.DeepEqual(got.Best, want.Best) || got.Criterion != want.Criterion {
			t.Errorf("%s: got %+v\nwant %+v", schedule, got, want)
		}
	}
}

// TestResumeErrors resumes from states that do not fit.
func TestResumeErrors(t *testing.T) {
	data := newPictures(2, 50)
	take := func() *State {
		var saved *State
		cfg := tuneConfig()
		cfg.Validation, cfg.ValidateEvery, cfg.CheckpointEvery = data, 3, 6
		cfg.Checkpoint = func(s *State) error { saved = s; return nil }
		if _, err := Tune(context.Background(), calibrated(t, smallNet(t), data, 8), data, cfg); err != nil {
			t.Fatal(err)
		}
		return saved
	}
	for _, c := range []struct {
		name  string
		spoil func(s *State)
		want  string
	}{
		{"weights missing", func(s *State) { delete(s.Snapshot.Values, "fc.w") }, "the state holds other weights than the model"},
		{"weights short", func(s *State) { s.Snapshot.Values["fc.w"] = nil }, `weights "fc.w" have 0 elements, want 512`},
		{"site missing", func(s *State) { s.Snapshot.LogSteps = nil }, "the state has no step of site"},
		{"codebook missing", func(s *State) { s.Snapshot.Codebooks = s.Snapshot.Codebooks[1:] }, "the state has 2 codebooks, want 3"},
		{"codebook empty", func(s *State) { s.Snapshot.Codebooks[1].Ints = nil }, "codebook 1 of the state is empty"},
		{"codebook falls", func(s *State) { slices.Reverse(s.Snapshot.Codebooks[1].Ints) }, "the integers of codebook 1 of the state do not ascend"},
		{"codebook repeats", func(s *State) { s.Best.Codebooks[1].Ints[1] = s.Best.Codebooks[1].Ints[0] }, "the integers of codebook 1"},
		{"units", func(s *State) { s.Snapshot.Codebooks[1].Units = []float64{1, 2} }, "codebook 1 of the state has 2 units, want 8"},
		{"steps of a site", func(s *State) { s.Snapshot.LogSteps["relu1.out"] = []float32{1, 2} }, `the state has 2 steps of "relu1.out", want 1`},
		{"scales", func(s *State) { s.Snapshot.Scales[2] = nil }, "codebook 2 of the state serves 0 tensors, want 1"},
		{"best network", func(s *State) { delete(s.Best.Values, "fc.w") }, "best network: the state holds other weights"},
		{"rates", func(s *State) { s.Rates = nil }, "the state has no learning rate of"},
		{"losses", func(s *State) { s.Losses = s.Losses[1:] }, "5 losses, 6 accuracies and 6 solver steps of 6 steps"},
		{"step", func(s *State) { s.Step = -1 }, "6 solver steps of -1 steps"},
		{"too far", func(s *State) { s.Step = 13 }, "the state is of step 13, 12 are wanted"},
		{"best", func(s *State) { s.BestAt = 2 }, "2 validations, the best of them is number 2"},
		{"no best", func(s *State) { s.Best = nil }, "2 validations"},
		{"moments", func(s *State) { s.Solver.Mean[0] = nil }, "value 0 has"},
		{"no moments", func(s *State) { s.Solver.Mean = nil }, "no moments of the gradients"},
		{"moments missing", func(s *State) { s.Solver.Square = nil }, "adam: got"},
	} {
		s := take()
		c.spoil(s)
		cfg := tuneConfig()
		cfg.Resume = s
		_, err := Tune(context.Background(), calibrated(t, smallNet(t), data, 8), data, cfg)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

// TestDiverged trains far too fast, and from broken weights.
func TestDiverged(t *testing.T) {
	teacher, data := trainedNet(t), newPictures(2, 100)
	for _, loss := range []LossKind{LossTeacher, LossLabels} {
		m := calibrated(t, teacher.Clone(), data, 8)
		cfg := tuneConfig()
		cfg.Loss, cfg.Rate, cfg.Steps, cfg.RangeRate = loss, 0.9, 1000, 0.9
		cfg.Validation, cfg.ValidateEvery = newPictures(3, 40), 1
		checkpoint := 0
		cfg.CheckpointEvery = 1
		cfg.Checkpoint = func(s *State) error { checkpoint = s.Step; return nil }
		_, err := Tune(context.Background(), m, data, cfg)
		var bad *DivergedError
		if !errors.As(err, &bad) || bad.Step > 500 || bad.Best == nil || bad.Best.Metrics.Agreement < 0.9 {
			t.Fatalf("%s: got %v, want a network that diverges soon, and a good one before: %+v", loss, err, bad)
		}
		if checkpoint == 0 || checkpoint >= bad.Step {
			t.Errorf("%s: the last checkpoint is of step %d, training went wrong in step %d", loss, checkpoint, bad.Step)
		}
		checkCodes(t, m, 16)
		own, err := NewModelExecutor(m, 40)
		if err != nil {
			t.Fatal(err)
		}
		if stored, err := Evaluate(context.Background(), own.On(cfg.Validation), cfg.Validation, EvaluateConfig{}); err != nil || stored.Accuracy != bad.Best.Metrics.Accuracy {
			t.Errorf("%s: the model has accuracy %g (%v), the best had %g", loss, stored.Accuracy, err, bad.Best.Metrics.Accuracy)
		}
	}
}

// TestWatchAnswers gives the watch validations directly.
func TestWatchAnswers(t *testing.T) {
	rising := slices.Concat(slices.Repeat([]float64{1}, firstSteps), slices.Repeat([]float64{1.5}, collapseSteps))
	falling := slices.Concat(slices.Repeat([]float64{1}, firstSteps), slices.Repeat([]float64{0.5}, collapseSteps))
	cases := []struct {
		name   string
		task   Task
		losses []float64
		m      Metrics
		bad    bool
	}{
		{"collapsed", TaskClasses, rising, Metrics{Answers: 1, Agreement: 0.1}, true},
		{"values", TaskValues, rising, Metrics{Answers: 1}, false},
		{"several classes", TaskClasses, rising, Metrics{Answers: 2, Agreement: 0.1}, false},
		{"samples of one class", TaskClasses, rising, Metrics{Answers: 1, Agreement: 1}, false},
		{"still learning", TaskClasses, falling, Metrics{Answers: 1, Agreement: 0.1}, false},
		{"too early", TaskClasses, rising[:firstSteps+collapseSteps-1], Metrics{Answers: 1, Agreement: 0.1}, false},
	}
	for _, c := range cases {
		r := &tuning{trainer: &trainer{task: c.task}, losses: c.losses, done: len(c.losses)}
		if err := r.watchAnswers(c.m); (err != nil) != c.bad {
			t.Errorf("%s: got %v, want an error: %v", c.name, err, c.bad)
		}
	}
}

// TestBlind compares with the loss of networks that give every sample the same.
func TestBlind(t *testing.T) {
	data := newPictures(2, 32)
	for _, loss := range []LossKind{LossTeacher, LossLabels, LossBoth} {
		g := smallNet(t)
		last := g.Nodes[len(g.Nodes)-2] // before the softmax
		teacher := g.Clone()
		for _, in := range last.Inputs[1:] {
			clear(in.Const.Floats)
		}
		m := calibrated(t, g, data, 8)
		cfg := tuneConfig()
		cfg.Loss, cfg.Batch, cfg.Steps, cfg.Schedule, cfg.Teacher = loss, 32, 1, ScheduleNone, teacher
		headValue, task := head(m.Graph)
		r, err := newTuning(context.Background(), m, data, cfg, task, headValue, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.run(context.Background(), data); err != nil {
			t.Fatal(err)
		}
		if got := r.blind(); math.Abs(got-r.losses[0]) > 1e-5*got || got == 0 {
			t.Errorf("%s: equal scores have loss %g, want %g", loss, r.losses[0], got)
		}
	}
}
