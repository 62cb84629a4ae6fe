package finetune

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"qconv/onnx"
	"qconv/quant"
)

// PostTrainConfig says how [PostTrain] makes up for what rounding and clustering have cost.
type PostTrainConfig struct {
	// Cluster is what the model was clustered by.
	Cluster quant.ClusterConfig
	// Samples is how many samples are looked at, evenly picked; 0 means all.
	Samples int
	// Seed decides the positions that layers are measured at, and the order of samples.
	Seed uint64
	// Progress, unless nil, is called now and then with how much of a piece of work is done.
	Progress func(work string, done, all int)
}

// PostTraining is what [PostTrain] found.
type PostTraining struct {
	// Kept is the network that the model now is.
	Kept Stage
	// Loss is how far the outputs are from those of the float network, on the samples held out, by stage tried: the KL divergence of classes in
	// nats; otherwise, for all outputs, squared error as a part of the mean square, summed.
	Loss map[Stage]float64
	// Held is the number of these samples.
	Held int
	// Undistilled is why the network could not be trained: an operator without a gradient, say, or no weight that outputs depend on.
	Undistilled error
}

// Stage is how much was done to a clustered model.
type Stage string

const (
	// StageClustered: nothing more than what the model was given with.
	StageClustered Stage = "clustered"
	// StageReconstructed: see [reconstructLayers].
	StageReconstructed Stage = "reconstructed"
	// StageDistilled: reconstructed, and then trained for a while as a whole on the float network's outputs.
	StageDistilled Stage = "distilled"
)

// PostTrain makes a model with levels and clustered weights come close to the float network that it was made from, from samples without labels alone. Its
// layers are reconstructed one after the other (see [reconstructLayers]), then all are trained together for some hundred small steps. Of the model as
// it was, after the first and after the second, that is kept which loses least on one in ten samples, which the others are not learnt from. What float is: see [reconstructLayers]. The result is the same, byte
// for byte, for the same model, data and configuration.
//
// A model whose codebook is of [quant.ScopeGlobal], where biases are centres too, stays as it is, and so does one whose samples are too few for any to be held out, a network without a batch, and one that loses nothing; a network that came quantized, or has
// several outputs, is not trained.
func PostTrain(ctx context.Context, m *quant.Model, float *onnx.Graph, data Data, cfg PostTrainConfig) (*PostTraining, error) {
	if err := checkData(m.Graph, data); err != nil {
		return nil, err
	}
	used, held := divided(evenly(data.Len(), cfg.Samples))
	result := &PostTraining{Kept: StageClustered, Loss: map[Stage]float64{}, Held: len(held)}
	if len(held) == 0 || len(m.Layers()) == 0 || !batched(m.Graph) || m.Carried() || cfg.Cluster.Scope == quant.ScopeGlobal {
		return result, nil
	}
	loss := func() (float64, error) { return lossOf(ctx, float, m, data, held) }
	least, err := loss()
	if err != nil {
		return nil, err
	}
	result.Loss[StageClustered] = least
	stages := []struct {
		stage Stage
		run   func() (bool, error)
	}{
		{StageReconstructed, func() (bool, error) { return true, reconstructLayers(ctx, m, float, data, cfg) }},
		{StageDistilled, func() (bool, error) { return distil(ctx, m, float, &subset{data, used}, cfg) }},
	}
	if !canDistil(m) {
		stages = stages[:1]
	}
	for _, s := range stages {
		old := keep(m)
		sane, err := s.run()
		switch {
		case err != nil && (s.stage != StageDistilled || ctx.Err() != nil):
			return nil, fmt.Errorf("finetune: %s: %w", s.stage, err)
		case err != nil:
			result.Undistilled = err
			old.restore(m)
			continue
		}
		now := math.Inf(1)
		if sane {
			if now, err = loss(); err != nil {
				return nil, err
			}
		}
		result.Loss[s.stage] = now
		if !(now < least) {
			old.restore(m)
			continue
		}
		result.Kept, least = s.stage, now
	}
	return result, nil
}

// holdOut says that every so many samples one is held out.
const holdOut = 10

// divided are samples to learn from, and those that are held out.
func divided(samples []int) (used, held []int) {
	for k, i := range samples {
		if k%holdOut == holdOut-1 {
			held = append(held, i)
		} else {
			used = append(used, i)
		}
	}
	return used, held
}

// subset is some samples of data, without labels.
type subset struct {
	Data
	samples []int
}

func (s *subset) Len() int                         { return len(s.samples) }
func (s *subset) Input(i int, dst []float32) error { return s.Data.Input(s.samples[i], dst) }
func (s *subset) Label(int) int                    { return -1 }

// lossOf measures how far the outputs of a model are from those of the float network; see [PostTraining].
func lossOf(ctx context.Context, float *onnx.Graph, m *quant.Model, data Data, indices []int) (float64, error) {
	batchSize := BatchFor(m.Graph, min(validationBatch, len(indices)))
	if _, task := head(m.Graph); task == TaskClasses && len(m.Graph.Outputs) == 1 {
		return outputLoss(ctx, float, m.Graph, m.Levels, data, indices, batchSize)
	}
	want, err := NewExecutor(float, batchSize, ExecOptions{OutputsOnly: true})
	if err != nil {
		return 0, err
	}
	have, err := NewExecutor(m.Graph, batchSize, ExecOptions{Levels: m.Levels, OutputsOnly: true})
	if err != nil {
		return 0, err
	}
	errors, squares := make([]float64, len(float.Outputs)), make([]float64, len(float.Outputs))
	err = eachBatch(ctx, data, inOrder(indices, batchSize), func(_ int, b *batch) error {
		wanted, err := want.Run(b.inputs...)
		if err != nil {
			return err
		}
		got, err := have.Run(b.inputs...)
		if err != nil {
			return err
		}
		for i, v := range wanted {
			errors[i] += squaredDistance(got[i], v)
			for _, x := range v {
				squares[i] += float64(x) * float64(x)
			}
		}
		return nil
	})
	sum := 0.0
	for i, e := range errors {
		sum += e / max(squares[i], math.SmallestNonzeroFloat64)
	}
	return sum, err
}

// kept is all of a model that post-training changes.
type kept struct {
	inputs    map[*onnx.Node][]*onnx.Value
	floats    map[*onnx.Value][]float32
	levels    map[string]quant.Levels
	codebooks [][]int32
	weights   map[string]quant.WeightCode
}

func keep(m *quant.Model) kept {
	k := kept{
		inputs: map[*onnx.Node][]*onnx.Value{}, floats: map[*onnx.Value][]float32{},
		levels: maps.Clone(m.Levels), codebooks: slices.Clone(m.Codebooks), weights: maps.Clone(m.Weights),
	}
	for _, n := range m.Graph.Nodes {
		if isLinear(n) {
			k.inputs[n] = slices.Clone(n.Inputs)
			for _, v := range n.Inputs[1:] {
				if v != nil && v.Const != nil {
					k.floats[v] = slices.Clone(v.Const.Floats)
				}
			}
		}
	}
	return k
}

func (k kept) restore(m *quant.Model) {
	m.Levels, m.Codebooks, m.Weights = k.levels, k.codebooks, k.weights
	for n, inputs := range k.inputs {
		n.Inputs = inputs
	}
	for v, floats := range k.floats {
		copy(v.Const.Floats, floats)
	}
}
