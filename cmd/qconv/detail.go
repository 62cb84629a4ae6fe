package main

import (
	"cmp"
	"math"
	"slices"

	"qconv/finetune"
)

// detail is what eval tells of single classes, targets and samples. Against is what the network compared with has, nil without one.
type detail struct {
	Classes []classReport  `json:"classes,omitempty"`
	Targets []targetReport `json:"targets,omitempty"`
	// Confusion counts samples by label, then by answer, where there are at most confusionClasses; Confused are the most frequent wrong answers.
	Confusion        [][]int    `json:"confusion,omitempty"`
	AgainstConfusion [][]int    `json:"against_confusion,omitempty"`
	Confused         []confused `json:"confused,omitempty"`
	// Worst are the samples that are off most, the worst first.
	Worst []worstSample `json:"worst,omitempty"`

	drawn []scatter // by target
}

// scatter holds what some samples should be and what they are.
type scatter struct{ want, got, other []float64 }

// classReport is what becomes of the samples of a class. Precision is the share of the samples that get this class whose label it is.
type classReport struct {
	Class      int       `json:"class"`
	Name       string    `json:"name,omitempty"`
	Samples    int       `json:"samples"`
	Accuracy   *float64  `json:"accuracy,omitempty"`
	Accuracy95 *interval `json:"accuracy_95,omitempty"`
	Precision  *float64  `json:"precision,omitempty"`
	Against    *float64  `json:"against_accuracy,omitempty"`
}

// targetReport is how well an output follows its targets.
type targetReport struct {
	Target     int      `json:"target"`
	R2         *float64 `json:"r2,omitempty"`
	MSE        *float64 `json:"mse,omitempty"`
	AgainstR2  *float64 `json:"against_r2,omitempty"`
	AgainstMSE *float64 `json:"against_mse,omitempty"`
}

// confused is a wrong answer: how many samples of a label get it.
type confused struct {
	Label   string `json:"label"`
	Answer  string `json:"answer"`
	Samples int    `json:"samples"`
	Against *int   `json:"against_samples,omitempty"`
}

// worstSample is a sample that is off: by an answer that is not its label, or, without labels, not that of the network compared with, whose score is larger than the
// right one's by Off; or by a squared error Off.
type worstSample struct {
	Sample string  `json:"sample"` // its file, or where in the file it is
	Label  string  `json:"label,omitempty"`
	Answer string  `json:"answer,omitempty"`
	Other  string  `json:"against_answer,omitempty"`
	Off    float64 `json:"off"`
	index  int
}

// Bounds of what is told.
const (
	confusionClasses = 100
	confusedPairs    = 10
	worstSamples     = 24
	shownTargets     = 64
	drawnTargets     = 4
	drawnSamples     = 1000
)

// answerCounts counts the answers of a network to samples with labels.
type answerCounts struct {
	labels    map[int]int
	right     map[int]int // by label
	given     map[int]int // by answer
	confusion map[[2]int]int
}

func newAnswerCounts() *answerCounts {
	return &answerCounts{labels: map[int]int{}, right: map[int]int{}, given: map[int]int{}, confusion: map[[2]int]int{}}
}

func (a *answerCounts) count(label, answer, samples int) {
	a.labels[label] += samples
	a.given[answer] += samples
	a.confusion[[2]int{label, answer}] += samples
	if label == answer {
		a.right[label] += samples
	}
}

// collector gathers a detail from the outputs of all samples.
type collector struct {
	net        network
	data       *samples
	task       finetune.Task
	own, other *answerCounts // other is nil without another network
	worst      []worstSample
	write      *predictions // nil: none
	copied     []float64    // what an output should be, where it should be the input
	drawn      []scatter    // by target
	err        error
}

func newCollector(net network, compared bool, write *predictions) *collector {
	c := &collector{net: net, data: net.data(), task: net.data().task(), own: newAnswerCounts(), write: write}
	if compared {
		c.other = newAnswerCounts()
	}
	_, outputs := net.Sizes()
	c.copied = make([]float64, outputs)
	return c
}

// sample takes the outputs of sample i.
func (c *collector) sample(i int, own, other []float64) {
	if c.err != nil {
		return
	}
	if c.task == finetune.TaskClasses {
		c.classSample(i, own, other)
		return
	}
	target := c.data.Target(i)
	c.draw(i, target, own, other)
	want := other
	switch {
	case target != nil:
		want = c.copied
		for e, v := range target[:min(len(target), len(want))] {
			want[e] = float64(v)
		}
	case c.data.aim.copies:
		want = c.copied
		if c.err = c.net.Target(i, want); c.err != nil {
			return
		}
	}
	if want == nil {
		return
	}
	off := squaredError(own, want)
	c.keep(worstSample{Off: off, index: i})
	if c.write != nil {
		c.write.values(c.data.set.Name(i), target, own, other, off)
	}
}

// draw keeps a sample for a drawing, if it is one of some evenly spread ones.
func (c *collector) draw(i int, target []float32, own, other []float64) {
	if step := max(1, c.data.Len()/drawnSamples); i%step != 0 || len(target) != len(own) {
		return
	}
	if c.drawn == nil {
		c.drawn = make([]scatter, min(len(target), drawnTargets))
	}
	for e := range c.drawn {
		s := &c.drawn[e]
		s.want, s.got = append(s.want, float64(target[e])), append(s.got, own[e])
		if other != nil {
			s.other = append(s.other, other[e])
		}
	}
}

func (c *collector) classSample(i int, own, other []float64) {
	label, answer := c.data.Label(i), finetune.Argmax(own)
	w := worstSample{Answer: c.data.plainClass(answer), index: i}
	right := label
	if label >= 0 {
		w.Label = c.data.plainClass(label)
		c.own.count(label, answer, 1)
	}
	otherAnswer := -1
	if other != nil {
		otherAnswer = finetune.Argmax(other)
		w.Other = c.data.plainClass(otherAnswer)
		if label >= 0 {
			c.other.count(label, otherAnswer, 1)
		} else {
			right = otherAnswer
		}
	}
	if right >= 0 && right < len(own) && answer != right {
		w.Off = own[answer] - own[right]
		c.keep(w)
	}
	if c.write != nil {
		score := math.NaN()
		if otherAnswer >= 0 {
			score = other[otherAnswer]
		}
		c.write.class(c.data.set.Name(i), w, own[answer], score)
	}
}

// keep keeps a sample while it is among the worst.
func (c *collector) keep(w worstSample) {
	if math.IsNaN(w.Off) {
		w.Off = math.Inf(1)
	}
	w.Off = min(w.Off, math.MaxFloat64) // JSON knows no infinity
	c.worst = keepWorst(c.worst, w)
}

// keepWorst adds a sample to the worst ones if it is among them; of equally bad ones the first in the data comes first.
func keepWorst[S interface{ rank() (float64, int) }](worst []S, w S) []S {
	at, _ := slices.BinarySearchFunc(worst, w, func(a, b S) int {
		offA, indexA := a.rank()
		offB, indexB := b.rank()
		return cmp.Or(-cmp.Compare(offA, offB), cmp.Compare(indexA, indexB))
	})
	if at >= worstSamples {
		return worst
	}
	worst = slices.Insert(worst, at, w)
	return worst[:min(len(worst), worstSamples)]
}

func (w worstSample) rank() (off float64, index int)   { return w.Off, w.index }
func (w indexedSample) rank() (off float64, index int) { return w.Off, w.Index }

// detail is what was gathered.
func (p *evalPart) detail() detail {
	var d detail
	for _, s := range p.Drawn {
		d.drawn = append(d.drawn, scatter{plainFloats(s.Want), plainFloats(s.Got), plainFloats(s.Other)})
	}
	for _, w := range p.Worst {
		w.worstSample.index = w.Index
		d.Worst = append(d.Worst, w.worstSample)
	}
	if p.Facts.Task != finetune.TaskClasses {
		d.Targets = p.targets()
	}
	if len(p.Confusion) > 0 {
		p.addClasses(&d)
	}
	return d
}

// targets is how well every output follows its targets.
func (p *evalPart) targets() (list []targetReport) {
	own := p.Tally.Own.Fits()
	var other []finetune.Fit
	if p.Tally.Other != nil {
		other = p.Tally.Other.Fits()
	}
	for e := range own[:min(len(own), shownTargets)] {
		t := targetReport{Target: e, R2: meaningful(own[e].R2()), MSE: meaningful(own[e].MSE())}
		if other != nil {
			t.AgainstR2, t.AgainstMSE = meaningful(other[e].R2()), meaningful(other[e].MSE())
		}
		list = append(list, t)
	}
	return list
}

func (p *evalPart) addClasses(d *detail) {
	own := countsOf(p.Confusion)
	var other *answerCounts
	if p.Against != "" {
		other = countsOf(p.AgainstConfusion)
	}
	for class := range p.Facts.Outputs {
		n := own.labels[class]
		r := classReport{Class: class, Name: p.Facts.nameOfClass(class), Samples: n}
		if given := own.given[class]; given > 0 {
			r.Precision = ratio(own.right[class], given)
		}
		if n > 0 {
			r.Accuracy = ratio(own.right[class], n)
			r.Accuracy95 = share95(*r.Accuracy, n)
			if other != nil {
				r.Against = ratio(other.right[class], n)
			}
		}
		if n > 0 || r.Precision != nil {
			d.Classes = append(d.Classes, r)
		}
	}
	d.Confusion = own.table(p.Facts.Outputs)
	if other != nil {
		d.AgainstConfusion = other.table(p.Facts.Outputs)
	}
	wrong := slices.DeleteFunc(slices.Clone(p.Confusion), func(c answerCount) bool { return c.Label == c.Answer })
	slices.SortStableFunc(wrong, func(a, b answerCount) int { return cmp.Compare(b.Samples, a.Samples) })
	for _, c := range wrong[:min(len(wrong), confusedPairs)] {
		w := confused{Label: p.Facts.plainClass(c.Label), Answer: p.Facts.plainClass(c.Answer), Samples: c.Samples}
		if other != nil {
			n := other.confusion[[2]int{c.Label, c.Answer}]
			w.Against = &n
		}
		d.Confused = append(d.Confused, w)
	}
}

// table is the confusion by label and answer, nil for many classes.
func (a *answerCounts) table(classes int) [][]int {
	if classes > confusionClasses {
		return nil
	}
	t := make([][]int, classes)
	for label := range t {
		t[label] = make([]int, classes)
		for answer := range t[label] {
			t[label][answer] = a.confusion[[2]int{label, answer}]
		}
	}
	return t
}

func ratio(part, whole int) *float64 {
	v := float64(part) / float64(whole)
	return &v
}

func squaredError(got, want []float64) float64 {
	sum := 0.0
	for e, v := range got {
		sum += (v - want[e]) * (v - want[e])
	}
	return sum / float64(max(len(got), 1))
}
