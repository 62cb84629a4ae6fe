package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"qconv/finetune"
	"qconv/quant"
	qrt "qconv/runtime"
	"qconv/runtime/bytesize"
	"qconv/runtime/printable"
)

// Demands on a program's size and speed. Given one, levels, weights and codebooks are chosen layer by layer.
var (
	budgetFlag = &cli.StringFlag{Name: "budget", Category: catQuant,
		Usage: "choose weights, codebooks and levels layer by layer so that the .qlut takes at most `SIZE`, such as 40KB, and the outputs come out as near as can be: by what each layer costs alone (see qconv sensitivity). --levels is then the most"}
	maxRAMFlag = &cli.StringFlag{Name: "max-ram", Category: catQuant,
		Usage: "choose them so that program and runner take at most `SIZE` in memory, on this machine or --target, in the forms that are fastest there and fit"}
	maxMsFlag = &cli.Float64Flag{Name: "max-ms", Category: catQuant,
		Usage: "choose them so that one inference takes at most `MS` milliseconds: the median measured on this machine with one worker, of no other"}
	budgetFlags = []cli.Flag{budgetFlag, maxRAMFlag, maxMsFlag, targetFlag}
)

// demands are what a program must keep to; 0 where nothing is demanded.
type demands struct {
	bytes, ram int64
	time       time.Duration
	target     string // of ram; empty is this machine
	limits     qrt.Limits
}

func (d demands) any() bool { return d.bytes > 0 || d.ram > 0 || d.time > 0 }

// readDemands reads the flags, and refuses those that say by hand what is to be chosen.
func readDemands(c *cli.Context) (d demands, err error) {
	for _, f := range []struct {
		flag *cli.StringFlag
		dst  *int64
	}{{budgetFlag, &d.bytes}, {maxRAMFlag, &d.ram}} {
		if !c.IsSet(f.flag.Name) {
			continue
		}
		if *f.dst, err = bytesize.Parse(c.String(f.flag.Name)); err != nil {
			return d, usagef("flag --%s: %v", f.flag.Name, err)
		}
	}
	if c.IsSet(maxMsFlag.Name) {
		ms := c.Float64(maxMsFlag.Name)
		if !(ms > 0 && ms <= 3.6e6) {
			return d, usagef("flag --%s: got %g, want more than 0, at most 3600000", maxMsFlag.Name, ms)
		}
		d.time = time.Duration(ms * float64(time.Millisecond))
	}
	d.target, d.limits = c.String(targetFlag.Name), programLimits(c)
	if d.target != "" && d.ram == 0 {
		return d, usagef("flag --%s: it is the machine of --%s, which is not given", targetFlag.Name, maxRAMFlag.Name)
	}
	if !d.any() {
		return d, nil
	}
	for _, f := range []cli.Flag{weightsFlag, endWeightsFlag, configFlag, spectrumFlag, pruneFlag} {
		if name := f.Names()[0]; c.IsSet(name) {
			return d, usagef("flag --%s: --%s chooses weights layer by layer", name, d.flag())
		}
	}
	if scope := quant.Scope(c.String(scopeFlag.Name)); scope != quant.ScopeLayer {
		return d, usagef("flag --%s: got %q, want %s with --%s: every layer has a codebook of its own", scopeFlag.Name, scope, quant.ScopeLayer, d.flag())
	}
	return d, nil
}

// flag is the first flag of the demands.
func (d demands) flag() string {
	switch {
	case d.bytes > 0:
		return budgetFlag.Name
	case d.ram > 0:
		return maxRAMFlag.Name
	}
	return maxMsFlag.Name
}

// footprint is what a program takes of what can be demanded; what is not demanded is not measured.
type footprint struct {
	Bytes int64         `json:"file_bytes"`
	RAM   int64         `json:"ram_bytes,omitempty"`
	Time  time.Duration `json:"ns_per_inference,omitempty"`
}

// timedFor is how long the time of a program is measured.
const timedFor = 150 * time.Millisecond

// measure finds out what a program takes whose file has the given size.
func (d demands) measure(p *qrt.Program, size int64) (f footprint, err error) {
	f.Bytes = size
	o := qrt.Options{MaxMemory: d.ram, Limits: d.limits}
	if d.ram > 0 && d.target != "" {
		target, err := qrt.ParseTarget(d.target)
		if err != nil {
			return f, err
		}
		m, _, err := p.MemoryOn(target, size, o)
		if f.RAM = int64(m.Total()) + p.Bytes(); is[*qrt.LimitError](err) {
			f.RAM, err = needed(err), nil
		}
		if err != nil || d.time == 0 {
			return f, err
		}
		o.MaxMemory = 0
	}
	if d.time == 0 && d.ram == 0 {
		return f, nil
	}
	if d.ram > 0 && d.target == "" {
		r, err := qrt.NewRunner(p, o)
		if is[*qrt.LimitError](err) {
			f.RAM = needed(err)
			return f, nil
		}
		if err != nil {
			return f, err
		}
		f.RAM = int64(r.Memory().Total()) + p.Bytes()
		r.Close()
	}
	if d.time > 0 {
		f.Time, err = medianTime(p, o)
	}
	return f, err
}

// needed is what a program takes at least that exceeds a limit.
func needed(err error) int64 {
	var limit *qrt.LimitError
	errors.As(err, &limit)
	return limit.Need
}

// check compares what a program takes with the demands.
func (d demands) check(f footprint) error {
	switch {
	case d.bytes > 0 && f.Bytes > d.bytes:
		return &gateError{fmt.Sprintf("the program takes %s bytes, want at most %s", grouped(int(f.Bytes)), grouped(int(d.bytes)))}
	case d.ram > 0 && f.RAM > d.ram:
		return &gateError{fmt.Sprintf("the program takes %s bytes of memory, want at most %s", grouped(int(f.RAM)), grouped(int(d.ram)))}
	case d.time > 0 && f.Time > d.time:
		return &gateError{fmt.Sprintf("an inference takes %v, want at most %v", f.Time, d.time)}
	}
	return nil
}

// text is what a program takes, in words.
func (f footprint) text() string {
	parts := []string{grouped(int(f.Bytes)) + " bytes"}
	if f.RAM > 0 {
		parts = append(parts, grouped(int(f.RAM))+" bytes of memory")
	}
	if f.Time > 0 {
		parts = append(parts, f.Time.String()+" an inference")
	}
	return strings.Join(parts, ", ")
}

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

const budgetSamples = 256

// Training spreads the weights over their centres, so that they take some more bytes: growth is what is kept free for that.
const growth = 0.04

// bytesPerLevel is about what a break of a step function takes in a file.
const bytesPerLevel = 3

// chooseLayers chooses weights, codebooks and levels for the demands, and puts them into the configurations. m has no levels yet, and stays as it is.
func chooseLayers(c *cli.Context, m *quant.Model, data *samples, d demands, cluster *quant.ClusterConfig, calibrate *finetune.CalibrateConfig) ([]chosenLayer, error) {
	if len(m.Levels) > 0 || len(m.Codebooks) > 0 {
		return nil, usagef("flag --%s: the network has levels or weights of its own already: give the float network", d.flag())
	}
	a := &allocator{demands: d, cluster: *cluster, calibrate: *calibrate}
	cfg := finetune.TrialConfig{Weights: budgetWeights, Codebooks: budgetCodebooks, Cluster: *cluster, Calibrate: *calibrate, Samples: budgetSamples, Task: data.aim.asked}
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
	found, _, err := trials(c, m, data, data, cfg)
	if err != nil {
		return nil, err
	}
	a.take(found)
	took, err := a.search()
	if err != nil {
		return nil, err
	}
	cluster.Layers, calibrate.Sites = a.layers(), a.sites()
	chosen := a.chosen()
	note(c, "chosen for %s, by what each costs alone on %d samples: %s", took.text(), min(budgetSamples, data.Len()), chosenText(chosen))
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

// take divides trials into those of each part of the network. Levels of inputs, outputs and means are not chosen, as they cost next to nothing.
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

// search finds the picks, and what their program takes before it is trained. It is bisection of what the weights may take: all demands are met by less.
func (a *allocator) search() (footprint, error) {
	ways := make([][]finetune.Price, len(a.parts))
	least, most := 0, 0
	for i, list := range a.parts {
		low, high := list[0].Bytes, 0
		for _, t := range list {
			ways[i] = append(ways[i], finetune.Price{Loss: t.Divergence, Bytes: t.Bytes})
			low, high = min(low, t.Bytes), max(high, t.Bytes)
		}
		least, most = least+low, most+high
	}
	try := func(limit int) (footprint, error) {
		a.picks, _ = finetune.Allocate(ways, limit)
		return a.footprint()
	}
	smallest, err := try(least)
	if err != nil {
		return smallest, err
	}
	if err := a.tight().check(smallest); err != nil {
		return smallest, &gateError{fmt.Sprintf("no choice of levels and weights keeps to that: %v; the least possible is %s, of which a part of %d is kept for training", err, smallest.text(), int(1/growth))}
	}
	low, high := least, most+1 // what fits, and what does not
	best, picks := smallest, a.picks
	next := high
	if a.demands.bytes > 0 {
		next = min(most, int(a.tight().bytes-smallest.Bytes)+least)
	} else {
		next = most
	}
	for range 14 {
		f, err := try(next)
		if err != nil {
			return f, err
		}
		if a.tight().check(f) == nil {
			low, best, picks = next, f, a.picks
		} else {
			high = next
		}
		if high-low <= max(8, low/200) {
			break
		}
		next = (low + high) / 2
		if a.demands.bytes > 0 && low > least { // sizes are known nearly enough to go straight there
			next = max(low+1, min(high-1, low+int(a.tight().bytes-best.Bytes)))
		}
	}
	a.picks = picks
	return best, nil
}

// tight are the demands with room for what training adds to the file.
func (a *allocator) tight() demands {
	d := a.demands
	d.bytes = int64(float64(d.bytes) / (1 + growth))
	return d
}

// footprint compiles the network as it is picked.
func (a *allocator) footprint() (footprint, error) {
	m, err := freshModel(a.model, a.model.Graph.Clone())
	if err != nil {
		return footprint{}, err
	}
	m.Balance = a.model.Balance
	m.Levels = maps.Clone(a.model.Levels)
	for name, n := range a.sites() {
		l := m.Levels[name]
		if m.Levels[name], err = quant.NewLevels(n, l.Min(), l.Max()); err != nil {
			return footprint{}, err
		}
	}
	cluster := a.cluster
	cluster.Layers = a.layers()
	if err := quant.Cluster(m, cluster); err != nil {
		return footprint{}, err
	}
	p, data, err := compile(m)
	if err != nil {
		return footprint{}, err
	}
	return a.demands.measure(p, int64(len(data)))
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
