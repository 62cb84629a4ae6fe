package main

import (
	"fmt"
	"io"
	"math"

	"qconv/finetune"
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

// metricsOf are the metrics that mean something: of outputs that should equal the input, or of scores of classes; of
// them, some compare with another model. A mean of outputs that are no numbers means nothing.
func metricsOf(m finetune.Metrics, compared bool, outputs int) metrics {
	out := metrics{Samples: m.Samples}
	if m.HasMSE {
		out.MSE = meaningful(m.MSE)
		if compared {
			out.Difference = meaningful(m.Distance)
		}
		return out
	}
	if m.Labelled > 0 {
		out.Accuracy = &m.Accuracy
		if outputs > 5 {
			out.Top5 = &m.Top5
		}
	}
	if compared {
		out.Agreement = &m.Agreement
	}
	return out
}

// meaningful is nil for what is no number, or infinite.
func meaningful(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
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
