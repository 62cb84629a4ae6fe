package main

import (
	"context"
	"fmt"
	"math"

	"github.com/urfave/cli/v2"

	"qconv/finetune"
	"qconv/onnx"
	"qconv/quant"
	qrt "qconv/runtime"
	"qconv/runtime/printable"
)

// outputLoss is how far an output of a program is from that of the float network.
type outputLoss struct {
	Output string `json:"output"`
	// MSE is the mean squared error, over samples and elements, before a Softmax that the program leaves to its reader.
	MSE float64 `json:"mse"`
	// NRMSE is the root of the mean squared error divided by the spread (standard deviation) of the output,
	// SNR the same as a signal-to-noise ratio.
	NRMSE float64 `json:"nrmse"`
	SNR   float64 `json:"snr_db"`
	// Layer is the first layer whose result is lost as far as that or, where none is, the one
	// with the least ratio; empty where no layer has levels.
	Layer    string  `json:"layer,omitempty"`
	LayerSNR float64 `json:"layer_snr_db,omitempty"`
	First    bool    `json:"first,omitempty"`
}

// Layers are compared on lossSamples samples, outputs on at most outputSamples: as many as outputWork multiply-accumulates allow, and no fewer than
// layers.
const (
	lossSamples   = 32
	outputSamples = 1000
	outputWork    = 1e10
	largeLoss     = 0.05 // of the spread of a value
)

// comparedSamples is how many samples a network's outputs are compared on.
func comparedSamples(g *onnx.Graph) int {
	return max(lossSamples, int(min(outputSamples, outputWork/float64(max(1, onnx.Work(g))))))
}

// deviation compares values with what they should be.
type deviation struct{ n, sum, squares, errors float64 }

func (d *deviation) add(got, want float64) {
	d.n++
	d.sum += want
	d.squares += want * want
	d.errors += (got - want) * (got - want)
}

func (d *deviation) mse() float64 { return d.errors / d.n }

// nrmse is NaN where the wanted values do not vary.
func (d *deviation) nrmse() float64 {
	variance := d.squares/d.n - d.sum/d.n*d.sum/d.n
	if !(variance > 1e-12*d.squares/d.n) {
		return math.NaN()
	}
	return math.Sqrt(d.errors / d.n / variance)
}

// decibels is the ratio of signal to noise, at most that of float32 rounding.
func decibels(nrmse float64) float64 { return math.Min(-20*math.Log10(nrmse), 150) }

// comparison runs a model and the float network it was made from side by side.
type comparison struct {
	want, got *finetune.Executor // got may be nil
	data      *samples
	count     int // of samples
}

func newComparison(float *onnx.Graph, m *quant.Model, data *samples) (*comparison, error) {
	c := &comparison{data: data, count: min(lossSamples, data.Len())}
	batch := finetune.BatchFor(m.Graph, c.count)
	var err error
	if c.want, err = finetune.NewExecutor(float, batch, finetune.ExecOptions{}); err != nil {
		return nil, err
	}
	c.got, err = finetune.NewModelExecutor(m, batch)
	return c, err
}

// sample is the number, among all, of the k-th sample that is looked at.
func (c *comparison) sample(k int) int { return k * c.data.Len() / c.count }

// each runs all samples, and calls look after every batch, samples from..from+n-1.
func (c *comparison) each(ctx context.Context, look func(from, n int) error) error {
	buffer := newSampleBuffer(c.data, c.want.Batch())
	for from := 0; from < c.count; from += c.want.Batch() {
		n := min(c.want.Batch(), c.count-from)
		if err := ctx.Err(); err != nil {
			return err
		}
		inputs, err := buffer.load(n, func(k int) int { return c.sample(from + k) })
		if err != nil {
			return err
		}
		for _, e := range []*finetune.Executor{c.want, c.got} {
			if e == nil {
				continue
			}
			if _, err := e.Run(inputs...); err != nil {
				return err
			}
		}
		if err := look(from, n); err != nil {
			return err
		}
	}
	return nil
}

// modelLoss is the largest loss of an output of a model with levels.
func modelLoss(ctx context.Context, float *onnx.Graph, m *quant.Model, data *samples) (float64, error) {
	c, err := newComparison(float, m, data)
	if err != nil {
		return 0, err
	}
	outputs := make([]deviation, len(float.Outputs))
	err = c.each(ctx, func(int, int) error {
		for i, v := range float.Outputs {
			got, want := c.got.Value(v.Name), c.want.Value(v.Name)
			for k := range got {
				outputs[i].add(float64(got[k]), float64(want[k]))
			}
		}
		return nil
	})
	largest := 0.0
	for i := range outputs {
		if loss := outputs[i].nrmse(); loss > largest {
			largest = loss
		}
	}
	return largest, err
}

// measureLosses compares a program, and the values with levels of the model that it was made from, with the float network, on samples of data.
func measureLosses(ctx context.Context, float *onnx.Graph, m *quant.Model, p *qrt.Program, data *samples, limits qrt.Limits) ([]outputLoss, error) {
	sites := make([]deviation, len(m.Sites))
	c, err := newComparison(float, m, data)
	if err != nil {
		return nil, err
	}
	err = c.each(ctx, func(_, _ int) error {
		for i, s := range m.Sites {
			addSite(&sites[i], c.got.Value(s.Value.Name), c.want.Value(s.Imported()), quant.Channels(s.Value), s.Value.Shape.Elems(), m.Balance[s.Value.Name])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	outputs, err := measureOutputs(ctx, float, p, data, limits)
	if err != nil {
		return nil, err
	}
	return losses(m, p, outputs, sites), nil
}

// measureOutputs compares all outputs of a program with those of the float network.
func measureOutputs(ctx context.Context, float *onnx.Graph, p *qrt.Program, data *samples, limits qrt.Limits) ([]deviation, error) {
	integer, err := newIntegerNetwork(p, data, limits)
	if err != nil {
		return nil, err
	}
	count := min(comparedSamples(float), data.Len())
	c := &comparison{data: data, count: count}
	if c.want, err = finetune.NewExecutor(float, finetune.BatchFor(float, count), finetune.ExecOptions{}); err != nil {
		return nil, err
	}
	outputs, delivered := make([]deviation, len(p.Outputs)), quant.Delivered(float)
	return outputs, c.each(ctx, func(from, n int) error {
		for k := range n {
			ints, err := integer.run(integer.workers[0], c.sample(from+k))
			if err != nil {
				return err
			}
			for i := range outputs {
				addOutput(&outputs[i], ints[i], c.want.Value(delivered[i].Name), k, n, &p.Tensors[p.Outputs[i].Tensor])
			}
		}
		return nil
	})
}

// addSite compares a value, whose channels may be larger by powers of two.
func addSite(d *deviation, got, want []float32, channels, elems int, gains []int) {
	if len(got) != len(want) {
		return
	}
	for i, v := range got {
		x := float64(v)
		if gains != nil {
			x = math.Ldexp(x, -gains[i%elems/(elems/channels)])
		}
		d.add(x, float64(want[i]))
	}
}

// addOutput compares an output of sample k of n.
func addOutput(d *deviation, got []int32, want []float32, k, n int, t *qrt.Tensor) {
	if len(want) != n*len(got) {
		return
	}
	values := make([]float64, len(got))
	t.Real(values, got)
	for i, v := range values {
		d.add(v, float64(want[k*len(got)+i]))
	}
}

// losses sums up what was measured; outputs that do not vary are left out.
func losses(m *quant.Model, p *qrt.Program, outputs, sites []deviation) []outputLoss {
	names := map[*onnx.Value]string{}
	for _, l := range m.Layers() {
		names[l.Site] = l.Name
	}
	worst, least, first := "", math.Inf(1), false
	for i, s := range m.Sites {
		loss := sites[i].nrmse()
		if math.IsNaN(loss) || first || !(decibels(loss) < least) {
			continue
		}
		worst, least, first = s.Imported(), decibels(loss), loss > largeLoss
		if name, ok := names[s.Value]; ok {
			worst = name
		}
	}
	var list []outputLoss
	for i, o := range p.Outputs {
		loss := outputs[i].nrmse()
		if math.IsNaN(loss) {
			continue
		}
		l := outputLoss{Output: o.Name, MSE: outputs[i].mse(), NRMSE: loss, SNR: decibels(loss)}
		if worst != "" {
			l.Layer, l.LayerSNR, l.First = worst, least, first
		}
		list = append(list, l)
	}
	return list
}

// noteLosses warns of outputs that are far off.
func noteLosses(c *cli.Context, list []outputLoss) {
	for _, l := range list {
		if l.NRMSE <= largeLoss {
			continue
		}
		text := fmt.Sprintf("warning: output %s: signal-to-noise %.1f dB (the error is %.2g %% of its spread)", printable.Name(l.Output), l.SNR, 100*l.NRMSE)
		switch {
		case l.First:
			text += fmt.Sprintf(", first lost at %s (%.1f dB)", printable.Name(l.Layer), l.LayerSNR)
		case l.Layer != "":
			text += fmt.Sprintf(", most of it at %s (%.1f dB)", printable.Name(l.Layer), l.LayerSNR)
		}
		note(c, "%s; more --%s or --%s, or qconv finetune, bring it down", text, levelsFlag.Name, weightsFlag.Name)
	}
}
