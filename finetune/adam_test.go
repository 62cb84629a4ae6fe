package finetune

import (
	"math"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// parabola is a value with a gradient that grows with it.
type parabola struct{ value, grad *tensor.Dense }

func newParabola(v ...float32) *parabola {
	return &parabola{newVector(v), newVector(make([]float32, len(v)))}
}

func (s *parabola) Value() G.Value { return s.value }
func (s *parabola) Grad() (G.Value, error) {
	for i, v := range floats(s.value) {
		floats(s.grad)[i] = 3*v - 1
	}
	return s.grad, nil
}

// TestAdamAgainstGorgonia compares with the solver that comes with Gorgonia.
func TestAdamAgainstGorgonia(t *testing.T) {
	ours, theirs := newParabola(1, -2, 0.3), newParabola(1, -2, 0.3)
	a := newAdam(0.05)
	b := G.NewAdamSolver(G.WithLearnRate(0.05))
	for step := range 20 {
		if err := a.Step([]G.ValueGrad{ours}); err != nil {
			t.Fatal(err)
		}
		if err := b.Step([]G.ValueGrad{theirs}); err != nil {
			t.Fatal(err)
		}
		for i, want := range floats(theirs.value) {
			if got := floats(ours.value)[i]; math.Abs(float64(got-want)) > 1e-5 {
				t.Fatalf("after step %d element %d is %g, want %g", step+1, i, got, want)
			}
		}
	}
	if a.Steps != 20 || len(a.Mean) != 1 || len(a.Square[0]) != 3 {
		t.Errorf("state after 20 steps: %+v", a)
	}
}

// TestAdamLimit lets a gradient become a thousand times larger for a step: it counts as one that is as large as the limit allows.
func TestAdamLimit(t *testing.T) {
	for _, limit := range []float64{0, 4} {
		a := newAdam(0.1)
		p := &steady{newVector([]float32{0, 0}), newVector([]float32{3, 4})}
		for range 20 {
			if err := a.step([]G.ValueGrad{p}, limit); err != nil {
				t.Fatal(err)
			}
		}
		before := a.Mean[0][1]
		floats(p.grad)[0], floats(p.grad)[1] = 3000, 4000
		if err := a.step([]G.ValueGrad{p}, limit); err != nil {
			t.Fatal(err)
		}
		moved := float64(a.Mean[0][1]-0.9*before) / 0.1
		want := 4000.0
		if limit > 0 {
			want = 4 * limit
		}
		if math.Abs(moved-want) > 0.01*want {
			t.Errorf("limit %g: the gradient counted as %g, want %g", limit, moved, want)
		}
	}
}

// steady is a value with a gradient that stays.
type steady struct{ value, grad *tensor.Dense }

func (s *steady) Value() G.Value         { return s.value }
func (s *steady) Grad() (G.Value, error) { return s.grad, nil }

func TestAdamModelChanged(t *testing.T) {
	a := newAdam(0.1)
	if err := a.Step([]G.ValueGrad{newParabola(1, 2)}); err != nil {
		t.Fatal(err)
	}
	if err := a.Step([]G.ValueGrad{newParabola(1, 2), newParabola(3)}); err == nil {
		t.Error("no error for a second value")
	}
	if err := a.Step([]G.ValueGrad{newParabola(1, 2, 3)}); err == nil {
		t.Error("no error for a value of another size")
	}
}

func TestRateShare(t *testing.T) {
	for _, c := range []struct {
		step int
		want float64
	}{{0, 0.25}, {3, (1 + math.Cos(0.3*math.Pi)) / 2}, {5, 0.5}, {9, (1 + math.Cos(0.9*math.Pi)) / 2}} {
		if got := rateShare(c.step, 10, 4); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("step %d of 10: share %g, want %g", c.step, got, c.want)
		}
	}
}

func TestDefaultsAreValid(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	if err := DefaultCalibrateConfig().Validate(); err != nil {
		t.Error(err)
	}
}
