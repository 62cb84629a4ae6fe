package finetune

import (
	"fmt"
	"maps"
	"slices"

	"qconv/onnx"
	"qconv/quant"
)

// State is all that changes during training. It is plain data that any encoding can store.
type State struct {
	// Step is the number of steps done.
	Step int
	// Snapshot is the network in training: its values are the float masters.
	Snapshot Snapshot
	// Rates are the learning rates of all trained values at their full size, by name.
	Rates map[string]float64
	// Solver holds the moments of the gradients.
	Solver adam
	// Losses and Accuracies are those of all steps done.
	Losses, Accuracies []float64
	// Strikes is the number of steps on end whose loss was that of a network that diverges.
	Strikes int
	// Validations are all measurements so far. Best is the network of the best one, at
	// position BestAt, as it would be stored; nil before the first.
	Validations []Validation
	Best        *Snapshot
	BestAt      int
}

// Snapshot is a network at one point of training: all of a model that training changes.
type Snapshot struct {
	// Values are the trained weights and biases, by name.
	Values map[string][]float32
	// LogSteps are the logarithms of the sites' steps, one each, and of trained units of codebooks, one or one for
	// each channel, by the name of the site or the weights; beside these, by what they are, the values of
	// normalizations.
	LogSteps map[string][]float32
	// Codebooks and Scales, what each tensor is divided by, are those of the groups of
	// tensors that share a codebook.
	Codebooks []quant.Fitted
	Scales    [][]float64
}

// values are the trained weights and biases by name.
func (t *trainer) values() map[string]*onnx.Value {
	out := map[string]*onnx.Value{}
	for _, v := range append(t.model.WeightValues(), t.model.BiasValues()...) {
		if v.Const != nil {
			out[v.Name] = v
		}
	}
	return out
}

// snapshot copies the network as it is in training.
func (t *trainer) snapshot() *Snapshot {
	s := &Snapshot{Values: map[string][]float32{}, LogSteps: map[string][]float32{}}
	for name, v := range t.values() {
		s.Values[name] = slices.Clone(v.Const.Floats)
	}
	for name, v := range t.logSteps {
		s.LogSteps[name] = slices.Clone(v)
	}
	if t.books != nil {
		s.Codebooks = slices.Clone(t.books.fitted)
		for _, group := range t.books.groups {
			s.Scales = append(s.Scales, slices.Clone(group.Scales))
		}
	}
	return s
}

// load replaces the network by a snapshot that fits it.
func (t *trainer) load(s *Snapshot) {
	for name, v := range t.values() {
		copy(v.Const.Floats, s.Values[name])
	}
	for name, v := range t.logSteps {
		copy(v, s.LogSteps[name])
	}
	if t.books == nil {
		return
	}
	copy(t.books.fitted, s.Codebooks)
	for g := range t.books.groups {
		copy(t.books.groups[g].Scales, s.Scales[g])
		t.books.expand(g)
	}
}

// check says why a snapshot does not fit the model. settled says that its weights have their centres
// already.
func (t *trainer) check(s *Snapshot, settled bool) error {
	values := t.values()
	if !slices.Equal(slices.Sorted(maps.Keys(values)), slices.Sorted(maps.Keys(s.Values))) {
		return fmt.Errorf("the state holds other weights than the model")
	}
	for name, v := range values {
		if len(s.Values[name]) != len(v.Const.Floats) {
			return fmt.Errorf("weights %q have %d elements, want %d", name, len(s.Values[name]), len(v.Const.Floats))
		}
	}
	for name, v := range t.logSteps {
		have, ok := s.LogSteps[name]
		if !ok {
			return fmt.Errorf("the state has no step of site %q", name)
		}
		if len(have) != len(v) {
			return fmt.Errorf("the state has %d steps of %q, want %d", len(have), name, len(v))
		}
	}
	if t.books == nil {
		return nil
	}
	if n := len(t.books.groups); len(s.Codebooks) != n || len(s.Scales) != n {
		return fmt.Errorf("the state has %d codebooks, want %d", len(s.Codebooks), n)
	}
	for g := range t.books.groups {
		if len(s.Codebooks[g].Ints) == 0 && settled {
			return fmt.Errorf("codebook %d of the state is empty", g)
		}
		if !ascends(s.Codebooks[g].Ints) {
			return fmt.Errorf("the integers of codebook %d of the state do not ascend", g)
		}
		first := t.books.groups[g].Values[0]
		if n := len(s.Codebooks[g].Units); n > 0 {
			if _, want := t.model.WeightChannels(first); n != want {
				return fmt.Errorf("codebook %d of the state has %d units, want %d", g, n, want)
			}
		}
		if n, most := len(s.Codebooks[g].Centres), t.books.config.For(first.Name).Weights; t.adjust != nil && n > most && t.adjust.groups[g] != nil {
			return fmt.Errorf("codebook %d of the state has %d centres, want at most %d", g, n, most)
		}
		if len(s.Scales[g]) != len(t.books.groups[g].Values) {
			return fmt.Errorf("codebook %d of the state serves %d tensors, want %d", g, len(s.Scales[g]), len(t.books.groups[g].Values))
		}
	}
	return nil
}

// state copies what the trainer contributes to a state.
func (t *trainer) state() *State {
	s := &State{Snapshot: *t.snapshot(), Rates: map[string]float64{}, Solver: *t.solver}
	for _, p := range t.params {
		s.Rates[p.name] = p.base
	}
	s.Solver.Mean, s.Solver.Square = cloneAll(t.solver.Mean), cloneAll(t.solver.Square)
	return s
}

// restore continues from a state that was taken of the same model and configuration.
func (t *trainer) restore(s *State) error {
	if err := t.check(&s.Snapshot, t.cfg.Schedule == ScheduleForward); err != nil {
		return fmt.Errorf("finetune: resume: %w", err)
	}
	if s.Best != nil {
		if err := t.check(s.Best, true); err != nil {
			return fmt.Errorf("finetune: resume: best network: %w", err)
		}
	}
	for _, p := range t.params {
		if _, ok := s.Rates[p.name]; !ok {
			return fmt.Errorf("finetune: resume: the state has no learning rate of %q", p.name)
		}
	}
	if len(s.Losses) != s.Step || len(s.Accuracies) != s.Step || s.Solver.Steps != s.Step {
		return fmt.Errorf("finetune: resume: the state has %d losses, %d accuracies and %d solver steps of %d steps", len(s.Losses), len(s.Accuracies), s.Solver.Steps, s.Step)
	}
	if s.Step > 0 && s.Solver.Mean == nil && len(t.params) > 0 {
		return fmt.Errorf("finetune: resume: the state has no moments of the gradients")
	}
	if n := len(s.Validations); (s.Best == nil) != (n == 0) || n > 0 && (s.BestAt < 0 || s.BestAt >= n) {
		return fmt.Errorf("finetune: resume: the state has %d validations, the best of them is number %d", n, s.BestAt)
	}
	t.load(&s.Snapshot)
	for _, p := range t.params {
		p.base = s.Rates[p.name]
	}
	t.solver.Steps = s.Solver.Steps
	t.solver.Mean, t.solver.Square = cloneAll(s.Solver.Mean), cloneAll(s.Solver.Square)
	return nil
}

func ascends(v []int32) bool {
	for i := 1; i < len(v); i++ {
		if v[i] <= v[i-1] {
			return false
		}
	}
	return true
}

func cloneAll(v [][]float32) [][]float32 {
	out := slices.Clone(v)
	for i := range out {
		out[i] = slices.Clone(out[i])
	}
	return out
}
