package finetune

import (
	"fmt"
	"math"

	"qconv/finetune/internal/kernel"
	"qconv/onnx"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// adam is a [G.Solver] whose state can be stored: all fields are plain data. It does the
// same steps as Gorgonia's, which keeps its state to itself.
type adam struct {
	// Rate is the learning rate of values without a rate of their own.
	Rate float64
	// Decays are those of the gradient's mean and of its square.
	Decays [2]float64
	Eps    float64
	// Steps counts the steps done.
	Steps int
	// Mean and Square are the moments of every value, in the order of the model.
	Mean, Square [][]float32
}

// spikes is how many times larger than so far the gradients of all values together may be in networks with loops; they are made smaller where they are not. With each
// iteration they are multiplied once more, and may for a step become larger by orders of magnitude.
const spikes = 4

// gradientLimit is the limit for a network, 0 for none.
func gradientLimit(g *onnx.Graph) float64 {
	if hasLoops(g) {
		return spikes
	}
	return 0
}

// spikeSteps is how many steps it takes to know how large gradients are.
const spikeSteps = 10

// shrink is what gradients have to be multiplied by.
func (a *adam) shrink(grads [][]float32, left, limit float64) float32 {
	if limit == 0 || a.Steps <= spikeSteps {
		return 1
	}
	now, before := 0.0, 0.0
	for i, g := range grads {
		for k, v := range g {
			now += float64(v) * float64(v)
			before += float64(a.Square[i][k])
		}
	}
	before /= left
	if most := limit * limit * before; now > most {
		return float32(math.Sqrt(most / now))
	}
	return 1
}

// newAdam returns a solver with the usual decays.
func newAdam(rate float64) *adam {
	return &adam{Rate: rate, Decays: [2]float64{0.9, 0.999}, Eps: 1e-8}
}

// Step changes every value of the model against its gradient. The model must have the same
// values in the same order each time.
func (a *adam) Step(model []G.ValueGrad) error { return a.step(model, 0) }

// step is Step with a limit to how many times larger than so far gradients may be, unless 0; see [spikes].
func (a *adam) step(model []G.ValueGrad, limit float64) error {
	if a.Mean == nil {
		for _, p := range model {
			n := p.Value().Shape().TotalSize()
			a.Mean = append(a.Mean, make([]float32, n))
			a.Square = append(a.Square, make([]float32, n))
		}
	}
	if len(a.Mean) != len(model) || len(a.Square) != len(model) {
		return fmt.Errorf("finetune: adam: got %d values, want %d as before", len(model), len(a.Mean))
	}
	a.Steps++
	left := [2]float64{1, 1} // decay^steps, without math.Pow, which differs between platforms
	for range a.Steps {
		left[0] *= a.Decays[0]
		left[1] *= a.Decays[1]
	}
	grads := make([][]float32, len(model))
	for i, p := range model {
		grad, err := p.Grad()
		if err != nil {
			return fmt.Errorf("finetune: adam: %w", err)
		}
		w, g := floats(p.Value()), floats(grad)
		grads[i] = g
		if len(a.Mean[i]) != len(w) || len(a.Square[i]) != len(w) || len(g) != len(w) {
			return fmt.Errorf("finetune: adam: value %d has %d elements, want %d as before", i, len(w), len(a.Mean[i]))
		}
	}
	// Before this step Square is a sum of one term fewer.
	shrink := a.shrink(grads, 1-left[1]/a.Decays[1], limit)
	var limited []float32
	for i, p := range model {
		w, g := floats(p.Value()), grads[i]
		if shrink != 1 {
			limited = room(limited, len(g))
			for k, v := range g {
				limited[k] = shrink * v
			}
			g = limited
		}
		rate := a.Rate
		if r, ok := p.(interface{ Rate() float64 }); ok {
			rate = r.Rate()
		}
		kernel.AdamStep(w, g, a.Mean[i], a.Square[i], float32(rate),
			float32(a.Decays[0]), float32(a.Decays[1]), float32(a.Eps), float32(1-left[0]), float32(1-left[1]))
	}
	return nil
}

// param is a trained value: a [G.ValueGrad].
type param struct {
	name  string
	value *tensor.Dense
	node  *G.Node
	grad  *G.Node
	// direct is the gradient of a value that is not in the graph; it is set before every step.
	direct *tensor.Dense
	base   float64 // learning rate at full size
	rate   float64 // in the present step
}

// newParam adds a trained value to the tape of the network that tp belongs to.
func newParam(tp *tape, name string, data []float32, rate float64) *param {
	return &param{name: name, value: newVector(data), base: rate, node: tp.root().trained(name, data)}
}

// Value is the value itself, changed in place by the solver.
func (p *param) Value() G.Value { return p.value }

// Grad is the gradient of the last run.
func (p *param) Grad() (G.Value, error) {
	if p.direct != nil {
		return p.direct, nil
	}
	if v := p.grad.Value(); v != nil {
		return v, nil
	}
	return nil, fmt.Errorf("%s has no gradient yet", p.name)
}

// Rate is the learning rate.
func (p *param) Rate() float64 { return p.rate }
