package finetune

import (
	"fmt"

	"qconv/quant"
)

// teacher says what the float network makes of samples. Its answers are kept where the
// data do not vary.
type teacher struct {
	exec  *Executor
	head  string
	size  int // values per sample
	known map[int][]float32
	limit int // samples to keep
}

// keepValues is how many values of the teacher are kept at most.
const keepValues = 1 << 26

// newTeacher prepares the float network: the one that is given, or a copy of the model's.
func newTeacher(m *quant.Model, cfg Config, headName string, data Data) (*teacher, error) {
	g := cfg.Teacher
	if g == nil {
		g = m.Graph.Clone()
	} else if cfg.Task == TaskValues && headName == scored(m.Graph).Name {
		headName = scored(g).Name
	} else if h, _ := head(g); h.Shape.Elems() == m.Graph.Outputs[0].Shape.Elems() {
		headName = h.Name
	}
	exec, err := NewExecutor(g, cfg.Batch, ExecOptions{})
	if err != nil {
		return nil, fmt.Errorf("finetune: teacher: %w", err)
	}
	v := exec.byName[headName]
	if v == nil || v.Shape.Elems() != m.Graph.Outputs[0].Shape.Elems() {
		return nil, fmt.Errorf("finetune: teacher: its output does not match that of the model, %v", m.Graph.Outputs[0].Shape)
	}
	t := &teacher{exec: exec, head: headName, size: v.Shape.Elems()}
	if _, ok := data.(Varying); !ok {
		t.known = map[int][]float32{}
		t.limit = keepValues / t.size
	}
	return t, nil
}

// ask writes the teacher's answers for a batch, one sample after the other.
func (t *teacher) ask(b *batch, dst []float32) error {
	missing := false
	for k, i := range b.indices {
		if answer, ok := t.known[i]; ok {
			copy(dst[k*t.size:][:t.size], answer)
		} else {
			missing = true
		}
	}
	if !missing {
		return nil
	}
	if _, err := t.exec.Run(b.inputs...); err != nil {
		return fmt.Errorf("finetune: teacher: %w", err)
	}
	copy(dst, t.exec.Value(t.head))
	if t.known != nil {
		for k, i := range b.indices {
			if len(t.known) < t.limit {
				t.known[i] = append([]float32(nil), dst[k*t.size:][:t.size]...)
			}
		}
	}
	return nil
}
