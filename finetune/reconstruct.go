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

// Reconstruct chooses the clustered weights of a model anew, so that every layer comes as close as it can to the outputs that
// it has in the float network, on what it really reads: the layers before it as they are by then, their results rounded to levels. Biases
// are corrected by the way. Layers are done in their order. What a sum has lost in the operands before the layer that completes it, this layer makes up for.
// The model has levels and was clustered by cfg.Cluster; float is the network before that, of the same nodes. A network without a batch is left as it is, and so is
// a layer whose weights came quantized, whose weights have several readers, or that is frozen. One in ten samples is held out, and a layer keeps the weights it had
// where the new ones do worse on those.
func Reconstruct(ctx context.Context, m *quant.Model, float *onnx.Graph, data Data, cfg PostTrainConfig) error {
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
	r := &reconstruction{ctx: ctx, model: m, float: float, cfg: cfg}
	for _, l := range m.Layers() {
		if readers := m.Graph.Consumers()[l.Weights]; len(readers) == 1 {
			r.layers = append(r.layers, l)
		}
	}
	return r.run(data)
}

// reconstruction is one call of Reconstruct. Float network and model lie on one tape, node by node in turn; the weights of a layer of the model are an operation of
// that tape, which finds them once what it looks at is there.
type reconstruction struct {
	ctx         context.Context
	model       *quant.Model
	float       *onnx.Graph
	cfg         PostTrainConfig
	layers      []quant.Layer
	done        int
	tape        *tape
	want, have  *builder
	floatNode   map[*onnx.Node]*onnx.Node // of a node of the model
	floatValues map[*onnx.Value]*onnx.Value
	consumers   map[*onnx.Value][]*onnx.Node
	err         error
}

func (r *reconstruction) run(data Data) error {
	one, err := r.lay(1)
	if err != nil {
		return err
	}
	perSample := 0
	for _, b := range one.buffers() {
		perSample += len(b)
	}
	samples := max(1, min(len(evenly(data.Len(), r.cfg.Samples)), heldValues/perSample))
	if _, err := r.lay(samples); err != nil {
		return err
	}
	return eachBatch(r.ctx, data, inOrder(evenly(data.Len(), samples), samples), func(_ int, b *batch) error {
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

// lay puts both networks on a new tape.
func (r *reconstruction) lay(samples int) (*tape, error) {
	r.tape = plainTape()
	builderOf := func(p plan) *builder {
		return &builder{tape: r.tape, batch: samples, plan: p, nodes: map[*onnx.Value]*G.Node{}, raw: map[*onnx.Value]*G.Node{}}
	}
	r.want, r.have = builderOf(plan{}), builderOf(levelPlan(r.model.Levels))
	r.want.layInputs(r.float)
	r.have.layInputs(r.model.Graph)
	r.consumers = r.model.Graph.Consumers()
	r.floatValues = map[*onnx.Value]*onnx.Value{}
	for i, v := range r.model.Graph.Inputs {
		r.floatValues[v] = r.float.Inputs[i]
	}
	layers := map[*onnx.Node]quant.Layer{}
	for _, l := range r.layers {
		layers[l.Node] = l
	}
	for i, n := range r.model.Graph.Nodes {
		same := r.float.Nodes[i]
		for k, v := range n.Outputs {
			r.floatValues[v] = same.Outputs[k]
		}
		if err := r.want.layNode(same); err != nil {
			return nil, err
		}
		if l, ok := layers[n]; ok {
			r.layLayer(l, same, samples)
		}
		if err := r.have.layNode(n); err != nil {
			return nil, err
		}
	}
	if !r.tape.compile([]*G.Node{}) {
		return nil, fmt.Errorf("finetune: reconstruction: BUG: a tape without gradients has no hashes")
	}
	return r.tape, nil
}

// layLayer puts the weights and the bias of a layer on the tape.
func (r *reconstruction) layLayer(l quant.Layer, float *onnx.Node, samples int) {
	p, ok := patchesOf(l)
	if !ok {
		return
	}
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

// damping is how strongly weights are held to what they were where the inputs say little.
const damping = 1e-3

// reconstruct finds weights and bias of a layer, whose constants it changes.
func (r *reconstruction) reconstruct(l quant.Layer, p patches, float *onnx.Node, x, want []float32, samples int) {
	rng := rand.New(rand.NewPCG(r.cfg.Seed, uint64(r.done)))
	used, held := spots(samples, p.area(), rowsFor(p.inputs()), rng)
	measured, check := make([]*measurement, p.groups), make([]*measurement, p.groups)
	kernel.Parallel(p.groups, func(g int) {
		measured[g] = p.measure(x, want, g, used)
		check[g] = measured[g]
		if len(held) > 0 {
			check[g] = p.measure(x, want, g, held)
		}
	})
	r.choose(l, p, float.Inputs[1].Const.Floats, measured, check)
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

// choose finds the weights of a layer.
func (r *reconstruction) choose(l quant.Layer, p patches, float []float32, measured, check []*measurement) {
	code, ok := r.model.Weights[l.Weights.Name]
	if !ok || code.Units != nil {
		return
	}
	own := r.cfg.Cluster.For(l.Weights.Name)
	moments := make([]*quant.Moments, p.groups)
	matrices := make([][]float32, p.groups)
	before := 0.0
	for g := range p.groups {
		moments[g] = measured[g].moments
		matrices[g] = p.matrix(float, g)
		before += check[g].moments.Error(p.matrix(l.Weights.Const.Floats, g))
	}
	ints := r.model.Codebooks[code.Codebook]
	book := quant.Fitted{Ints: ints, Unit: code.Unit}
	layerScope := r.cfg.Cluster.Scope == quant.ScopeLayer
	o := quant.ReconstructOptions{Damping: damping, Centres: layerScope && own.Codebook == quant.KindFree, Unit: r.cfg.Cluster.Scope != quant.ScopeGlobal}
	found, positions := own.Reconstruct(moments, matrices, book, o)
	if positions == nil {
		return
	}
	values := quant.Expand(found.Ints, found.Unit)
	weights := slices.Clone(l.Weights.Const.Floats)
	after := 0.0
	n := p.inputs()
	for g := range p.groups {
		for o := range p.perOut {
			for i := range n {
				v := float32(values[positions[g][o*n+i]])
				matrices[g][o*n+i] = v
				weights[p.element(g, o, i)] = v
			}
		}
		after += check[g].moments.Error(matrices[g])
	}
	power := 0.0
	for g := range p.groups {
		for _, v := range check[g].moments.Power {
			power += v
		}
	}
	fmt.Printf("%s: %.4g -> %.4g\n", l.Name, before/power, after/power)
	if !(after < before) {
		return
	}
	copy(l.Weights.Const.Floats, weights)
	r.model.Codebooks[code.Codebook] = found.Ints
	code.Unit = found.Unit
	r.model.Weights[l.Weights.Name] = code
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
