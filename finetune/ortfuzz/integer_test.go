package ortfuzz

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"testing"

	"qconv/finetune"
	"qconv/onnx"
	"qconv/quant"
	"qconv/runtime"
)

// integerBound is how far the outputs of a program of many levels may be from the float ones, as root mean square
// relative to their spread: enough to tell a wrong lowering from coarse levels.
const integerBound = 0.25

// samples are random data for calibration.
type samples struct {
	shapes [][]int     // by input
	values [][]float32 // by sample, one input after the other
}

func (s *samples) Len() int                         { return len(s.values) }
func (s *samples) Shapes() [][]int                  { return s.shapes }
func (s *samples) Input(i int, dst []float32) error { copy(dst, s.values[i]); return nil }
func (s *samples) Label(int) int                    { return -1 }
func (s *samples) add(rng *rand.Rand) {
	var x []float32
	for _, shape := range s.shapes {
		for range size(shape) {
			x = append(x, float32(rng.IntN(129)-64)/32)
		}
	}
	s.values = append(s.values, x)
}

// inputs cuts sample i.
func (s *samples) inputs(i int) (parts [][]float32) {
	x := s.values[i]
	for _, shape := range s.shapes {
		parts, x = append(parts, x[:size(shape)]), x[size(shape):]
	}
	return parts
}

// TestIntegers lowers smooth networks at 256 levels and weights: programs equal their simulation and stay close to the
// float network. It needs no ONNX Runtime.
func TestIntegers(t *testing.T) {
	tally := map[string]int{}
	var errorsFound []float64
	for s := *seed; s < *seed+uint64(*graphs)/2; s++ {
		rng := rand.New(rand.NewPCG(s, 1))
		n := draw(rng, true)
		distance, err := n.integers(rng)
		var unsupported *onnx.UnsupportedError
		var found *difference
		switch {
		case errors.As(err, &found):
			t.Errorf("seed %d: %v\n%v", s, err, n)
		case errors.As(err, &unsupported):
			for _, why := range reasons(err) {
				tally["refused: "+why]++
			}
		case err != nil:
			tally[summary(err.Error())]++
			if *show {
				t.Logf("seed %d: %v\n%v", s, err, n)
			}
		case distance > integerBound:
			t.Errorf("seed %d: integer outputs differ by %.3g of the spread\n%v", s, distance, n)
		default:
			tally["lowered"]++
			errorsFound = append(errorsFound, distance)
		}
	}
	for _, what := range slices.Sorted(maps.Keys(tally)) {
		t.Logf("%6d %s", tally[what], what)
	}
	if slices.Sort(errorsFound); len(errorsFound) > 0 {
		t.Logf("distance: median %.3g, 9 of 10 below %.3g, largest %.3g", errorsFound[len(errorsFound)/2],
			errorsFound[len(errorsFound)*9/10], errorsFound[len(errorsFound)-1])
	}
}

// levelsOf rounds numbers to the levels of an input of p.
func levelsOf(p *runtime.Program, in *runtime.Input, x []float32) []byte {
	t := &p.Tensors[in.Tensor]
	levels := quant.Levels{Count: t.Levels, Step: t.Scale.Float(), Zero: t.Zero, Stride: 1}
	out := make([]byte, len(x))
	for i, v := range x {
		shift := 0
		if in.Shifts != nil {
			shift = int(in.Shifts[i/(t.Shape[1]*t.Shape[2])])
		}
		out[i] = byte(levels.Index(math.Ldexp(float64(v), -shift)))
	}
	return out
}

// integers lowers the network and returns how far its outputs are from the float ones.
func (n *network) integers(rng *rand.Rand) (distance float64, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &difference{"panic", fmt.Sprint(p) + string(debug.Stack())}
		}
	}()
	g, err := onnx.DecodeWith(n.encode(), onnx.ReadOptions{Dims: n.dims})
	if err != nil {
		return 0, err
	}
	m, err := quant.FromGraph(g)
	if err != nil {
		return 0, err
	}
	if len(m.Graph.Inputs) == 0 {
		return 0, errors.New("no input")
	}
	data := &samples{}
	for _, v := range m.Graph.Inputs {
		data.shapes = append(data.shapes, quant.SampleShape(v.Shape))
	}
	for range 32 {
		data.add(rng)
	}
	float := m.Graph.Clone()
	ctx := context.Background()
	calibration, clustering := finetune.DefaultCalibrateConfig(), quant.DefaultClusterConfig()
	calibration.Levels, clustering.Weights = 256, 256
	if _, err := finetune.Calibrate(ctx, m, data, calibration); err != nil {
		return 0, err
	}
	if err := quant.Cluster(m, clustering); err != nil {
		return 0, err
	}
	p, err := quant.Compile(m)
	if err != nil {
		return 0, &difference{"compile", err.Error()}
	}
	runner, err := runtime.NewRunner(p, runtime.Options{})
	if err != nil {
		return 0, err
	}
	e, err := finetune.NewExecutor(float, 1, finetune.ExecOptions{})
	if err != nil {
		return 0, err
	}
	got, want := make([][]float64, len(p.Outputs)), make([][]float64, len(p.Outputs))
	for sample := range 8 {
		inputs := data.inputs(sample)
		indices := make([][]byte, len(inputs))
		for k, x := range inputs {
			indices[k] = levelsOf(p, &p.Inputs[k], x)
		}
		simulated, err := quant.Simulate(p, indices...)
		if err != nil {
			return 0, &difference{"simulate", err.Error()}
		}
		outs, err := runner.RunLevels(indices...)
		if err != nil {
			return 0, &difference{"run", err.Error()}
		}
		for o := range outs {
			if !slices.Equal(outs[o], simulated[o]) {
				return 0, &difference{"runtime", fmt.Sprintf("output %d is not the simulated one", o)}
			}
		}
		floats, err := e.Run(inputs...)
		if err != nil {
			return 0, err
		}
		for o := range outs {
			t := &p.Tensors[p.Outputs[o].Tensor]
			var values []float64
			if len(floats[o]) != len(outs[o]) {
				return 0, errors.New("an output of another size, which only the program's reader completes")
			}
			for i, v := range outs[o] {
				if t.Levels > 0 {
					v -= int32(t.Zero)
				}
				values = append(values, float64(v)*t.Scale.Float())
				want[o] = append(want[o], float64(floats[o][i]))
			}
			if left := p.Normalization(o); left != nil {
				left.Apply(values)
			}
			got[o] = append(got[o], values...)
		}
	}
	for o := range got {
		sum, spread := 0.0, slices.Max(want[o])-slices.Min(want[o])
		for i := range got[o] {
			sum += (got[o][i] - want[o][i]) * (got[o][i] - want[o][i])
		}
		if spread > 1e-3 {
			distance = max(distance, math.Sqrt(sum/float64(len(got[o])))/spread)
		}
	}
	return distance, nil
}
