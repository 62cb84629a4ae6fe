package finetune

import (
	"context"
	"fmt"
	"math"

	"qconv/finetune/internal/kernel"
	"qconv/onnx"
	"qconv/quant"
)

// RangeMethod says how the range of a site's levels is chosen.
type RangeMethod string

const (
	// RangeMax: all values seen are in the range.
	RangeMax RangeMethod = "max"
	// RangePercentile: CalibrateConfig.Percentile of the values are below the upper end.
	RangePercentile RangeMethod = "percentile"
	// RangeMSE: the mean squared rounding error is smallest.
	RangeMSE RangeMethod = "mse"
	// RangeAuto: RangeMSE or RangePercentile, for the whole network the one whose outputs
	// diverge less from those of the float network.
	RangeAuto RangeMethod = "auto"
)

// CalibrateConfig says how [Calibrate] chooses levels. Start from [DefaultCalibrateConfig].
type CalibrateConfig struct {
	Method RangeMethod
	// Percentile is that of RangePercentile, above 50, at most 100.
	Percentile float64
	// Samples is how many samples are looked at, evenly picked; 0 means all.
	Samples int
	// Levels of a site by its role, 2..256.
	Levels, InputLevels, OutputLevels, PooledLevels, StateLevels int
	// Sites gives single sites, by value name, other numbers of levels.
	Sites map[string]int
	// Batch is how many samples are run at a time.
	Batch int
	// Unbalanced leaves channels of different range as they are.
	Unbalanced bool
	// EvenLayers brings the weights of all layers to one size where the network allows it, for a codebook that raw weights
	// share; see [quant.Balancing.Even].
	EvenLayers bool
}

// DefaultCalibrateConfig is 32 levels, 256 for inputs, outputs, pooled values and states of loops, from
// 1000 samples.
func DefaultCalibrateConfig() CalibrateConfig {
	return CalibrateConfig{
		Method: RangeAuto, Percentile: 99.9, Samples: 1000, Batch: 50,
		Levels: 32, InputLevels: 256, OutputLevels: 256, PooledLevels: 256, StateLevels: 256,
	}
}

// Validate reports every field that is out of range.
func (c CalibrateConfig) Validate() error {
	var p problems
	p.oneOf("method", string(c.Method), string(RangeMax), string(RangePercentile), string(RangeMSE), string(RangeAuto))
	p.check(c.Percentile > 50 && c.Percentile <= 100, "percentile: got %g, want more than 50, at most 100", c.Percentile)
	p.check(c.Samples >= 0, "samples: got %d, want 0 or more", c.Samples)
	p.check(c.Batch >= 1, "batch: got %d, want at least 1", c.Batch)
	levels := func(name string, n int) { p.check(n >= 2 && n <= 256, "%s: got %d, want 2..256", name, n) }
	levels("levels", c.Levels)
	levels("input levels", c.InputLevels)
	levels("output levels", c.OutputLevels)
	levels("pooled levels", c.PooledLevels)
	levels("state levels", c.StateLevels)
	for name, n := range c.Sites {
		levels(fmt.Sprintf("levels of site %q", name), n)
	}
	return p.err("finetune: calibration")
}

// count is the number of levels of a site.
func (c CalibrateConfig) count(s quant.Site) int {
	for _, name := range []string{s.Value.Name, s.Imported()} {
		if n, ok := c.Sites[name]; ok {
			return n
		}
	}
	switch s.Role {
	case quant.RoleInput:
		return c.InputLevels
	case quant.RoleOutput:
		return c.OutputLevels
	case quant.RolePooled:
		return c.PooledLevels
	case quant.RoleState:
		return c.StateLevels
	}
	return c.Levels
}

// Calibration is what [Calibrate] found.
type Calibration struct {
	// Method is the one that was used.
	Method RangeMethod
	// Divergence of the outputs from those of the float network, weights unclustered, by
	// method tried: KL divergence in nats for classes, mean squared difference for values.
	// Empty unless methods were compared.
	Divergence map[RangeMethod]float64
	// Balanced names the values whose channels differed so much in range that they were balanced, see
	// [quant.Balancing]. Where there are any, the graph of the model has changed, but not what it computes.
	Balanced []string
}

// Calibrate sets the levels of all sites that have none yet, from the ranges their values
// take in the float network on some of the data. A model without codebooks is balanced before.
func Calibrate(ctx context.Context, m *quant.Model, data Data, cfg CalibrateConfig) (*Calibration, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := checkData(m.Graph, data); err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, s := range m.Sites {
		known[s.Value.Name] = true
	}
	for name := range cfg.Sites {
		if !known[name] {
			return nil, fmt.Errorf("finetune: calibration: there is no site %q", name)
		}
	}
	cfg.Batch = BatchFor(m.Graph, min(cfg.Batch, data.Len()))
	balanced, err := balance(ctx, m, data, cfg)
	if err != nil {
		return nil, err
	}
	var open []quant.Site
	for _, s := range m.Sites {
		if _, ok := m.Levels[s.Value.Name]; !ok {
			open = append(open, s)
		}
	}
	if len(open) == 0 {
		return &Calibration{Method: cfg.Method, Balanced: balanced}, nil
	}
	histograms, err := collect(ctx, m.Graph, open, data, cfg)
	if err != nil {
		return nil, err
	}
	methods := []RangeMethod{cfg.Method}
	if cfg.Method == RangeAuto {
		methods = []RangeMethod{RangeMSE, RangePercentile}
	}
	result := &Calibration{Method: methods[0], Balanced: balanced, Divergence: map[RangeMethod]float64{}}
	var best map[string]quant.Levels
	for _, method := range methods {
		levels, err := chooseLevels(m, open, histograms, method, cfg)
		if err != nil {
			return nil, err
		}
		if len(methods) > 1 {
			d, err := divergence(ctx, m.Graph, levels, data, cfg)
			if err != nil {
				return nil, err
			}
			result.Divergence[method] = d
			if best != nil && !(d < result.Divergence[result.Method]) {
				continue
			}
		}
		result.Method, best = method, levels
	}
	if m.Levels == nil {
		m.Levels = map[string]quant.Levels{}
	}
	for name, l := range best {
		m.Levels[name] = l
	}
	return result, nil
}

// collect makes the histograms of sites in two passes over the samples: ranges, then counts.
func collect(ctx context.Context, g *onnx.Graph, sites []quant.Site, data Data, cfg CalibrateConfig) ([]*histogram, error) {
	exec, err := NewExecutor(g, cfg.Batch, ExecOptions{})
	if err != nil {
		return nil, err
	}
	indices := evenly(data.Len(), cfg.Samples)
	lo, hi := make([]float64, len(sites)), make([]float64, len(sites))
	bad := make([]bool, len(sites))
	values, names := make([][][]float32, len(sites)), make([][]string, len(sites))
	begin := beginnings(g)
	for i, s := range sites {
		names[i] = append([]string{s.Value.Name}, begin[s.Value]...)
	}
	each := func(visit func(i int, v []float32)) error {
		return eachBatch(ctx, data, inOrder(indices, cfg.Batch), func(_ int, b *batch) error {
			if _, err := exec.Run(b.inputs...); err != nil {
				return err
			}
			for i := range sites {
				values[i] = values[i][:0]
				for _, name := range names[i] {
					values[i] = append(values[i], exec.Value(name))
				}
			}
			kernel.Parallel(len(sites), func(i int) {
				for _, v := range values[i] {
					visit(i, v)
				}
			})
			return nil
		})
	}
	masks := make([]bool, len(sites))
	err = each(func(i int, v []float32) {
		for _, x := range v {
			if sites[i].Masked && float64(x) < onnx.MaskValue/2 {
				masks[i] = true
				continue
			}
			lo[i], hi[i] = math.Min(lo[i], float64(x)), math.Max(hi[i], float64(x))
		}
		bad[i] = bad[i] || math.IsNaN(lo[i]) || math.IsInf(lo[i], 0) || math.IsNaN(hi[i]) || math.IsInf(hi[i], 0)
	})
	if err != nil {
		return nil, err
	}
	out := make([]*histogram, len(sites))
	for i, s := range sites {
		if bad[i] {
			return nil, fmt.Errorf("finetune: calibration: site %q takes values that are not finite", s.Value.Name)
		}
		if masks[i] { // what is hidden lies at the lowest level
			lo[i] += quant.Negligible
		}
		out[i] = newHistogram(lo[i], hi[i])
	}
	return out, each(func(i int, v []float32) { out[i].add(v) })
}

// beginnings are the names of what loops begin with, by the site whose levels it is rounded to.
func beginnings(g *onnx.Graph) map[*onnx.Value][]string {
	names := map[*onnx.Value][]string{}
	var shared map[*onnx.Value]*onnx.Value
	for _, n := range g.Nodes {
		if _, ok := n.Op.(*onnx.LoopState); !ok {
			continue
		}
		if shared == nil {
			shared = quant.SharedLevels(g)
		}
		if site := shared[n.Outputs[0]]; site != nil {
			names[site] = append(names[site], n.Inputs[0].Name)
		}
	}
	return names
}

// chooseLevels makes levels for all sites by one method, besides those the model has.
func chooseLevels(m *quant.Model, sites []quant.Site, histograms []*histogram, method RangeMethod, cfg CalibrateConfig) (map[string]quant.Levels, error) {
	all := map[string]quant.Levels{}
	for name, l := range m.Levels {
		all[name] = l
	}
	levels := make([]quant.Levels, len(sites))
	errs := make([]error, len(sites))
	kernel.Parallel(len(sites), func(i int) {
		h, s := histograms[i], sites[i]
		count := cfg.count(s)
		lo, hi := h.lo, h.hi
		switch {
		case lo == 0 && hi == 0: // never active: any range will do
			hi = 1
		case s.Role == quant.RoleInput:
		case method == RangePercentile:
			if a, b := h.percentile(cfg.Percentile); a < b {
				lo, hi = a, b
			}
		case method == RangeMSE:
			lo, hi = h.bestRange(count)
		}
		if s.Lowest < 0 {
			lo = math.Max(lo, s.Lowest)
		}
		levels[i], errs[i] = quant.NewLevels(count, lo, hi)
		if s.Value.Type == onnx.Int && h.lo == math.Trunc(h.lo) && h.hi-h.lo < float64(count) {
			// Whole numbers are levels themselves, those that the samples lack as well.
			levels[i] = quant.Levels{Count: count, Step: 1, Zero: int(-h.lo), Stride: 1}
		}
	})
	for i, s := range sites {
		if errs[i] != nil {
			return nil, fmt.Errorf("finetune: calibration: site %q: %w", s.Value.Name, errs[i])
		}
		all[s.Value.Name] = levels[i]
	}
	return all, nil
}

// compared is how many samples the methods of RangeAuto are compared on.
const compared = 256

// divergence measures how far the outputs move when values are rounded to levels.
func divergence(ctx context.Context, g *onnx.Graph, levels map[string]quant.Levels, data Data, cfg CalibrateConfig) (float64, error) {
	limit := compared
	if cfg.Samples > 0 {
		limit = min(limit, cfg.Samples)
	}
	return outputLoss(ctx, g, g, levels, data, evenly(data.Len(), limit), cfg.Batch)
}

// outputLoss measures on some samples how far the first output of a network with levels is from that of a float one: the KL divergence of
// classes in nats, the mean squared difference of values.
func outputLoss(ctx context.Context, teacher, g *onnx.Graph, levels map[string]quant.Levels, data Data, indices []int, batchSize int) (float64, error) {
	float, err := NewExecutor(teacher, batchSize, ExecOptions{})
	if err != nil {
		return 0, err
	}
	rounded, err := NewExecutor(g, batchSize, ExecOptions{Levels: levels})
	if err != nil {
		return 0, err
	}
	v, task := head(g)
	taught, _ := head(teacher)
	elems, rows := v.Shape.Elems(), 0 // rows are samples, or steps that have classes each
	if task == TaskClasses {
		elems = classesIn(v.Shape)
	}
	sum := 0.0
	err = eachBatch(ctx, data, inOrder(indices, batchSize), func(_ int, b *batch) error {
		if _, err := float.Run(b.inputs...); err != nil {
			return err
		}
		if _, err := rounded.Run(b.inputs...); err != nil {
			return err
		}
		want, got := float.Value(taught.Name), rounded.Value(v.Name)
		for s := range len(b.indices) * v.Shape.Elems() / elems {
			rows++
			w, x := want[s*elems:][:elems], got[s*elems:][:elems]
			if task == TaskClasses {
				l := classLoss{n: 1, classes: elems, temperature: 1, teacher: 1}
				sum += l.distil(make([]float32, elems), x, w)
			} else {
				sum += squaredDistance(x, w) / float64(elems)
			}
		}
		return nil
	})
	return sum / float64(max(rows, 1)), err
}

// squaredDistance is the sum of squared differences.
func squaredDistance(a, b []float32) float64 {
	sum := 0.0
	for i, x := range a {
		d := float64(x) - float64(b[i])
		sum += d * d
	}
	return sum
}
