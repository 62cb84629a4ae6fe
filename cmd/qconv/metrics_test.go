package main

import (
	"bytes"
	"math"
	"testing"
)

func TestScore(t *testing.T) {
	var a score
	a.samples = 2
	a.label([]float64{0, 3, 1, 2, 5, 4}, 4) // right
	a.against([]float64{0, 1}, []float64{0, 2})
	a.label([]float64{5, 4, 3, 2, 1, 0}, 5) // sixth
	a.against([]float64{0, 1}, []float64{1, 0})
	m := a.metrics()
	if m.Samples != 2 || *m.Accuracy != 0.5 || *m.Top5 != 0.5 || *m.Agreement != 0.5 || m.MSE != nil {
		var text bytes.Buffer
		m.print(&text)
		t.Errorf("got\n%swant all one half and no MSE", &text)
	}
}

func TestScoreReconstruction(t *testing.T) {
	s := score{samples: 1}
	s.target([]float64{1, 2}, []float64{1, 4})
	if m := s.metrics(); *m.MSE != 2 || m.Accuracy != nil || m.Agreement != nil {
		t.Errorf("got %+v, want an MSE of 2 alone", m)
	}
}

func TestRankOfTies(t *testing.T) {
	equal := []float64{1, 1, 1}
	for label := range equal {
		if got := rankOf(equal, label); got != label {
			t.Errorf("label %d: got rank %d, want %d", label, got, label)
		}
	}
	nan := math.NaN()
	if got := rankOf([]float64{nan, nan}, 0); got != 2 {
		t.Errorf("a score that is no number: got rank %d, want the last", got)
	}
	if got := argmax(equal); got != 0 {
		t.Errorf("argmax of equal values: got %d, want the first", got)
	}
}
