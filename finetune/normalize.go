package finetune

import (
	"context"
	"fmt"
	"math"

	"qconv/finetune/internal/kernel"
	"qconv/onnx"
	"qconv/quant"

	G "gorgonia.org/gorgonia"
)

// With two to four values a layer's weights jump, and all that follows it with them, unless something keeps its results where they were.
// Config.Normalize puts a batch normalization behind every layer whose channels have units of their own:
//
//	y = (x - mean(x)) / deviation(x) * gamma + beta
//
// mean and deviation are those of a channel in the batch, gamma and beta are trained and start with what the channel has in the network
// as it is given. In the end it disappears: unit and bias of each channel take it up, with running means of the statistics.

const (
	// normMomentum is the part of a batch in the running statistics.
	normMomentum = 0.05
	// normFloor keeps channels that never change finite.
	normFloor = 1e-10
	// normSamples is how many samples gamma and beta are taken from.
	normSamples = 256
)

// normalized is the normalization behind a layer: values by channel.
type normalized struct {
	weights, bias              *onnx.Value
	logGamma, beta             []float32
	runningMean, runningSquare []float32 // of the results, and of the squares of their distances to the mean
	sums, squares              []float64 // see add
}

// newNorms prepares the normalizations of all layers that have units by channel and a bias of their own, as in the network as it is. Layers in bodies of loops have
// none: the statistics of an iteration are not those of the next.
func newNorms(ctx context.Context, m *quant.Model, cfg Config, data Data) (map[*onnx.Node]*normalized, error) {
	if !cfg.Normalize {
		return nil, nil
	}
	norms := map[*onnx.Node]*normalized{}
	users := map[*onnx.Value]int{}
	for _, l := range m.Layers() {
		users[l.Weights]++
		users[l.Bias]++
	}
	inLoop, err := m.Graph.Bodies()
	if err != nil {
		return nil, err
	}
	for _, l := range m.Layers() {
		_, n := m.UnitChannels(l.Weights, cfg.Cluster)
		if n > 0 && inLoop[l.Node] == nil && l.Bias != nil && l.Bias.Const != nil && len(l.Bias.Const.Floats) == n &&
			users[l.Weights] == 1 && users[l.Bias] == 1 && !cfg.Cluster.Layers[l.Weights.Name].Frozen {
			norms[l.Node] = &normalized{weights: l.Weights, bias: l.Bias}
		}
	}
	if len(norms) == 0 {
		return nil, fmt.Errorf("finetune: normalization: no layer outside of loops has units by channel and a bias of its own")
	}
	batchSize := BatchFor(m.Graph, min(50, data.Len()))
	exec, err := NewExecutor(m.Graph, batchSize, ExecOptions{})
	if err != nil {
		return nil, err
	}
	samples := evenly(data.Len(), normSamples)
	err = eachBatch(ctx, data, inOrder(samples, batchSize), func(_ int, b *batch) error {
		if _, err := exec.Run(b.inputs...); err != nil {
			return err
		}
		for n, own := range norms {
			channels, area := channelAxis(n)
			own.add(exec.Value(n.Outputs[0].Name), len(b.indices), channels, area)
		}
		return nil
	})
	for _, own := range norms {
		own.start(float64(len(samples)))
	}
	return norms, err
}

// add sums up means and mean squares of some samples.
func (own *normalized) add(x []float32, samples, channels, area int) {
	if own.sums == nil {
		own.sums, own.squares = make([]float64, channels), make([]float64, channels)
	}
	for c := range channels {
		mean, square := channelMoments(x, samples, channels, area, c)
		own.sums[c] += mean * float64(samples)
		own.squares[c] += (square + mean*mean) * float64(samples)
	}
}

// start sets what is trained, and the running statistics, from the sums of samples.
func (own *normalized) start(samples float64) {
	largest := 0.0
	for c, sum := range own.sums {
		mean := sum / samples
		variance := math.Max(own.squares[c]/samples-mean*mean, 0)
		largest = math.Max(largest, variance)
		own.beta, own.runningMean = append(own.beta, float32(mean)), append(own.runningMean, float32(mean))
		own.runningSquare = append(own.runningSquare, float32(variance))
	}
	for _, v := range own.runningSquare {
		own.logGamma = append(own.logGamma, float32(math.Log(math.Max(float64(v), 1e-6*largest+normFloor))/2))
	}
}

// values are those that a state holds, by what they are.
func (own *normalized) values() map[string][]float32 {
	return map[string][]float32{".gamma": own.logGamma, ".beta": own.beta, ".mean": own.runningMean, ".square": own.runningSquare}
}

// normalize lays the normalization behind a linear node, if it has one.
func (t *trainer) normalize(tp *tape, n *onnx.Node, x *G.Node) *G.Node {
	own := t.norms[n]
	if own == nil {
		return x
	}
	channels, area := channelAxis(n)
	name := own.weights.Name
	gamma := expNode(tp, t.train(tp, name+".gamma", own.logGamma, t.cfg.RangeRate))
	scale := 0.0
	for _, l := range own.logGamma {
		scale += math.Exp(float64(l)) / float64(channels)
	}
	beta := t.train(tp, name+".beta", own.beta, t.cfg.Rate*scale)
	return own.node(tp, channels, area, x, gamma, beta)
}

// node lays the normalization of x [n][channels][area], and follows its statistics.
func (own *normalized) node(tp *tape, channels, area int, x, gamma, beta *G.Node) *G.Node {
	size := x.Shape()[0]
	samples := size / channels / area
	means, inverses := make([]float32, channels), make([]float32, channels)
	forward := func(out []float32, in [][]float32) {
		x, gamma, beta := in[0], in[1], in[2]
		kernel.Parallel(channels, func(c int) {
			mean, square := channelMoments(x, samples, channels, area, c)
			inverse := 1 / math.Sqrt(square+normFloor)
			means[c], inverses[c] = float32(mean), float32(inverse)
			own.runningMean[c] += normMomentum * (float32(mean) - own.runningMean[c])
			own.runningSquare[c] += normMomentum * (float32(square) - own.runningSquare[c])
			factor := gamma[c] * float32(inverse)
			offset := beta[c] - float32(mean)*factor
			for s := range samples {
				from, to := x[(s*channels+c)*area:][:area], out[(s*channels+c)*area:][:area]
				for i, v := range from {
					to[i] = v*factor + offset
				}
			}
		})
	}
	dgamma, dbeta := make([]float32, channels), make([]float32, channels)
	backward := func(out []float32, in [][]float32) {
		dy, x, gamma := in[0], in[1], in[2]
		kernel.Parallel(channels, func(c int) {
			sum, product := 0.0, 0.0
			mean, inverse := means[c], inverses[c]
			for s := range samples {
				at := (s*channels + c) * area
				from := x[at:][:area]
				for i, d := range dy[at:][:area] {
					sum += float64(d)
					product += float64(d) * float64((from[i]-mean)*inverse)
				}
			}
			dgamma[c], dbeta[c] = float32(product), float32(sum)
			count := float64(samples * area)
			a, b, factor := float32(sum/count), float32(product/count), gamma[c]*inverse
			for s := range samples {
				at := (s*channels + c) * area
				from, to := x[at:][:area], out[at:][:area]
				for i, d := range dy[at:][:area] {
					to[i] = factor * (d - a - (from[i]-mean)*inverse*b)
				}
			}
		})
	}
	var dx *G.Node
	dxNode := func(in []*G.Node, dy *G.Node) *G.Node {
		if dx == nil {
			dx = tp.apply("Norm.dx", size, backward, nil, dy, in[0], in[1])
		}
		return dx
	}
	byChannel := func(what string, d []float32) adjoint {
		return func(in []*G.Node, _, dy *G.Node) *G.Node {
			return tp.apply(what, channels, func(out []float32, _ [][]float32) { copy(out, d) }, nil, dxNode(in, dy))
		}
	}
	return tp.apply("Norm", size, forward, []adjoint{
		func(in []*G.Node, _, dy *G.Node) *G.Node { return dxNode(in, dy) }, byChannel("Norm.dgamma", dgamma), byChannel("Norm.dbeta", dbeta),
	}, x, gamma, beta)
}

// channelMoments is the mean of channel c of x [samples][channels][area], and the mean squared distance to it.
func channelMoments(x []float32, samples, channels, area, c int) (mean, square float64) {
	sum, squares, count := 0.0, 0.0, float64(samples*area)
	for s := range samples {
		for _, v := range x[(s*channels+c)*area:][:area] {
			sum += float64(v)
		}
	}
	mean = sum / count
	for s := range samples {
		for _, v := range x[(s*channels+c)*area:][:area] {
			d := float64(v) - mean
			squares += d * d
		}
	}
	return mean, squares / count
}

// foldNorms moves all normalizations into units and biases. Weights, which have their values, take those of the new units.
func (t *trainer) foldNorms() {
	for _, own := range t.norms {
		book := t.books.of[own.weights]
		logUnit := t.logSteps[own.weights.Name]
		w, bias := own.weights.Const.Floats, own.bias.Const.Floats
		for c := range logUnit {
			factor := math.Exp(float64(own.logGamma[c])) / math.Sqrt(float64(own.runningSquare[c])+normFloor)
			old := float64(trainedStep(logUnit[c]))
			logUnit[c] += float32(math.Log(factor))
			unit := float64(trainedStep(logUnit[c]))
			for i, v := range w {
				if book.channel(i) == c {
					w[i] = float32(math.Round(float64(v)/old) * unit)
				}
			}
			bias[c] = float32((float64(bias[c])-float64(own.runningMean[c]))*factor + float64(own.beta[c]))
		}
	}
	if len(t.norms) > 0 {
		t.books.takeUnits()
	}
}
