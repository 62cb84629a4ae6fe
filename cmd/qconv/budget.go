package main

import (
	"fmt"
	"io"
	"maps"
	"math"
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
		Usage: "choose them so that a runner takes at most `SIZE` of RAM, as inspect counts it, on this machine or --target; with --low-memory where that is needed"}
	maxMsFlag = &cli.Float64Flag{Name: "max-ms", Category: catQuant,
		Usage: "choose them so that one inference takes at most `MS` milliseconds: the median measured on this machine with one worker, as nothing tells the time of another; from integer codebooks, the fastest"}
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
	Bytes int64 `json:"file_bytes"`
	RAM   int64 `json:"ram_bytes,omitempty"`
	// LowMemory says that RAM, and Time, are those with --low-memory, as more was not allowed.
	LowMemory bool          `json:"low_memory,omitempty"`
	Time      time.Duration `json:"ns_per_inference,omitempty"`
}

// timedFor is how long the time of a program is measured.
const timedFor = 150 * time.Millisecond

// measure finds out what a program takes whose file has the given size.
func (d demands) measure(p *qrt.Program, size int64) (f footprint, err error) {
	f.Bytes = size
	if d.ram > 0 {
		info := programInfo{Target: d.target, FileBytes: int(size)}
		if _, err := info.measure(p, d.limits); err != nil {
			return f, err
		}
		if f.RAM = int64(info.RAMBytes); f.RAM > d.ram {
			f.RAM, f.LowMemory = int64(info.LowMemory.Total), true
		}
	}
	if d.time > 0 {
		f.Time, err = medianTime(p, qrt.Options{LowMemory: f.LowMemory, Limits: d.limits})
	}
	return f, err
}

// check compares what a program takes with the demands.
func (d demands) check(f footprint) error {
	flag, took, want := d.exceeded(f)
	if flag == "" {
		return nil
	}
	return &gateError{fmt.Sprintf("the program takes %s, want at most %s (--%s)", took, want, flag)}
}

// exceeded is the flag of the first demand that is not met, what the program takes and what it may take; all are empty where there is none.
func (d demands) exceeded(f footprint) (flag, took, want string) {
	bytes := func(n int64) string { return grouped(int(n)) + " bytes" }
	switch {
	case d.bytes > 0 && f.Bytes > d.bytes:
		return budgetFlag.Name, bytes(f.Bytes), bytes(d.bytes)
	case d.ram > 0 && f.RAM > d.ram:
		return maxRAMFlag.Name, bytes(f.RAM) + " of memory", bytes(d.ram)
	case d.time > 0 && f.Time > d.time:
		return maxMsFlag.Name, milliseconds(f.Time), milliseconds(d.time)
	}
	return "", "", ""
}

// milliseconds is a time as --max-ms has it.
func milliseconds(t time.Duration) string {
	return fmt.Sprintf("%.4g ms", float64(t)/float64(time.Millisecond))
}

// text is what a program takes, in words.
func (f footprint) text() string {
	parts := []string{grouped(int(f.Bytes)) + " bytes"}
	if f.RAM > 0 {
		how := ""
		if f.LowMemory {
			how = " with --low-memory"
		}
		parts = append(parts, grouped(int(f.RAM))+" bytes of memory"+how)
	}
	if f.Time > 0 {
		parts = append(parts, milliseconds(f.Time)+" an inference")
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

// search finds the picks, and what their program takes before it is trained.
func (a *allocator) search() (footprint, error) {
	ways := make([][]finetune.Price, len(a.parts))
	least, most := 0, 0
	for i, list := range a.parts {
		low, high := list[0].Bytes, 0
		for _, t := range list {
			ways[i] = append(ways[i], finetune.Price{Loss: noise(t.Loss), Bytes: t.Bytes})
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
		took, want = grouped(int(math.Ceil(float64(f.Bytes)*(1+growth))))+" bytes", grouped(int(a.demands.bytes))+" bytes"
	}
	return &gateError{fmt.Sprintf("flag --%s: want at most %s, the least that levels and weights can make possible is %s", flag, want, took)}
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
