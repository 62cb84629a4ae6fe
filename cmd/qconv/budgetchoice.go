package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"qconv/finetune"
	"qconv/quant"
	"qconv/runtime/printable"
)

// chosenLayer is what was chosen for the weights of a layer, or, without weights, for the levels of a value.
type chosenLayer struct {
	Layer    string     `json:"layer"`
	Weights  int        `json:"weights,omitempty"`
	Codebook quant.Kind `json:"codebook,omitempty"`
	Bytes    int        `json:"bytes,omitempty"` // about
	Levels   int        `json:"levels,omitempty"`
}

// What is tried for every layer, and on how many samples each is measured. The numbers of levels are parts of --levels.
var (
	budgetWeights   = []int{2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 256}
	budgetCodebooks = []quant.Kind{quant.KindInteger, quant.KindFree}
	budgetShares    = []int{1, 2, 4}
)

// budgetSamples is the most; large networks are measured on fewer.
const budgetSamples = 256

// Training spreads the weights over their centres, so that they take some more bytes, reconstruction hardly: these parts of the bytes are kept free for that.
const (
	trainedGrowth       = 0.04
	reconstructedGrowth = 0.01
)

// bytesPerLevel is about what a break of a step function takes in a file.
const bytesPerLevel = 3

// chooseLayers chooses weights, codebooks and levels for the demands, and puts them into the configurations. m has no levels yet, and stays as it is. passes, which is
// for --budget least, tells whether a network that was made with some configurations does.
func chooseLayers(c *cli.Context, m *quant.Model, data *samples, d demands, passes func(quant.ClusterConfig, finetune.CalibrateConfig) (bool, error), cluster *quant.ClusterConfig, calibrate *finetune.CalibrateConfig) ([]chosenLayer, error) {
	if len(m.Levels) > 0 || len(m.Codebooks) > 0 {
		return nil, usagef("flag --%s: the network has levels or weights of its own already: give the float network", d.flag())
	}
	a := &allocator{demands: d, cluster: *cluster, calibrate: *calibrate}
	cfg := finetune.TrialConfig{Weights: budgetWeights, Codebooks: budgetCodebooks, Cluster: *cluster, Calibrate: *calibrate, Samples: min(budgetSamples, comparedSamples(m.Graph)), Task: data.aim.asked}
	if d.time > 0 {
		cfg.Codebooks = []quant.Kind{quant.KindInteger} // the fastest
	}
	if c.IsSet(codebookFlag.Name) {
		cfg.Codebooks = []quant.Kind{quant.Kind(c.String(codebookFlag.Name))}
	}
	for _, share := range budgetShares {
		if n := calibrate.Levels / share; n >= 2 {
			cfg.Levels = append(cfg.Levels, n)
		}
	}
	var err error
	if a.model, err = freshModel(m, m.Graph.Clone()); err != nil {
		return nil, err
	}
	if _, err := finetune.Calibrate(c.Context, a.model, data, *calibrate); err != nil {
		return nil, err
	}
	if err := a.couldFit(cfg); err != nil {
		return nil, err
	}
	found, _, err := trials(c, m, data, data, cfg)
	if err != nil {
		return nil, err
	}
	a.take(found)
	var took footprint
	if d.least {
		took, err = a.smallest(c, passes)
	} else {
		took, err = a.search()
	}
	if err != nil {
		return nil, err
	}
	cluster.Layers, calibrate.Sites = a.layers(), a.sites()
	chosen := a.chosen()
	note(c, "chosen for %s, by what each costs alone on %d samples: %s", took.text(), min(cfg.Samples, data.Len()), chosenText(chosen))
	return chosen, nil
}

// allocator looks for the choice that keeps to demands and loses least.
type allocator struct {
	demands   demands
	cluster   quant.ClusterConfig
	calibrate finetune.CalibrateConfig
	model     *quant.Model // calibrated, not clustered
	parts     [][]finetune.Trial
	picks     []int
}

// take divides trials into those of each part of the network. Levels of inputs, outputs, means and states are not chosen, as they cost next to nothing.
func (a *allocator) take(found []finetune.Trial) {
	inside := map[string]bool{}
	for _, s := range a.model.Sites {
		inside[s.Imported()] = s.Role == quant.RoleHidden
	}
	at := map[string]int{}
	for _, t := range found {
		if t.Of == finetune.OfLevels && !inside[t.Tensor] {
			continue
		}
		key := string(t.Of) + " " + t.Tensor
		if _, ok := at[key]; !ok {
			at[key] = len(a.parts)
			a.parts = append(a.parts, nil)
		}
		if t.Of == finetune.OfLevels {
			t.Bytes = bytesPerLevel * t.Count
		}
		a.parts[at[key]] = append(a.parts[at[key]], t)
	}
}

// prices are those of all ways, and the fewest and most bytes that they take together.
func (a *allocator) prices() (ways [][]finetune.Price, least, most int) {
	ways = make([][]finetune.Price, len(a.parts))
	for i, list := range a.parts {
		low, high := list[0].Bytes, 0
		for _, t := range list {
			ways[i] = append(ways[i], finetune.Price{Loss: noise(t.Loss), Bytes: t.Bytes})
			low, high = min(low, t.Bytes), max(high, t.Bytes)
		}
		least, most = least+low, most+high
	}
	return ways, least, most
}

// search finds the picks, and what their program takes before it is trained.
func (a *allocator) search() (footprint, error) {
	ways, least, most := a.prices()
	try := func(limit int) (footprint, error) {
		a.picks, _ = finetune.Allocate(ways, limit)
		return a.footprint()
	}
	smallest, err := try(least)
	if err != nil {
		return smallest, err
	}
	d := a.tight()
	if d.bytes > 0 && smallest.Bytes > d.bytes {
		return smallest, a.impossible(smallest)
	}
	if d.bytes > 0 {
		if most, err = a.fill(try, least, most, smallest); err != nil {
			return smallest, err
		}
	}
	if d.ram == 0 && d.time == 0 {
		return try(most)
	}
	return a.descend(try, least, most)
}

// noise is how much a loss counts. Both of its parts grow with the square of a small error; where the divergence is no more than chance, the other still tells what is better.
func noise(l finetune.Loss) float64 { return l.Divergence + math.Pow(10, -l.SNR/10) }

// fill is the most that weights and levels may take, from least to most as it is estimated, so that the file keeps to its size. The file of the smallest choice tells
// what else is in it.
func (a *allocator) fill(try func(limit int) (footprint, error), least, most int, smallest footprint) (int, error) {
	budget := int(a.tight().bytes)
	fits, next := least, min(most, least+budget-int(smallest.Bytes))
	for range 4 {
		f, err := try(next)
		if err != nil {
			return 0, err
		}
		left := budget - int(f.Bytes)
		if left >= 0 {
			fits = max(fits, next)
		}
		if left >= 0 && left <= budget/200 || next == most && left >= 0 {
			break
		}
		next = min(most, max(least, next+left))
	}
	return fits, nil
}

// descents is how many sizes are tried for memory and time, which do not always fall with it: the largest that does is taken.
const descents = 16

// descend finds the largest program that keeps to all demands.
func (a *allocator) descend(try func(limit int) (footprint, error), least, most int) (footprint, error) {
	var nearest footprint
	for k := range descents {
		limit := int(float64(most) * math.Pow(float64(least)/float64(most), float64(k)/(descents-1)))
		f, err := try(max(least, limit))
		if err != nil {
			return f, err
		}
		if a.tight().check(f) == nil {
			return f, nil
		}
		if k == 0 || f.RAM < nearest.RAM || f.RAM == nearest.RAM && f.Time < nearest.Time {
			nearest = f
		}
	}
	return nearest, a.impossible(nearest)
}

// impossible says that not even f keeps to the demands.
func (a *allocator) impossible(f footprint) error {
	flag, took, want := a.tight().exceeded(f)
	if flag == budgetFlag.Name { // with what is kept for training
		took, want = grouped(int(math.Ceil(float64(f.Bytes)*(1+a.demands.growth))))+" bytes", grouped(int(a.demands.bytes))+" bytes"
	}
	return &gateError{fmt.Sprintf("flag --%s: want at most %s, the least that levels and weights can make possible is %s", flag, want, took)}
}

// leastProbes is how many networks are made to find the smallest that passes.
const leastProbes = 6

// smallest finds the smallest network that passes, by bisection of the logarithm of the size, and what its program takes before it is trained.
func (a *allocator) smallest(c *cli.Context, passes func(quant.ClusterConfig, finetune.CalibrateConfig) (bool, error)) (footprint, error) {
	ways, least, most := a.prices()
	low, high := math.Log(float64(least)), math.Log(float64(most))
	var picks []int
	for k := range leastProbes {
		limit := (low + high) / 2
		if k == 0 {
			limit = high
		}
		a.picks, _ = finetune.Allocate(ways, int(math.Exp(limit)))
		cluster, calibrate := a.cluster, a.calibrate
		cluster.Layers, calibrate.Sites = a.layers(), a.sites()
		ok, err := passes(cluster, calibrate)
		if err != nil {
			return footprint{}, err
		}
		f, err := a.footprint()
		if err != nil {
			return f, err
		}
		note(c, "%s: %s the gates before training", f.text(), map[bool]string{true: "passes", false: "misses"}[ok])
		if ok = ok && a.demands.check(f) == nil; ok || k == 0 {
			picks = a.picks
		}
		if k == 0 && !ok {
			note(c, "warning: not even the largest network passes the gates before training: that is trained")
			break
		}
		if ok {
			high = limit
		} else {
			low = limit
		}
	}
	a.picks = picks
	return a.footprint()
}

// tight are the demands with room for what training adds to the file.
func (a *allocator) tight() demands {
	d := a.demands
	d.bytes = int64(float64(d.bytes) / (1 + d.growth))
	return d
}

// couldFit refuses, before long work, a size of file that not even the fewest weights and levels keep to.
func (a *allocator) couldFit(cfg finetune.TrialConfig) error {
	if a.demands.bytes == 0 {
		return nil
	}
	var smallest footprint
	for _, kind := range cfg.Codebooks {
		cluster, sites := a.cluster, map[string]int{}
		cluster.Weights, cluster.Codebook = slices.Min(cfg.Weights), kind
		for _, s := range a.model.Sites {
			if s.Role == quant.RoleHidden && len(cfg.Levels) > 0 {
				sites[s.Value.Name] = slices.Min(cfg.Levels)
			}
		}
		f, err := demands{bytes: a.demands.bytes}.footprint(a.model, cluster, sites)
		if err != nil {
			return err
		}
		if smallest.Bytes == 0 || f.Bytes < smallest.Bytes {
			smallest = f
		}
	}
	if smallest.Bytes > a.tight().bytes {
		return a.impossible(smallest)
	}
	return nil
}

// footprint compiles the network as it is picked.
func (a *allocator) footprint() (footprint, error) {
	cluster := a.cluster
	cluster.Layers = a.layers()
	return a.demands.footprint(a.model, cluster, a.sites())
}

// footprint compiles a calibrated network with some codebooks, and with other numbers of levels at some sites.
func (d demands) footprint(calibrated *quant.Model, cluster quant.ClusterConfig, sites map[string]int) (footprint, error) {
	m, err := freshModel(calibrated, calibrated.Graph.Clone())
	if err != nil {
		return footprint{}, err
	}
	m.Balance = calibrated.Balance
	m.Levels = maps.Clone(calibrated.Levels)
	for name, n := range sites {
		l := m.Levels[name]
		if m.Levels[name], err = quant.NewLevels(n, l.Min(), l.Max()); err != nil {
			return footprint{}, err
		}
	}
	if err := quant.Cluster(m, cluster); err != nil {
		return footprint{}, err
	}
	p, data, err := compile(m)
	if err != nil {
		return footprint{}, err
	}
	return d.measure(p, int64(len(data)))
}

// layers are the picked codebooks.
func (a *allocator) layers() map[string]quant.LayerCodebook {
	out := map[string]quant.LayerCodebook{}
	for i, list := range a.parts {
		if t := list[a.picks[i]]; t.Of == finetune.OfWeights {
			out[t.Tensor] = quant.LayerCodebook{Weights: t.Count, Codebook: t.Codebook}
		}
	}
	return out
}

// sites are the picked levels.
func (a *allocator) sites() map[string]int {
	out := map[string]int{}
	for i, list := range a.parts {
		if t := list[a.picks[i]]; t.Of == finetune.OfLevels {
			out[t.Tensor] = t.Count
		}
	}
	return out
}

// chosen lists the picks: weights in the order of the layers, then levels.
func (a *allocator) chosen() (out []chosenLayer) {
	for i, list := range a.parts {
		t := list[a.picks[i]]
		if t.Of == finetune.OfWeights {
			out = append(out, chosenLayer{Layer: t.Name, Weights: t.Count, Codebook: t.Codebook, Bytes: t.Bytes})
			continue
		}
		same := func(l chosenLayer) bool { return l.Layer == t.Name && l.Levels == 0 }
		if at := slices.IndexFunc(out, same); at >= 0 {
			out[at].Levels = t.Count
		} else {
			out = append(out, chosenLayer{Layer: t.Name, Levels: t.Count})
		}
	}
	return out
}

// chosenText is the choice on one line.
func chosenText(list []chosenLayer) string {
	var parts []string
	for _, l := range list {
		var what []string
		if l.Weights > 0 {
			what = append(what, fmt.Sprintf("%d %s weights", l.Weights, l.Codebook))
		}
		if l.Levels > 0 {
			what = append(what, fmt.Sprintf("%d levels", l.Levels))
		}
		parts = append(parts, printable.Name(l.Layer)+" "+strings.Join(what, " and "))
	}
	return strings.Join(parts, ", ")
}

// printChosen prints the choice as a table.
func printChosen(w io.Writer, list []chosenLayer) {
	if len(list) == 0 {
		return
	}
	t := table{left: 1}
	t.add("chosen for", "weights", "codebook", "levels")
	dash := func(n int) string {
		if n == 0 {
			return "-"
		}
		return fmt.Sprint(n)
	}
	for _, l := range list {
		kind := string(l.Codebook)
		if kind == "" {
			kind = "-"
		}
		t.add(printable.Name(l.Layer), dash(l.Weights), kind, dash(l.Levels))
	}
	t.print(w)
}
