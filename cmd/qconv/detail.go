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

// answerCounts counts the answers of a network.
type answerCounts struct {
	right     map[int]int // by label
	given     map[int]int // by answer, of labelled samples
	confusion map[[2]int]int
	fits      []finetune.Fit // by target
}

func newAnswerCounts() *answerCounts {
	return &answerCounts{right: map[int]int{}, given: map[int]int{}, confusion: map[[2]int]int{}}
}

func (a *answerCounts) class(label, answer int) {
	a.given[answer]++
	a.confusion[[2]int{label, answer}]++
	if label == answer {
		a.right[label]++
	}
}

func (a *answerCounts) values(got []float64, want []float32) {
	if a.fits == nil {
		a.fits = make([]finetune.Fit, len(want))
	}
	for e, w := range want {
		a.fits[e].Add(got[e], float64(w))
	}
}

// collector gathers a detail from the outputs of all samples.
type collector struct {
	net        network
	data       *samples
	task       finetune.Task
	own, other *answerCounts // other is nil without another network
	labels     map[int]int
	worst      []worstSample
	write      *predictions // nil: none
	copied     []float64    // what an output should be, where it should be the input
	drawn      []scatter    // by target
	err        error
}

func newCollector(net network, compared bool, write *predictions) *collector {
	c := &collector{net: net, data: net.data(), task: net.data().task(), own: newAnswerCounts(), labels: map[int]int{}, write: write}
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
	if target != nil && len(target) == len(own) {
		c.own.values(own, target)
		if other != nil {
			c.other.values(other, target)
		}
	}
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
		c.labels[label]++
		c.own.class(label, answer)
	}
	otherAnswer := -1
	if other != nil {
		otherAnswer = finetune.Argmax(other)
		w.Other = c.data.plainClass(otherAnswer)
		if label >= 0 {
			c.other.class(label, otherAnswer)
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

// keep keeps a sample while it is among the worst; of equally bad ones the first.
func (c *collector) keep(w worstSample) {
	if math.IsNaN(w.Off) {
		w.Off = math.Inf(1)
	}
	at, _ := slices.BinarySearchFunc(c.worst, w, func(a, b worstSample) int {
		return cmp.Or(-cmp.Compare(a.Off, b.Off), cmp.Compare(a.index, b.index))
	})
	if at >= worstSamples {
		return
	}
	c.worst = slices.Insert(c.worst, at, w)
	c.worst = c.worst[:min(len(c.worst), worstSamples)]
}

// detail is what was gathered.
func (c *collector) detail() detail {
	d := detail{drawn: c.drawn}
	for i := range c.worst {
		w := c.worst[i]
		w.Sample = c.data.set.Name(w.index)
		w.Off = min(w.Off, math.MaxFloat64) // JSON knows no infinity
		d.Worst = append(d.Worst, w)
	}
	for e := range c.own.fits {
		if e == shownTargets {
			break
		}
		t := targetReport{Target: e, R2: meaningful(c.own.fits[e].R2()), MSE: meaningful(c.own.fits[e].MSE())}
		if c.other != nil {
			t.AgainstR2, t.AgainstMSE = meaningful(c.other.fits[e].R2()), meaningful(c.other.fits[e].MSE())
		}
		d.Targets = append(d.Targets, t)
	}
	if len(c.labels) > 0 {
		c.addClasses(&d)
	}
	return d
}

func (c *collector) addClasses(d *detail) {
	_, outputs := c.net.Sizes()
	for class := range outputs {
		n := c.labels[class]
		r := classReport{Class: class, Name: c.data.nameOfClass(class), Samples: n}
		if given := c.own.given[class]; given > 0 {
			r.Precision = ratio(c.own.right[class], given)
		}
		if n > 0 {
			r.Accuracy = ratio(c.own.right[class], n)
			r.Accuracy95 = share95(*r.Accuracy, n)
			if c.other != nil {
				r.Against = ratio(c.other.right[class], n)
			}
		}
		if n > 0 || r.Precision != nil {
			d.Classes = append(d.Classes, r)
		}
	}
	d.Confusion = c.own.table(outputs)
	if c.other != nil {
		d.AgainstConfusion = c.other.table(outputs)
	}
	type pair struct{ label, answer int }
	var wrong []pair
	for p := range c.own.confusion {
		if p[0] != p[1] {
			wrong = append(wrong, pair{p[0], p[1]})
		}
	}
	slices.SortFunc(wrong, func(a, b pair) int {
		return cmp.Or(-cmp.Compare(c.own.confusion[[2]int{a.label, a.answer}], c.own.confusion[[2]int{b.label, b.answer}]), cmp.Compare(a.label, b.label), cmp.Compare(a.answer, b.answer))
	})
	for _, p := range wrong[:min(len(wrong), confusedPairs)] {
		key := [2]int{p.label, p.answer}
		w := confused{Label: c.data.plainClass(p.label), Answer: c.data.plainClass(p.answer), Samples: c.own.confusion[key]}
		if c.other != nil {
			n := c.other.confusion[key]
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
