package finetune

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"qconv/finetune/internal/kernel"
	"qconv/onnx"
	"qconv/quant"

	G "gorgonia.org/gorgonia"
)

// reconstructLayers chooses the clustered weights of a model anew, so that every layer comes as close as it can to the outputs that
// it has in the float network, on what it really reads: the layers before it as they are by then, their results rounded to levels. Biases
// are corrected by the way. Layers are done in their order. What a sum has lost in the operands before the layer that completes it, this layer makes up for.
// The model has levels and was clustered by cfg.Cluster; float is the network before that, of the same nodes. A network without a batch is left as it is, and so is
// a layer whose weights came quantized, whose weights have several readers, that is frozen, or that is in the body of a loop, where what it reads depends on what it
// computed before. One in ten samples is held out, and a layer keeps the weights it had
// where the new ones do worse on those.
func reconstructLayers(ctx context.Context, m *quant.Model, float *onnx.Graph, data Data, cfg PostTrainConfig) error {
	if err := checkData(m.Graph, data); err != nil {
		return err
	}
	if len(float.Nodes) != len(m.Graph.Nodes) {
		return fmt.Errorf("finetune: reconstruction: the float network has %d nodes, the model %d", len(float.Nodes), len(m.Graph.Nodes))
	}
	if !batched(m.Graph) || m.Carried() {
		return nil
	}
	ownBiases(m.Graph)
	inLoop, err := m.Graph.Bodies()
	if err != nil {
		return err
	}
	r := &reconstruction{ctx: ctx, model: m, float: float, cfg: cfg, consumers: m.Graph.Consumers(), patches: map[*onnx.Node]patches{}}
	for _, l := range m.Layers() {
		p, ok := patchesOf(l)
		own := l.Bias != nil && l.Bias.Const != nil && len(l.Bias.Const.Floats) == p.out[0]
		if ok && own && inLoop[l.Node] == nil && p.inputs() <= mostInputs && len(r.consumers[l.Weights]) == 1 {
			r.layers = append(r.layers, l)
			r.patches[l.Node] = p
		}
	}
	return r.run(data)
}

// reconstruction is one call of reconstructLayers. Float network and model lie on one tape, node by node in turn; the weights of a layer of the model are an operation of
// that tape, which finds them once what it looks at is there.
type reconstruction struct {
	ctx         context.Context
	model       *quant.Model
	float       *onnx.Graph
	cfg         PostTrainConfig
	layers      []quant.Layer
	patches     map[*onnx.Node]patches
	consumers   map[*onnx.Value][]*onnx.Node
	tape        *tape
	want, have  *builder                    // the float network and the model
	floatValues map[*onnx.Value]*onnx.Value // of a value of the model
	used        int                         // samples that are learnt from; those after them are held out
	done        int                         // layers
	err         error
}

// run looks at as many samples as there is room for.
func (r *reconstruction) run(data Data) error {
	sizes := [2]int{} // of tapes for one sample and for two
	for i := range sizes {
		if err := r.lay(i + 1); err != nil {
			return err
		}
		for _, b := range r.tape.buffers() {
			sizes[i] += len(b)
		}
	}
	used, held := divided(evenly(data.Len(), r.cfg.Samples))
	room := max(2, heldValues/max(sizes[1]-sizes[0], 1))
	if len(used)+len(held) > room {
		used, held = pick(used, max(1, room-room/holdOut)), pick(held, room/holdOut)
	}
	r.used = len(used)
	samples := append(slices.Clone(used), held...)
	if err := r.lay(len(samples)); err != nil {
		return err
	}
	return eachBatch(r.ctx, data, inOrder(samples, len(samples)), func(_ int, b *batch) error {
		for i, x := range b.inputs {
			copy(r.want.inputs[i], x)
			copy(r.have.inputs[i], x)
		}
		if err := r.tape.run(); err != nil {
			return err
		}
		return r.err
	})
}

// pick takes so many of some samples, evenly.
func pick(samples []int, most int) []int {
	if most == 0 {
		return nil
	}
	var out []int
	for _, i := range evenly(len(samples), most) {
		out = append(out, samples[i])
	}
	return out
}

// lay puts both networks on a new tape.
func (r *reconstruction) lay(samples int) error {
	r.tape = plainTape()
	r.want, r.have = newBuilder(r.tape, samples, plan{}), newBuilder(r.tape, samples, levelPlan(r.model.Levels))
	r.want.layInputs(r.float)
	r.have.layInputs(r.model.Graph)
	r.floatValues = map[*onnx.Value]*onnx.Value{}
	for i, v := range r.model.Graph.Inputs {
		r.floatValues[v] = r.float.Inputs[i]
	}
	layers := map[*onnx.Node]quant.Layer{}
	for _, l := range r.layers {
		layers[l.Node] = l
	}
	parts, err := blocks(r.model.Graph)
	if err != nil {
		return err
	}
	floatNodes := map[*onnx.Node]*onnx.Node{}
	for i, n := range r.model.Graph.Nodes {
		floatNodes[n] = r.float.Nodes[i]
		for k, v := range n.Outputs {
			r.floatValues[v] = r.float.Nodes[i].Outputs[k]
		}
	}
	floatParts, err := blocks(r.float)
	if err != nil {
		return err
	}
	for i, part := range parts {
		if err := r.want.layBlock(floatParts[i]); err != nil {
			return err
		}
		if l, ok := layers[part.nodes[0]]; ok {
			r.layLayer(l, floatNodes[l.Node], samples)
		}
		if err := r.have.layBlock(part); err != nil {
			return err
		}
	}
	r.tape.compile([]*G.Node{}) // no value has to outlive its readers
	return nil
}

// layLayer puts the weights and the bias of a layer on the tape.
func (r *reconstruction) layLayer(l quant.Layer, float *onnx.Node, samples int) {
	p := r.patches[l.Node]
	bias := l.Node.Inputs[2].Const.Floats
	weights := l.Weights.Const.Floats
	in := []*G.Node{r.have.nodes[l.Node.Inputs[0]], r.want.nodes[float.Outputs[0]]}
	for _, v := range r.summands(l.Node) {
		in = append(in, r.want.nodes[r.floatValues[v]], r.have.nodes[v])
	}
	y := r.tape.apply("reconstruct", len(weights)+len(bias), func(out []float32, in [][]float32) {
		if r.err == nil {
			r.err = r.ctx.Err()
		}
		if r.err == nil {
			want := in[1]
			for k := 2; k < len(in); k += 2 {
				want = withLoss(want, in[k], in[k+1])
			}
			r.reconstruct(l, p, float, in[0], want, samples)
		}
		copy(out, weights)
		copy(out[len(weights):], bias)
	}, nil, in...)
	r.have.nodes[l.Weights] = r.tape.apply("weights", len(weights), func(out []float32, in [][]float32) { copy(out, in[0]) }, nil, y)
	r.have.nodes[l.Node.Inputs[2]] = r.tape.apply("bias", len(bias), func(out []float32, in [][]float32) { copy(out, in[0][len(weights):]) }, nil, y)
}

// summands are the other operands of a sum that the result of n goes into at once, as far as they are on the tape.
func (r *reconstruction) summands(n *onnx.Node) []*onnx.Value {
	v := n.Outputs[0]
	readers := r.consumers[v]
	if len(readers) != 1 {
		return nil
	}
	switch readers[0].Op.(type) {
	case *onnx.Add, *onnx.Sum:
	default:
		return nil
	}
	var others []*onnx.Value
	for _, o := range readers[0].Inputs {
		if o != v && o.Const == nil && o.Shape.Equal(v.Shape) && r.have.nodes[o] != nil {
			others = append(others, o)
		}
	}
	return others
}

// withLoss is what is wanted, and what another operand of the same sum lacks.
func withLoss(want, whole, rounded []float32) []float32 {
	out := slices.Clone(want)
	for i := range out {
		out[i] += whole[i] - rounded[i]
	}
	return out
}

// reconstruct finds weights and bias of a layer, whose constants it changes.
func (r *reconstruction) reconstruct(l quant.Layer, p patches, float *onnx.Node, x, want []float32, samples int) {
	rng := rand.New(rand.NewPCG(r.cfg.Seed, uint64(r.done)))
	used, held := spots(samples, r.used, p.area(), rowsFor(p.inputs()), rng)
	measured, check := make([]*measurement, p.groups), make([]*measurement, p.groups)
	kernel.Parallel(p.groups, func(g int) {
		measured[g] = p.measure(x, want, g, used)
		check[g] = measured[g]
		if len(held) > 0 {
			check[g] = p.measure(x, want, g, held)
		}
	})
	r.choose(l, p, float.Inputs[1].Const.Floats, measured, check, len(used))
	bias := l.Node.Inputs[2].Const.Floats
	for g, m := range measured {
		w := p.matrix(l.Weights.Const.Floats, g)
		for o := range p.perOut {
			sum := m.meanWants[o]
			for i, mean := range m.meanIn {
				sum -= float64(w[o*p.inputs()+i]) * mean
			}
			bias[g*p.perOut+o] = float32(sum)
		}
	}
	r.done++
	if r.cfg.Progress != nil {
		r.cfg.Progress("reconstruct", r.done, len(r.layers))
	}
}

// Dampings that are tried where a layer was not measured at well more positions than it has inputs; the first is enough elsewhere, and large layers, where
// each takes long, get the middle one.
var dampings = []float64{1e-3, 1e-2, 1e-1}

const (
	// amply is how many times more positions than inputs are.
	amply = 30
	// quickWork is the number of multiplications that the error of a layer may take before its reconstruction has to be quick, and
	// mostInputs the most inputs of a layer that is reconstructed at all: the matrices grow with their square.
	quickWork  = 1 << 29
	mostInputs = 4608
)

// choose finds the weights of a layer: those of least error on the positions held out, if they do better there than those that it has.
func (r *reconstruction) choose(l quant.Layer, p patches, float []float32, measured, check []*measurement, positions int) {
	code, ok := r.model.Weights[l.Weights.Name]
	if !ok || code.Units != nil || !r.model.Lost(l.Weights) || r.cfg.Cluster.Layers[l.Weights.Name].Frozen {
		return
	}
	own := r.cfg.Cluster.For(l.Weights.Name)
	moments := make([]*quant.Moments, p.groups)
	matrices := make([][]float32, p.groups)
	zeros := make([][]bool, p.groups)
	least := 0.0
	for g := range p.groups {
		moments[g], matrices[g] = measured[g].moments, p.matrix(float, g)
		now := p.matrix(l.Weights.Const.Floats, g)
		least += check[g].moments.Error(now)
		for _, w := range now {
			zeros[g] = append(zeros[g], w == 0)
		}
	}
	if own.Prune == 0 {
		zeros = nil
	}
	book := quant.Fitted{Ints: r.model.Codebooks[code.Codebook], Unit: code.Unit}
	tried := dampings
	quick := p.perOut*p.groups*p.inputs()*p.inputs() > quickWork
	switch {
	case positions > amply*p.inputs():
		tried = tried[:1]
	case quick:
		tried = tried[1:2]
	}
	for _, damping := range tried {
		found, at := own.Reconstruct(moments, matrices, book, quant.ReconstructOptions{
			Damping: damping,
			Centres: r.cfg.Cluster.Scope == quant.ScopeLayer && own.Codebook == quant.KindFree,
			Unit:    true,
			Zeros:   zeros,
			Quick:   quick,
		})
		if at == nil {
			continue
		}
		values := quant.Expand(found.Ints, found.Unit)
		weights := slices.Clone(l.Weights.Const.Floats)
		sum := 0.0
		for g := range p.groups {
			matrix := make([]float32, len(at[g]))
			for k, position := range at[g] {
				matrix[k] = float32(values[position])
				weights[p.element(g, k/p.inputs(), k%p.inputs())] = matrix[k]
			}
			sum += check[g].moments.Error(matrix)
		}
		if !(sum < least) {
			continue
		}
		least = sum
		copy(l.Weights.Const.Floats, weights)
		r.model.Codebooks[code.Codebook], code.Unit = found.Ints, found.Unit
		r.model.Weights[l.Weights.Name] = code
	}
}

// ownBiases gives every layer a bias of its own.
func ownBiases(g *onnx.Graph) {
	for _, n := range g.Nodes {
		if canShift(n) {
			channels, _ := channelAxis(n)
			shiftBias(g, n, make([]float32, channels))
		}
	}
}
