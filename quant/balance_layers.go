package quant

import (
	"math"
	"slices"

	"qconv/onnx"
)

// One codebook over the raw weights and biases of a network suits layers of very different weights badly: what is coarse for one is
// nothing for another. [Balancing.Even] multiplies hidden values by powers of two so that the weights and biases of all layers become as
// alike as the network allows: values that meet in a sum have one gain, and those of inputs, outputs and functions none.

// Even finds one gain for all channels of every hidden value, those for which the root mean squares of the layers' weights and biases lie
// closest together, and rewrites the model's graph by them. It returns the values that have gains now. Weights that meet an
// input count as those of a network whose inputs reach to 1; spreads are those of the sites of inputs.
func (b *Balancing) Even(spreads map[*onnx.Value]Spread) []string {
	for _, v := range b.graph.Inputs {
		b.ties.pin(v)
	}
	for _, f := range b.functions {
		b.ties.pin(f.from)
		b.ties.pin(f.last.Outputs[0])
	}
	b.gains = make([]int, len(b.ties.parent))
	group := b.wholeValues()
	fixed := map[int]bool{}
	for id, g := range group {
		fixed[g] = fixed[g] || b.pinned(id)
	}
	layers := b.layerSizes(group, spreads)
	log := map[int]float64{} // of the factor of a group
	target := 0.0
	// The squares of the differences to the target, each layer counting alike, have one minimum, which is
	// approached one unknown at a time.
	for range evenRounds {
		sum := 0.0
		for _, l := range layers {
			sum += l.log + log[l.out] - l.reads(log)
		}
		target = sum / float64(max(len(layers), 1))
		for _, g := range slices.Compact(slices.Sorted(slices.Values(group))) {
			if fixed[g] {
				continue
			}
			sum, n := 0.0, 0
			for _, l := range layers {
				switch {
				case l.in == l.out:
				case l.out == g:
					sum, n = sum+target-l.log+l.reads(log), n+1
				case l.in == g:
					sum, n = sum+l.log+log[l.out]-target, n+1
				}
			}
			if n > 0 {
				log[g] = math.Min(math.Max(sum/float64(n), -maxGain), maxGain)
			}
		}
	}
	for id, g := range group {
		b.gains[id] = int(math.Round(log[g]))
	}
	if !slices.ContainsFunc(b.gains, func(g int) bool { return g != 0 }) {
		return nil
	}
	return b.rewrite()
}

// evenRounds is how often every gain is improved.
const evenRounds = 200

// layerSize is the size of a layer's weights or biases, as the logarithm to base 2 of their root mean square, and between which
// values they lie; in is noGroup for biases.
type layerSize struct {
	log     float64
	in, out int
}

const noGroup = -1

// reads is the logarithm of the factor of what the layer reads.
func (l layerSize) reads(log map[int]float64) float64 {
	if l.in == noGroup {
		return 0
	}
	return log[l.in]
}

// layerSizes lists those of the layers whose weights take gains up.
func (b *Balancing) layerSizes(group []int, spreads map[*onnx.Value]Spread) []layerSize {
	var layers []layerSize
	nonzero := func(v *onnx.Value) bool {
		return slices.ContainsFunc(v.Const.Floats, func(v float32) bool { return v != 0 })
	}
	for _, n := range b.linears {
		w, out := n.Inputs[1], group[b.ties.find(n.Outputs[0], 0)]
		if nonzero(w) {
			size := rms(w.Const.Floats)
			if s, ok := spreads[n.Inputs[0]]; ok {
				size *= math.Max(s.largest(), math.SmallestNonzeroFloat32)
			}
			layers = append(layers, layerSize{math.Log2(size), group[b.ties.find(n.Inputs[0], 0)], out})
		}
		if len(n.Inputs) > 2 && n.Inputs[2] != nil && nonzero(n.Inputs[2]) {
			layers = append(layers, layerSize{math.Log2(rms(n.Inputs[2].Const.Floats)), noGroup, out})
		}
	}
	return layers
}

// wholeValues numbers groups of classes: those of all channels of a value are in one.
func (b *Balancing) wholeValues() []int {
	group := make([]int, len(b.ties.parent))
	for id := range group {
		group[id] = id
	}
	find := func(id int) int {
		for group[id] != id {
			group[id] = group[group[id]]
			id = group[id]
		}
		return id
	}
	for _, v := range b.values() {
		first := find(b.ties.find(v, 0))
		for c := range Channels(v) {
			group[find(b.ties.find(v, c))] = first
			first = find(first)
		}
	}
	for id := range group {
		group[id] = find(id)
	}
	return group
}
