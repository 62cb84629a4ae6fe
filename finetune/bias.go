package finetune

import (
	"context"
	"fmt"
	"math"
	"slices"

	"qconv/onnx"
	"qconv/quant"

	G "gorgonia.org/gorgonia"
)

// correctionValues bounds the activations that are held at a time while biases are corrected.
const correctionValues = 1 << 27

// CorrectBias changes the biases of a model with few weights or levels so that every linear
// layer's output has the same mean, per channel, as in the float network it was made from. It
// looks at up to samples samples in one batch, correcting one layer after the other, each with
// those before it corrected already. A layer without a bias gets one. The mean of a layer in the body of a loop is that of all iterations: as
// what it adds comes back to it, it is only near to that of the float network. A network without a batch is left as
// it is, and so is one that came quantized and has lost nothing.
func CorrectBias(ctx context.Context, m *quant.Model, float *onnx.Graph, data Data, samples int) error {
	if err := checkData(m.Graph, data); err != nil {
		return err
	}
	if !batched(m.Graph) || m.Carried() {
		return nil
	}
	samples = max(1, min(samples, data.Len(), correctionValues/max(2*valuesOf(m.Graph), 1)))
	indices := evenly(data.Len(), samples)
	return eachBatch(ctx, data, inOrder(indices, samples), func(_ int, b *batch) error {
		want, err := channelMeans(float, b.inputs, samples)
		if err != nil {
			return err
		}
		shifts, err := layerShifts(m, b.inputs, samples, want)
		if err != nil {
			return err
		}
		for _, n := range m.Graph.Nodes {
			if s := shifts[n.Name]; s != nil {
				shiftBias(m.Graph, n, s)
			}
		}
		return nil
	})
}

// channelMeans runs the float network and returns the mean of every channel of every
// linear layer, by node name.
func channelMeans(g *onnx.Graph, inputs [][]float32, samples int) (map[string][]float64, error) {
	exec, err := NewExecutor(g, samples, ExecOptions{})
	if err != nil {
		return nil, err
	}
	if _, err := exec.Run(inputs...); err != nil {
		return nil, err
	}
	means := map[string][]float64{}
	for _, n := range g.Nodes {
		if canShift(n) {
			channels, area := channelAxis(n)
			means[n.Name] = meanPerChannel(exec.Value(n.Outputs[0].Name), channels, area)
		}
	}
	return means, nil
}

// layerShifts runs the model and returns what was added to each linear layer, by node name,
// to give it the wanted means. What layers in the bodies of loops have to be shifted by is known when all iterations are done, and changes what comes back to them, so
// that there are several runs.
func layerShifts(m *quant.Model, inputs [][]float32, samples int, want map[string][]float64) (map[string][]float32, error) {
	shifts := map[string][]float32{}
	var recurrent []*recurrentShift
	p := levelPlan(m.Levels)
	p.adjust = func(t *tape, n *onnx.Node, y *G.Node) *G.Node {
		means := want[n.Name]
		channels, area := channelAxis(n)
		if means == nil || !canShift(n) {
			return y
		}
		shift := make([]float32, channels)
		shifts[n.Name] = shift
		var r *recurrentShift
		if t.outer != nil && len(means) == channels {
			r = &recurrentShift{shift: shift, best: make([]float32, channels), want: means, have: make([]float64, channels)}
			recurrent = append(recurrent, r)
		}
		return t.apply("correct", y.Shape()[0], func(out []float32, in [][]float32) {
			have := meanPerChannel(in[0], channels, area)
			if r != nil {
				r.add(have)
			} else {
				for c := range min(len(means), channels) {
					shift[c] = float32(means[c] - have[c])
				}
			}
			for i, v := range in[0] {
				out[i] = v + shift[i/area%channels]
			}
		}, nil, y)
	}
	b, err := build(m.Graph, samples, p, nil)
	if err != nil {
		return nil, err
	}
	for i, x := range inputs {
		copy(b.inputs[i], x)
	}
	run := func() error {
		if err := b.run(); err != nil {
			return fmt.Errorf("finetune: bias correction: %w", err)
		}
		return nil
	}
	if err := settle(recurrent, run); err != nil {
		return nil, err
	}
	if err := run(); err != nil {
		return nil, err
	}
	for _, n := range m.Graph.Nodes {
		if s := shifts[n.Name]; s != nil && notFinite(s) >= 0 {
			return nil, fmt.Errorf("finetune: bias correction: node %q has results that are not finite", n.Name)
		}
	}
	return shifts, nil
}

// recurrentShift is the correction of a layer in the body of a loop.
type recurrentShift struct {
	shift, best []float32
	want, have  []float64 // means by channel; have is a sum over iterations
	iterations  int
}

// add takes the means in an iteration, before the shift.
func (r *recurrentShift) add(have []float64) {
	r.iterations++
	for c, v := range have {
		r.have[c] += v
	}
}

// lack is what the mean of channel c lacks.
func (r *recurrentShift) lack(c int) float64 {
	return r.want[c] - r.have[c]/float64(max(r.iterations, 1)) - float64(r.shift[c])
}

// How the shifts of layers in bodies of loops are found: in so many runs all move by a part of what they lack, a part that becomes smaller where that
// overshoots.
const (
	recurrentRuns = 12
	recurrentPart = 0.7
)

// settle runs a network until the means of layers in bodies of loops are near to what is wanted, and leaves the shifts that came nearest.
func settle(layers []*recurrentShift, run func() error) error {
	if len(layers) == 0 {
		return nil
	}
	least, last, part := math.Inf(1), math.Inf(1), recurrentPart
	for range recurrentRuns {
		for _, r := range layers {
			clear(r.have)
			r.iterations = 0
		}
		if err := run(); err != nil {
			return err
		}
		sum := 0.0
		for _, r := range layers {
			for c := range r.shift {
				sum += r.lack(c) * r.lack(c)
			}
		}
		if sum < least {
			least = sum
			for _, r := range layers {
				copy(r.best, r.shift)
			}
		}
		if !(sum < last) { // back, and on in smaller steps
			part /= 2
			for _, r := range layers {
				copy(r.shift, r.best)
			}
			last = math.Inf(1)
			continue
		}
		last = sum
		for _, r := range layers {
			for c := range r.shift {
				r.shift[c] += float32(part * r.lack(c))
			}
		}
	}
	for _, r := range layers {
		copy(r.shift, r.best)
	}
	return nil
}

// canShift says whether a node has, or can be given, a bias.
func canShift(n *onnx.Node) bool {
	if !isLinear(n) {
		return false
	}
	switch op := n.Op.(type) {
	case *onnx.MatMul:
		return false
	case *onnx.Gemm:
		if op.Beta != 1 {
			return false
		}
	}
	return len(n.Inputs) < 3 || n.Inputs[2] == nil || n.Inputs[2].Const != nil
}

// shiftBias adds to the bias of a node, which becomes its own.
func shiftBias(g *onnx.Graph, n *onnx.Node, shift []float32) {
	old := make([]float32, len(shift))
	name := n.Name + ".bias"
	if len(n.Inputs) > 2 && n.Inputs[2] != nil {
		name = n.Inputs[2].Name
		have := n.Inputs[2].Const.Floats
		if len(have) != len(shift) && len(have) != 1 {
			return // one bias per sample or position: leave it
		}
		for i := range old {
			old[i] = have[i%len(have)]
		}
		if users := g.Consumers()[n.Inputs[2]]; len(users) > 1 {
			name = n.Name + ".bias"
		}
	}
	for i, s := range shift {
		old[i] += s
	}
	shape := onnx.Shape{len(old)}
	bias := &onnx.Value{Name: name, Shape: shape, Const: &onnx.Tensor{Shape: slices.Clone(shape), Floats: old}}
	if len(n.Inputs) > 2 {
		n.Inputs[2] = bias
	} else {
		n.Inputs = append(n.Inputs, bias)
	}
}

// meanPerChannel is the mean over samples and positions of y [n][channels][area].
func meanPerChannel(y []float32, channels, area int) []float64 {
	means := make([]float64, channels)
	for i, v := range y {
		means[i/area%channels] += float64(v)
	}
	for c := range means {
		means[c] /= float64(len(y) / channels)
	}
	return means
}
