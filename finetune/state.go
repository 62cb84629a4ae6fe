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
	// Values are the trained weights and biases, by name: the float masters.
	Values map[string][]float32
	// LogSteps are the logarithms of the sites' steps and of trained units of codebooks, by
	// the name of the site or the weights.
	LogSteps map[string]float32
	// Rates are the learning rates of all trained values at their full size, by name.
	Rates map[string]float64
	// Codebooks and Scales, what each tensor is divided by, are those of the groups of
	// tensors that share a codebook.
	Codebooks []quant.Fitted
	Scales    [][]float64
	// Solver holds the moments of the gradients.
	Solver Adam
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

// state copies the present state.
func (t *trainer) state(step int) *State {
	s := &State{Step: step, Values: map[string][]float32{}, LogSteps: map[string]float32{}, Rates: map[string]float64{}, Solver: *t.solver}
	for name, v := range t.values() {
		s.Values[name] = slices.Clone(v.Const.Floats)
	}
	for name, v := range t.logSteps {
		s.LogSteps[name] = v[0]
	}
	for _, p := range t.params {
		s.Rates[p.name] = p.base
	}
	if t.books != nil {
		s.Codebooks = slices.Clone(t.books.fitted)
		for _, group := range t.books.groups {
			s.Scales = append(s.Scales, slices.Clone(group.Scales))
		}
	}
	s.Solver.Mean, s.Solver.Square = cloneAll(t.solver.Mean), cloneAll(t.solver.Square)
	return s
}

// restore continues from a state that was taken of the same model and configuration.
func (t *trainer) restore(s *State) error {
	values := t.values()
	if !slices.Equal(slices.Sorted(maps.Keys(values)), slices.Sorted(maps.Keys(s.Values))) {
		return fmt.Errorf("finetune: resume: the state holds other weights than the model")
	}
	for name, v := range values {
		if len(s.Values[name]) != len(v.Const.Floats) {
			return fmt.Errorf("finetune: resume: weights %q have %d elements, want %d", name, len(s.Values[name]), len(v.Const.Floats))
		}
	}
	for _, p := range t.params {
		if _, ok := s.Rates[p.name]; !ok {
			return fmt.Errorf("finetune: resume: the state has no learning rate of %q", p.name)
		}
	}
	for name := range t.logSteps {
		if _, ok := s.LogSteps[name]; !ok {
			return fmt.Errorf("finetune: resume: the state has no step of site %q", name)
		}
	}
	if t.books != nil {
		if n := len(t.books.groups); len(s.Codebooks) != n || len(s.Scales) != n {
			return fmt.Errorf("finetune: resume: the state has %d codebooks, want %d", len(s.Codebooks), n)
		}
		for g := range t.books.groups {
			if len(s.Scales[g]) != len(t.books.groups[g].Values) {
				return fmt.Errorf("finetune: resume: codebook %d of the state serves %d tensors, want %d", g, len(s.Scales[g]), len(t.books.groups[g].Values))
			}
		}
	}
	for name, v := range values {
		copy(v.Const.Floats, s.Values[name])
	}
	for name, v := range t.logSteps {
		v[0] = s.LogSteps[name]
	}
	for _, p := range t.params {
		p.base = s.Rates[p.name]
	}
	if t.books != nil {
		copy(t.books.fitted, s.Codebooks)
		for g := range t.books.groups {
			copy(t.books.groups[g].Scales, s.Scales[g])
			t.books.expand(g)
		}
	}
	t.solver.Steps = s.Solver.Steps
	t.solver.Mean, t.solver.Square = cloneAll(s.Solver.Mean), cloneAll(s.Solver.Square)
	return nil
}

func cloneAll(v [][]float32) [][]float32 {
	out := slices.Clone(v)
	for i := range out {
		out[i] = slices.Clone(out[i])
	}
	return out
}
