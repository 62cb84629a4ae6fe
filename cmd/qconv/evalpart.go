package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"qconv/finetune"
	"qconv/runtime/printable"
)

// evalPart is what an evaluation found in some of the samples, or in all. A report is made of the parts of all samples, so that it is the same however
// many there are.
type evalPart struct {
	partHead
	// Set are the values of the flags that were given, of those that the figures depend on.
	Set     map[string]string `json:"set"`
	First   int               `json:"first"` // of the samples
	Against string            `json:"against,omitempty"`
	// DataSum is a digest of what the data say of their samples.
	DataSum          string          `json:"data_sum"`
	Facts            evalFacts       `json:"facts"`
	Tally            *finetune.Tally `json:"tally"`
	Confusion        []answerCount   `json:"confusion,omitempty"`
	AgainstConfusion []answerCount   `json:"against_confusion,omitempty"`
	Worst            []indexedSample `json:"worst,omitempty"`
	Drawn            []exactScatter  `json:"drawn,omitempty"` // by target
	// Layers are compared in the first part alone, on samples from all data.
	Layers []layerNoise `json:"layers,omitempty"`
	// Predictions is the table of --predictions, with its head; empty without that flag.
	Predictions string `json:"predictions,omitempty"`
}

// evalFacts are what a report needs to know of the data and the network.
type evalFacts struct {
	Outputs int           `json:"outputs"`
	Task    finetune.Task `json:"task"`
	Names   []string      `json:"names,omitempty"` // of classes, where they say more than their numbers
	// OneClass says that all samples are of one class, see oneClass; Entry says how samples enter the network.
	OneClass string `json:"one_class,omitempty"`
	Entry    string `json:"entry"`
}

// answerCount is how many samples of a label get an answer.
type answerCount struct {
	Label   int `json:"l"`
	Answer  int `json:"a"`
	Samples int `json:"n"`
}

// indexedSample is a sample among the worst, with its place in the data.
type indexedSample struct {
	worstSample
	Index int `json:"index"`
}

// exactScatter is a scatter that JSON keeps to the last bit.
type exactScatter struct {
	Want  []finetune.Exact `json:"want"`
	Got   []finetune.Exact `json:"got"`
	Other []finetune.Exact `json:"other,omitempty"`
}

// mostOutputs bounds the outputs of a network that a part may speak of.
const mostOutputs = 1 << 24

// valid says whether all is there that a report counts on.
func (p *evalPart) valid() bool {
	t := p.Tally
	if !p.partHead.valid() || p.Kind != evalKind || t == nil || !t.Valid() || (t.Other == nil) != (p.Against == "") || p.Facts.Outputs < 1 || p.Facts.Outputs > mostOutputs {
		return false
	}
	if from, to := p.shard().part().Positions(p.Made.Samples); t.Own.Samples != to-from || to < from {
		return false
	}
	for _, s := range p.Drawn {
		if len(s.Got) != len(s.Want) || len(s.Other) != 0 && len(s.Other) != len(s.Want) {
			return false
		}
	}
	for _, list := range [][]answerCount{p.Confusion, p.AgainstConfusion} {
		if slices.ContainsFunc(list, func(c answerCount) bool {
			return c.Label < 0 || c.Label >= p.Facts.Outputs || c.Answer < 0 || c.Answer >= p.Facts.Outputs
		}) {
			return false
		}
	}
	return true
}

// evalKeyFlags are the flags that what an evaluation finds depends on.
var evalKeyFlags = flagList(dataFlags, preprocessFlags)

// evalKey is the key of an evaluation of so many samples.
func evalKey(c *cli.Context, path, other string, samples int) (runKey, error) {
	k, err := keyOf(c, path, evalKeyFlags)
	if err != nil {
		return k, err
	}
	k.Samples, k.Flags[againstFlag.Name] = samples, ""
	if other != "" {
		hash, err := fileHash(other)
		if err != nil {
			return k, err
		}
		k.Flags[againstFlag.Name] = hash[:16]
	}
	return k, nil
}

// factsOf are those of the data and network.
func factsOf(s *samples, outputs int) evalFacts {
	f := evalFacts{Outputs: outputs, Task: s.task(), OneClass: oneClass(s), Entry: s.entry()}
	for class := range outputs {
		if f.Task != finetune.TaskClasses {
			break
		}
		name := s.nameOfClass(class)
		if name != "" && f.Names == nil {
			f.Names = make([]string, outputs)
		}
		if f.Names != nil {
			f.Names[class] = name
		}
	}
	return f
}

// dataSum is a digest of the labels, targets and some names of samples: data that differ in them are not the same.
func dataSum(s *samples) string {
	h := sha256.New()
	io.WriteString(h, strings.Join(s.set.Classes, "\x00"))
	for i := range s.Len() {
		binary.Write(h, binary.LittleEndian, int64(s.Label(i)))
		if t := s.Target(i); t != nil {
			binary.Write(h, binary.LittleEndian, t)
		}
		for _, l := range s.StepLabel(i) {
			binary.Write(h, binary.LittleEndian, int64(l))
		}
	}
	const named = 256
	for i := range min(s.Len(), named) {
		io.WriteString(h, s.set.Name(i*s.Len()/min(s.Len(), named))+"\x00")
	}
	return hex.EncodeToString(h.Sum(nil))
}

// gather brings what the collector has into the part.
func (p *evalPart) gather(c *collector) {
	p.Confusion = c.own.list()
	if c.other != nil {
		p.AgainstConfusion = c.other.list()
	}
	for _, w := range c.worst {
		w.Sample = c.data.set.Name(w.index)
		p.Worst = append(p.Worst, indexedSample{w, w.index})
	}
	for _, s := range c.drawn {
		p.Drawn = append(p.Drawn, exactScatter{exacts(s.want), exacts(s.got), exacts(s.other)})
	}
}

// list are the counts in order.
func (a *answerCounts) list() (list []answerCount) {
	for p, n := range a.confusion {
		list = append(list, answerCount{p[0], p[1], n})
	}
	slices.SortFunc(list, func(a, b answerCount) int {
		return cmp.Or(cmp.Compare(a.Label, b.Label), cmp.Compare(a.Answer, b.Answer))
	})
	return list
}

func exacts(list []float64) (out []finetune.Exact) {
	for _, v := range list {
		out = append(out, finetune.Exact(v))
	}
	return out
}

func plainFloats(list []finetune.Exact) (out []float64) {
	for _, v := range list {
		out = append(out, float64(v))
	}
	return out
}

// joinEval joins the parts of all samples, in their order. It changes the first of them.
func joinEval(parts []*evalPart) (*evalPart, error) {
	all := parts[0]
	own, other := countsOf(all.Confusion), countsOf(all.AgainstConfusion)
	for _, p := range parts[1:] {
		if all.DataSum != p.DataSum {
			return nil, inputf("%s and %s are of different data", printable.Name(all.path), printable.Name(p.path))
		}
		if err := all.Tally.Join(p.Tally); err != nil || len(p.Drawn) > 0 && len(all.Drawn) > 0 && len(p.Drawn) != len(all.Drawn) {
			return nil, inputf("%s and %s are of different data or networks", printable.Name(all.path), printable.Name(p.path))
		}
		own.join(p.Confusion)
		other.join(p.AgainstConfusion)
		for _, w := range p.Worst {
			all.Worst = keepWorst(all.Worst, w)
		}
		if all.Drawn == nil {
			all.Drawn = make([]exactScatter, len(p.Drawn))
		}
		for e, s := range p.Drawn {
			d := &all.Drawn[e]
			d.Want, d.Got, d.Other = append(d.Want, s.Want...), append(d.Got, s.Got...), append(d.Other, s.Other...)
		}
		_, lines, _ := strings.Cut(p.Predictions, "\n")
		all.Predictions += lines
	}
	all.Confusion, all.AgainstConfusion = own.list(), other.list()
	return all, nil
}

func countsOf(list []answerCount) *answerCounts {
	a := newAnswerCounts()
	a.join(list)
	return a
}

func (a *answerCounts) join(list []answerCount) {
	for _, c := range list {
		a.count(c.Label, c.Answer, c.Samples)
	}
}

// report is what eval says of all samples; it takes the part over.
func (p *evalPart) report() *evalReport {
	r := &evalReport{Model: p.Model, Data: p.Data}
	own, other := p.Tally.Metrics()
	compared := p.Against != ""
	r.metrics = metricsOf(own, compared, p.Facts.Outputs, p.Facts.Task)
	r.detail = p.detail()
	if !compared {
		return r
	}
	r.Against = &againstReport{Model: p.Against, metrics: metricsOf(other, false, p.Facts.Outputs, p.Facts.Task), Layers: p.Layers}
	if collapsed(r.metrics, r.Against.metrics) {
		r.FirstLost = firstLost(r.Against.Layers)
	}
	return r
}

// doubts warns of figures that do not tell what they seem to.
func (p *evalPart) doubts(c *cli.Context) {
	own, other := p.Tally.Metrics()
	if p.Tally.Other == nil {
		noteDoubts(c, p.Facts, own, nil)
		return
	}
	noteDoubts(c, p.Facts, own, &other)
}
