package main

import (
	"fmt"
	"io"
	"math"
)

// metrics are what evaluation measures. A field is nil where it has no meaning.
type metrics struct {
	Samples int `json:"samples"`
	// Accuracy and Top5 are fractions of the samples whose label is the best, or among
	// the five best, outputs.
	Accuracy *float64 `json:"accuracy,omitempty"`
	Top5     *float64 `json:"top5,omitempty"`
	// MSE is the mean squared error of a reconstruction, over samples and elements.
	MSE *float64 `json:"mse,omitempty"`
	// Agreement is the fraction of samples for which another model has the same best output.
	Agreement *float64 `json:"agreement,omitempty"`
	// Difference is the mean squared difference to another model's outputs.
	Difference *float64 `json:"difference,omitempty"`
}

// score accumulates metrics sample by sample. The zero value is empty.
type score struct {
	samples, right, right5, agree   int
	labelled, compared, reconstruct bool
	wide                            bool    // more than five outputs
	squares, differences            float64 // sums of means
}

// label adds the outcome for a labelled sample.
func (s *score) label(scores []float64, label int) {
	s.labelled = true
	s.wide = s.wide || len(scores) > 5
	rank := rankOf(scores, label)
	if rank < 1 {
		s.right++
	}
	if rank < 5 {
		s.right5++
	}
}

// target adds the outcome for a sample whose output should be want.
func (s *score) target(got, want []float64) {
	s.reconstruct = true
	s.squares += meanSquare(got, want)
}

// against adds the comparison with another model's output.
func (s *score) against(got, other []float64) {
	s.compared = true
	if argmax(got) == argmax(other) {
		s.agree++
	}
	s.differences += meanSquare(got, other)
}

// metrics are the results so far; there must be samples.
func (s *score) metrics() metrics {
	n := float64(s.samples)
	m := metrics{Samples: s.samples}
	if s.labelled {
		m.Accuracy = ref(float64(s.right) / n)
		if s.wide {
			m.Top5 = ref(float64(s.right5) / n)
		}
	}
	if s.reconstruct {
		m.MSE = ref(s.squares / n)
	}
	if s.compared && s.reconstruct {
		m.Difference = ref(s.differences / n)
	} else if s.compared {
		m.Agreement = ref(float64(s.agree) / n)
	}
	return m
}

// metric is one of the measured values, with its name.
type metric struct {
	name    string
	value   *float64
	percent bool
}

// values lists all metrics but the number of samples, in the order they are printed in.
func (m metrics) values() []metric {
	return []metric{
		{"accuracy", m.Accuracy, true}, {"top-5", m.Top5, true}, {"MSE", m.MSE, false},
		{"agreement", m.Agreement, true}, {"difference", m.Difference, false},
	}
}

func (v metric) text() string {
	switch {
	case v.value == nil:
		return "-"
	case v.percent:
		return percent(*v.value)
	}
	return fmt.Sprintf("%.6g", *v.value)
}

func (m metrics) print(w io.Writer) {
	fmt.Fprintf(w, "%-10s %d\n", "samples", m.Samples)
	for _, v := range m.values() {
		if v.value != nil {
			fmt.Fprintf(w, "%-10s %s\n", v.name, v.text())
		}
	}
}

// rankOf is how many outputs stand before that of label: larger ones, and equal ones
// with a smaller index. A score that is no number stands last.
func rankOf(scores []float64, label int) int {
	if scores[label] != scores[label] {
		return len(scores)
	}
	rank := 0
	for i, s := range scores {
		if s > scores[label] || s == scores[label] && i < label {
			rank++
		}
	}
	return rank
}

// argmax is the index of the largest element, the first of equal ones.
func argmax(v []float64) int {
	best := 0
	for i, x := range v {
		if x > v[best] {
			best = i
		}
	}
	return best
}

func meanSquare(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		d := float64(a[i]) - float64(b[i])
		sum += d * d
	}
	return sum / math.Max(float64(len(a)), 1)
}

func ref(v float64) *float64 { return &v }
