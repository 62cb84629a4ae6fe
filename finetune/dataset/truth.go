package dataset

import (
	"fmt"
	"math"
	"strconv"
)

// truth is what a file says of its samples: their classes, those of their steps, or the numbers that a network should deliver for them. It may say nothing.
type truth struct {
	labels  []int
	classes []string
	targets [][]float32
	steps   [][]int
}

// setOn gives a set of all samples what is known of them.
func (t truth) setOn(s *Set) {
	s.Labels, s.Classes, s.Targets, s.StepLabels = t.labels, t.classes, t.targets, t.steps
}

// truthOf is what is known of the samples of a set.
func truthOf(s *Set) truth { return truth{s.Labels, s.Classes, s.Targets, s.StepLabels} }

// pick is the truth of the samples at positions index.
func (t truth) pick(index []int) truth {
	return truth{picked(t.labels, index), t.classes, picked(t.targets, index), picked(t.steps, index)}
}

// add adds what from says of its sample i.
func (t *truth) add(from truth, i int) {
	if from.labels != nil {
		t.labels = append(t.labels, from.labels[i])
	}
	if from.targets != nil {
		t.targets = append(t.targets, from.targets[i])
	}
	if from.steps != nil {
		t.steps = append(t.steps, from.steps[i])
	}
}

// picked are the elements at positions index of a list that there may not be.
func picked[T any](list []T, index []int) []T {
	if list == nil {
		return nil
	}
	out := make([]T, len(index))
	for k, i := range index {
		out[k] = list[i]
	}
	return out
}

// values says whether numbers are no classes: those of a network that delivers as many numbers.
func (o Options) values(width int) bool { return o.Values && width == o.Outputs }

// copies says whether the network's output may be what enters it: labels of the samples are then no business of it.
func (o Options) copies() bool { return len(o.Shape) > 0 && elems(o.Shape) == o.Outputs }

// checkWidth reports numbers for each sample that are not as many as those of the network.
func (o Options) checkWidth(width int) error {
	if !o.Values || width == o.Outputs || o.copies() {
		return nil
	}
	return fmt.Errorf("%d targets for each sample, the network has %d outputs; choose as many (columns of a CSV file with #a,b,c), or none with --no-labels", width, o.Outputs)
}

// numbers is what width numbers say of each of n samples: the class index, a row with a single 1 at the class, or the numbers that the network
// should deliver. where names a sample.
func (p *opener) numbers(n, width int, at func(i, k int) float64, where func(i int) string) (truth, error) {
	if p.o.values(width) {
		return numberTargets(n, width, at, where)
	}
	if err := p.o.checkWidth(width); err != nil {
		return truth{}, err
	}
	labels, top := make([]int, n), width
	for i := range labels {
		var err error
		if labels[i], err = classOf(i, width, at, where); err != nil {
			if width == p.o.Outputs && !p.o.Classified {
				return numberTargets(n, width, at, where)
			}
			if p.o.Outputs > 1 {
				err = fmt.Errorf("%w; or give %d targets for each sample, as many as the network has outputs", err, p.o.Outputs)
			}
			return truth{}, err
		}
		top = max(top, labels[i]+1)
	}
	classes, err := p.numericClasses(top)
	return truth{labels: labels, classes: classes}, err
}

// classOf is the class that the numbers of sample i say.
func classOf(i, width int, at func(i, k int) float64, where func(i int) string) (int, error) {
	if width == 1 {
		v := at(i, 0)
		if v != math.Trunc(v) || v < 0 || v > maxClass {
			return 0, fmt.Errorf("%s is %v, want a class index, a whole number from 0 to %d", where(i), v, maxClass)
		}
		return int(v), nil
	}
	hot := -1
	for k := range width {
		switch v := at(i, k); {
		case v == 1 && hot < 0:
			hot = k
		case v != 0:
			hot = width
		}
	}
	if hot < 0 || hot == width {
		return 0, fmt.Errorf("%s is not one-hot, want class indices, or rows of zeros with a single 1 (or choose only the samples with #)", where(i))
	}
	return hot, nil
}

// numberTargets are width numbers for each of n samples.
func numberTargets(n, width int, at func(i, k int) float64, where func(i int) string) (truth, error) {
	all := make([]float32, n*width)
	t := truth{targets: make([][]float32, n)}
	for i := range n {
		row := all[i*width:][:width] // those behind it follow, for samples of several rows
		for k := range row {
			if row[k] = float32(at(i, k)); notFinite(row[k]) {
				return truth{}, fmt.Errorf("%s: target %d is %v, want a finite number", where(i), k, at(i, k))
			}
		}
		t.targets[i] = row
	}
	return t, nil
}

// asNumbers makes class indices the numbers that a network with a single output should deliver, as 0 and 1 of two classes. Names of
// classes are no numbers.
func (s *Set) asNumbers() {
	for i, name := range s.Classes {
		if name != strconv.Itoa(i) {
			return
		}
	}
	all := make([]float32, len(s.Labels))
	s.Targets = make([][]float32, len(s.Labels))
	for i, l := range s.Labels {
		all[i] = float32(l)
		s.Targets[i] = all[i : i+1 : i+1]
	}
	s.Labels, s.Classes = nil, nil
}
