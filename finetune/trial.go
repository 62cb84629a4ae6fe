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

// Of says what a [Trial] makes few.
type Of string

const (
	OfWeights Of = "weights" // of a layer
	OfLevels  Of = "levels"  // of a value
)

// Trial is what a float network loses where one thing alone is made few: the weights of one layer, or the levels of one value.
type Trial struct {
	Of Of `json:"of"`
	// Name is that of the layer, or of the one whose result the levels are; of a value that is no layer's, such as an input, it is the value's.
	Name string `json:"name"`
	// Tensor is the name of the weights, or of the value.
	Tensor   string     `json:"tensor"`
	Count    int        `json:"count"` // of weights or levels
	Codebook quant.Kind `json:"codebook,omitempty"`
	// Elements is how many weights there are, Bytes about what they take in a file: their entropy, and the codebook.
	Elements int `json:"elements,omitempty"`
	Bytes    int `json:"bytes,omitempty"`
	Loss
}

// Loss is how far the first output of a network is from that of the float network.
type Loss struct {
	// Divergence is the KL divergence of classes in nats; of numbers, their squared error as a part of the mean square.
	Divergence float64 `json:"divergence"`
	// SNR is the signal-to-noise ratio of scores or numbers in decibels: their variance to the squared error, at most 150.
	SNR float64 `json:"snr_db"`
	// Agreement is the share of samples that get the same class, Accuracy that of labelled ones that get the right one. Both are nil for numbers, and
	// Accuracy where no sample has a label.
	Agreement *float64 `json:"agreement,omitempty"`
	Accuracy  *float64 `json:"accuracy,omitempty"`
}

// TrialConfig says what [Trials] tries.
type TrialConfig struct {
	// Levels, Weights and Codebooks are tried in all combinations, but that a codebook means nothing for levels.
	Levels, Weights []int
	Codebooks       []quant.Kind
	// Cluster and Calibrate say the rest: how centres and ranges are found.
	Cluster   quant.ClusterConfig
	Calibrate CalibrateConfig
	// Samples is how many are measured on, evenly picked, at most; 0 means all.
	Samples int
	// Task says what outputs mean; TaskAuto decides as [TaskFor].
	Task Task
	// Tune, unless nil, says how each of the networks is trained before it is measured. Other weights then take 65536 values and other values 256.
	Tune *Config
	// Progress, unless nil, is called after every trial.
	Progress func(done, all int)
}

// Validate reports every field that is out of range.
func (c TrialConfig) Validate() error {
	var p problems
	for _, n := range c.Levels {
		p.check(n >= 2 && n <= 256, "levels: got %d, want 2..256", n)
	}
	for _, n := range c.Weights {
		p.check(n >= 2 && n <= 65536, "weights: got %d, want 2..65536", n)
	}
	for _, k := range c.Codebooks {
		p.oneOf("codebook", string(k), string(quant.KindFree), string(quant.KindInteger), string(quant.KindCheap))
	}
	p.check(len(c.Weights) == 0 || len(c.Codebooks) > 0, "codebooks: got none, want one or more")
	p.check(c.Samples >= 0, "samples: got %d, want 0 or more", c.Samples)
	if err := c.Calibrate.Validate(); err != nil {
		p.add("%v", err)
	}
	return p.err("finetune: trials")
}

// Trials measures on some data what each of the choices costs alone, every weight and value else being as in the float network m.Graph, which is
// left as it is. Ranges are chosen, and networks trained, on other data. What comes quantized is not tried. The second result is the loss of the float network itself: its accuracy.
// Trials of weights come first, in the order of the layers; all others follow in that of the values.
func Trials(ctx context.Context, m *quant.Model, data, measured Data, cfg TrialConfig) ([]Trial, Loss, error) {
	if err := cfg.Validate(); err != nil {
		return nil, Loss{}, err
	}
	for _, d := range []Data{data, measured} {
		if err := checkData(m.Graph, d); err != nil {
			return nil, Loss{}, err
		}
	}
	cfg.Calibrate.Batch = BatchFor(m.Graph, min(cfg.Calibrate.Batch, data.Len()))
	r := &trials{ctx: ctx, data: data, cfg: cfg}
	var err error
	if r.model, err = quant.NewModel(m.Graph.Clone()); err != nil {
		return nil, Loss{}, err
	}
	if _, err := balance(ctx, r.model, data, cfg.Calibrate); err != nil {
		return nil, Loss{}, err
	}
	if r.probe, err = newProbe(ctx, r.model.Graph, measured, cfg.Samples, cfg.Task); err != nil {
		return nil, Loss{}, err
	}
	r.readers, r.times = r.model.Graph.Consumers(), iterations(r.model.Graph)
	for _, s := range r.model.Sites {
		if _, came := r.model.Levels[s.Value.Name]; !came {
			r.sites = append(r.sites, s)
		}
	}
	r.all = len(r.tensors())*len(cfg.Weights)*len(cfg.Codebooks) + len(r.sites)*len(cfg.Levels)
	if err := r.ofWeights(); err != nil {
		return nil, Loss{}, err
	}
	if err := r.ofLevels(); err != nil {
		return nil, Loss{}, err
	}
	return r.found, r.probe.float, nil
}

// trials is one call of Trials.
type trials struct {
	ctx   context.Context
	data  Data
	cfg   TrialConfig
	model *quant.Model // float, balanced
	sites []quant.Site
	probe *probe
	// readers are the nodes that read a value.
	readers map[*onnx.Value][]*onnx.Node
	// times is how often a node runs.
	times func(n *onnx.Node) int
	all   int
	found []Trial
}

// tensors are the weights to try, with the first layer that reads them.
func (r *trials) tensors() (layers []quant.Layer) {
	for _, l := range r.model.Layers() {
		same := func(other quant.Layer) bool { return other.Weights == l.Weights }
		if l.Weights.Const != nil && !slices.ContainsFunc(layers, same) {
			layers = append(layers, l)
		}
	}
	return layers
}

func (r *trials) add(t Trial) {
	r.found = append(r.found, t)
	if r.cfg.Progress != nil {
		r.cfg.Progress(len(r.found), r.all)
	}
}

// fresh is a copy of the float model.
func (r *trials) fresh() (*quant.Model, error) { return quant.NewModel(r.model.Graph.Clone()) }

// ofWeights tries every number of weights. All layers are clustered at once, in a copy, and looked at one by one.
func (r *trials) ofWeights() error {
	layers := r.tensors()
	byLayer := make([][]Trial, len(layers))
	for _, n := range r.cfg.Weights {
		for _, kind := range r.cfg.Codebooks {
			cfg := r.cfg.Cluster
			cfg.Weights, cfg.Codebook = n, kind
			if kind != quant.KindInteger {
				cfg.Units = quant.UnitTensor
			}
			clustered, err := r.fresh()
			if err != nil {
				return err
			}
			if err := quant.Cluster(clustered, cfg); err != nil {
				return err
			}
			values := clustered.WeightValues()
			for i, l := range layers {
				at := slices.IndexFunc(values, func(v *onnx.Value) bool { return v.Name == l.Weights.Name })
				t := Trial{Of: OfWeights, Name: l.Name, Tensor: l.Weights.Name, Count: n, Codebook: kind, Elements: len(values[at].Const.Floats)}
				t.Bytes = codedBytes(clustered, values[at])
				if r.cfg.Tune != nil {
					t.Loss, err = r.tuned(Trial{Of: OfWeights, Tensor: t.Tensor, Count: n, Codebook: kind})
				} else {
					t.Loss, err = r.with(l, values[at].Const.Floats)
				}
				if err != nil {
					return err
				}
				byLayer[i] = append(byLayer[i], t)
				r.add(t)
			}
		}
	}
	r.found = slices.Concat(byLayer...)
	return nil
}

// with measures the float network with other weights in one place. Where the layer has a bias of its own, that gives its results the means they had, as
// everywhere where weights are clustered; but not in a loop, where what is added comes back to the layer.
func (r *trials) with(l quant.Layer, floats []float32) (Loss, error) {
	weights := l.Weights.Const.Floats
	old := slices.Clone(weights)
	defer copy(weights, old)
	channels, area := channelAxis(l.Node)
	corrected := r.times(l.Node) == 1 && batched(r.model.Graph) && l.Bias != nil && l.Bias.Const != nil && len(l.Bias.Const.Floats) == channels && len(r.readers[l.Bias]) == 1 && len(r.readers[l.Weights]) == 1
	if !corrected {
		copy(weights, floats)
		return r.probe.measure(r.ctx, r.probe.exec)
	}
	var means [2][]float64
	for i := range means {
		if i == 1 {
			copy(weights, floats)
		}
		if _, err := r.probe.exec.Run(r.probe.first...); err != nil {
			return Loss{}, err
		}
		means[i] = meanPerChannel(r.probe.exec.Value(l.Node.Outputs[0].Name), channels, area)
	}
	bias := l.Bias.Const.Floats
	before := slices.Clone(bias)
	defer copy(bias, before)
	for ch := range bias {
		bias[ch] += float32(means[0][ch] - means[1][ch])
	}
	return r.probe.measure(r.ctx, r.probe.exec)
}

// ofLevels tries every number of levels, with ranges of the least squared error.
func (r *trials) ofLevels() error {
	if len(r.sites) == 0 || len(r.cfg.Levels) == 0 {
		return nil
	}
	histograms, err := collect(r.ctx, r.model.Graph, r.sites, r.data, r.cfg.Calibrate)
	if err != nil {
		return err
	}
	method := r.cfg.Calibrate.Method
	if method == RangeAuto {
		method = RangeMSE
	}
	byCount := map[int]map[string]quant.Levels{}
	for _, n := range r.cfg.Levels {
		cfg := r.cfg.Calibrate
		cfg.Levels, cfg.InputLevels, cfg.OutputLevels, cfg.PooledLevels, cfg.StateLevels, cfg.Sites = n, n, n, n, n, nil
		if byCount[n], err = chooseLevels(r.model, r.sites, histograms, method, cfg); err != nil {
			return err
		}
	}
	names := map[*onnx.Value]string{}
	for _, l := range r.model.Layers() {
		if l.Site != nil && names[l.Site] == "" {
			names[l.Site] = l.Name
		}
	}
	for _, s := range r.sites {
		v := s.Value.Name
		for _, n := range r.cfg.Levels {
			t := Trial{Of: OfLevels, Name: names[s.Value], Tensor: v, Count: n}
			if t.Name == "" {
				t.Name = v
			}
			if r.cfg.Tune != nil {
				t.Loss, err = r.tuned(t)
			} else {
				t.Loss, err = r.rounded(map[string]quant.Levels{v: byCount[n][v]})
			}
			if err != nil {
				return err
			}
			r.add(t)
		}
	}
	return nil
}

// rounded measures the float network with some values rounded.
func (r *trials) rounded(levels map[string]quant.Levels) (Loss, error) {
	exec, err := NewExecutor(r.model.Graph, r.probe.exec.Batch(), ExecOptions{Levels: levels})
	if err != nil {
		return Loss{}, err
	}
	return r.probe.measure(r.ctx, exec)
}

// mostLevels and mostWeights are as good as float.
const (
	mostLevels  = 256
	mostWeights = 65536
)

// tuned trains a network in which one thing is few, and measures it.
func (r *trials) tuned(t Trial) (Loss, error) {
	m, err := r.fresh()
	if err != nil {
		return Loss{}, err
	}
	calibrate, cfg := r.cfg.Calibrate, *r.cfg.Tune
	calibrate.Levels, calibrate.InputLevels, calibrate.OutputLevels, calibrate.Sites = mostLevels, mostLevels, mostLevels, nil
	calibrate.PooledLevels, calibrate.StateLevels = mostLevels, mostLevels
	calibrate.Unbalanced = true // it is balanced already
	cfg.Cluster = r.cfg.Cluster
	cfg.Cluster.Weights, cfg.Cluster.Codebook, cfg.Cluster.Units = mostWeights, quant.KindFree, quant.UnitTensor
	if t.Of == OfLevels {
		calibrate.Sites = map[string]int{t.Tensor: t.Count}
		cfg.Schedule = ScheduleNone
	} else {
		cfg.Cluster.Layers = map[string]quant.LayerCodebook{t.Tensor: {Weights: t.Count, Codebook: t.Codebook}}
	}
	cfg.Teacher = r.model.Graph
	if _, err := Calibrate(r.ctx, m, r.data, calibrate); err != nil {
		return Loss{}, err
	}
	result, err := Tune(r.ctx, m, r.data, cfg)
	switch {
	case err != nil:
		return Loss{}, fmt.Errorf("%s of %q at %d: %w", t.Of, t.Tensor, t.Count, err)
	case result.Stopped:
		return Loss{}, context.Cause(r.ctx)
	}
	exec, err := NewExecutor(m.Graph, r.probe.exec.Batch(), ExecOptions{Levels: m.Levels})
	if err != nil {
		return Loss{}, err
	}
	return r.probe.measure(r.ctx, exec)
}

// codedBytes is about what clustered weights take in a file: the entropy of their centres, and two bytes for each of these.
func codedBytes(m *quant.Model, w *onnx.Value) int {
	units, channel := []float64{m.Weights[w.Name].Unit}, func(int) int { return 0 }
	if own := m.Weights[w.Name].Units; own != nil {
		units = own
		channel, _ = m.WeightChannels(w)
	}
	counts := map[int]int{}
	for i, v := range w.Const.Floats {
		counts[int(math.Round(float64(v)/units[channel(i)]))]++
	}
	bits, n := 0.0, float64(len(w.Const.Floats))
	for _, c := range slices.Sorted(maps.Values(counts)) { // in one order, so that the sum is the same every time
		bits -= float64(c) * math.Log2(float64(c)/n)
	}
	return int(math.Ceil(bits/8)) + 2*len(counts)
}
