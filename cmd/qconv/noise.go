package main

import (
	"context"
	"math"
	"slices"
)

// layerNoise is how far a value inside the network is from that of another network.
type layerNoise struct {
	Name string  `json:"name"`
	SNR  float64 `json:"snr_db"`
}

// noiseSamples is how many samples the signal-to-noise ratio is taken over.
const noiseSamples = 256

// compareLayers measures the signal-to-noise ratio of every value that has levels, where
// both networks are ONNX files that name it alike. The signal is that of against.
func compareLayers(ctx context.Context, net, against network) ([]layerNoise, error) {
	a, isFloat := net.(*floatNetwork)
	b, otherFloat := against.(*floatNetwork)
	if !isFloat || !otherFloat {
		return nil, nil
	}
	levels := a.levels
	if len(levels) == 0 {
		levels = b.levels
	}
	signal, noise := map[string]float64{}, map[string]float64{}
	batch := min(a.exec.Batch(), b.exec.Batch())
	buffer := newSampleBuffer(a.samples, batch)
	for from := 0; from < min(a.samples.Len(), noiseSamples); from += batch {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n := min(batch, a.samples.Len()-from)
		inputs, err := buffer.load(n, func(k int) int { return from + k })
		if err != nil {
			return nil, err
		}
		for _, net := range []*floatNetwork{a, b} {
			if _, err := net.exec.Run(inputs...); err != nil {
				return nil, err
			}
		}
		for name := range levels {
			x, y := a.value(name), b.value(name)
			if len(x) != len(y) {
				continue
			}
			for i := range y {
				d := float64(x[i]) - float64(y[i])
				signal[name] += float64(y[i]) * float64(y[i])
				noise[name] += d * d
			}
		}
	}
	var layers []layerNoise
	for _, v := range a.graph.Inputs {
		layers = appendNoise(layers, v.Name, signal, noise)
	}
	for _, n := range a.graph.Nodes {
		layers = appendNoise(layers, n.Outputs[0].Name, signal, noise)
	}
	return layers, nil
}

// value is a value as the network that was imported has it, without the powers of two of a balanced one.
func (n *floatNetwork) value(name string) []float32 {
	v, gains := n.exec.Value(name), n.balance[name]
	if len(gains) == 0 || len(v) == 0 {
		return v
	}
	v = slices.Clone(v)
	per := len(v) / n.exec.Samples() / len(gains)
	for i := range v {
		v[i] = float32(math.Ldexp(float64(v[i]), -gains[i/per%len(gains)]))
	}
	return v
}

// appendNoise adds the ratio of a value that was measured. A value without any noise has
// the ratio of float32 rounding, about 150 dB, as JSON knows no infinity.
func appendNoise(layers []layerNoise, name string, signal, noise map[string]float64) []layerNoise {
	s := signal[name]
	if s == 0 {
		return layers
	}
	ratio := math.Min(10*math.Log10(s/noise[name]), 150)
	return append(layers, layerNoise{name, ratio})
}
