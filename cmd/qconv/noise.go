package main

import (
	"context"
	"math"
)

// layerNoise is how far a value inside the network is from that of another network.
type layerNoise struct {
	// Name is that of the value in an ONNX file, or the instruction's where both networks are programs.
	Name string `json:"name"`
	// Layer is the node whose sum gets its levels here; empty for values that no layer with weights makes, and without a name.
	Layer string `json:"layer,omitempty"`
	// Instruction is what makes the value in a program.
	Instruction string `json:"instruction,omitempty"`
	// SNR is the ratio of the variance of the value to the mean squared difference, in decibels.
	SNR float64 `json:"snr_db"`
}

// label is how a value is called in tables.
func (l layerNoise) label() string {
	if l.Layer != "" && l.Layer != l.Name {
		return l.Layer
	}
	return l.Name
}

// noiseSamples is how many samples the signal-to-noise ratio is taken over.
const noiseSamples = 256

// lostSNR is the signal-to-noise ratio, in decibels, below which a value counts as lost.
const lostSNR = 10

// compareLayers measures the signal-to-noise ratio of every value that has levels, and of the outputs, in the order in which they are computed. The signal
// is that of against. It is empty where a network has no integer form, or the two have no values in common.
func compareLayers(ctx context.Context, net, against network) ([]layerNoise, error) {
	own, err := insidesOf(net)
	if own == nil || err != nil {
		return nil, err
	}
	other, err := insidesOf(against)
	if other == nil || err != nil {
		return nil, err
	}
	all := net.data().Len()
	pairs, err := pairInsides(ctx, own, other, all)
	if err != nil {
		return nil, err
	}
	a, b := own.values(), other.values()
	noise := make([]deviation, len(pairs))
	err = eachInside(ctx, []insides{own, other}, min(all, noiseSamples), all, func(n int) {
		for i, p := range pairs {
			addPair(&noise[i], own, other, p, a[p.own], n)
		}
	})
	if err != nil {
		return nil, err
	}
	_, program := own.(*programInsides)
	_, otherProgram := other.(*programInsides)
	var layers []layerNoise
	for i, p := range pairs {
		loss := noise[i].nrmse()
		if math.IsNaN(loss) {
			continue // it does not vary
		}
		l := layerNoise{Name: a[p.own].name, Layer: a[p.own].layer, SNR: decibels(loss)}
		switch {
		case program && otherProgram:
			l.Layer, l.Instruction = "", a[p.own].name
		case program:
			l.Name, l.Layer, l.Instruction = b[p.other].name, b[p.other].layer, a[p.own].name
		case otherProgram:
			l.Instruction = b[p.other].name
		}
		layers = append(layers, l)
	}
	return layers, nil
}

// addPair adds what some samples say of a pair of values.
func addPair(d *deviation, own, other insides, p pairing, v insideValue, samples int) {
	got, want := make([]float64, v.elems), make([]float64, v.elems)
	plane := max(v.elems/max(v.channels, 1), 1)
	for k := range samples {
		own.read(p.own, k, got)
		other.read(p.other, k, want)
		for e, x := range got {
			if p.gains != nil {
				x = math.Ldexp(x, -p.gains[e/plane])
			}
			if !math.IsNaN(x) && !math.IsNaN(want[e]) {
				d.add(x, want[e])
			}
		}
	}
}

// firstLost is the first value whose signal-to-noise ratio is below lostSNR; nil where there is none.
func firstLost(layers []layerNoise) *layerNoise {
	for i := range layers {
		if layers[i].SNR < lostSNR {
			return &layers[i]
		}
	}
	return nil
}
