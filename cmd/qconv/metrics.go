package main

import (
	"fmt"
	"io"
	"math"

	"qconv/finetune"
)

// metrics are what evaluation measures. A field is nil where it has no meaning. Those called _95 are 95 % intervals: where the figure
// of all such samples lies, given the ones measured.
type metrics struct {
	Samples int `json:"samples"`
	// Steps is how many steps of a sample have a class each, which accuracies are of then; 0 where the sample has one.
	Steps int `json:"steps,omitempty"`
	// Accuracy and Top5 are fractions of the samples whose label is the best, or among
	// the five best, outputs.
	Accuracy   *float64  `json:"accuracy,omitempty"`
	Accuracy95 *interval `json:"accuracy_95,omitempty"`
	Top5       *float64  `json:"top5,omitempty"`
	Top595     *interval `json:"top5_95,omitempty"`
	// R2 is the coefficient of determination against the targets of the data, the mean over the outputs.
	R2 *float64 `json:"r2,omitempty"`
	// MSE is the mean squared error against the targets or of a reconstruction, over samples and elements.
	MSE   *float64  `json:"mse,omitempty"`
	MSE95 *interval `json:"mse_95,omitempty"`
	// Agreement is the fraction of samples for which another model has the same best output.
	Agreement   *float64  `json:"agreement,omitempty"`
	Agreement95 *interval `json:"agreement_95,omitempty"`
	// Difference is the mean squared difference to another model's outputs, and SNR the ratio of the variance of these to it.
	Difference   *float64  `json:"difference,omitempty"`
	Difference95 *interval `json:"difference_95,omitempty"`
	SNR          *float64  `json:"snr_db,omitempty"`
}

// interval is a 95 % interval, from its lower to its upper end.
type interval [2]float64

// share95 is the interval of a fraction of n samples.
func share95(share float64, n int) *interval {
	i := finetune.Wilson(share, n)
	return &interval{i.Low, i.High}
}

// mean95 is the interval of a mean with a standard error, nil where that is none.
func mean95(mean, standardError float64) *interval {
	i := finetune.MeanInterval(mean, standardError)
	if meaningful(i.Low) == nil || meaningful(i.High) == nil {
		return nil
	}
	return &interval{i.Low, i.High}
}

// metricsOf are the metrics that mean something: of numbers, which should equal targets or the input, or of scores of classes; of
// them, some compare with another model. A mean of outputs that are no numbers means nothing.
func metricsOf(m finetune.Metrics, compared bool, outputs int, task finetune.Task) metrics {
	out := metrics{Samples: m.Samples}
	classes := !m.HasMSE && (m.Labelled > 0 || task == finetune.TaskClasses) || m.HasMSE && !m.HasTargets && task == finetune.TaskClasses
	if classes {
		steps := max(m.Steps, 1)
		if steps > 1 {
			out.Steps = steps
		}
		if labelled := (m.Labelled + steps - 1) / steps; labelled > 0 { // intervals count samples, since the steps of one are alike
			out.Accuracy, out.Accuracy95 = &m.Accuracy, share95(m.Accuracy, labelled)
			if outputs/steps > 5 {
				out.Top5, out.Top595 = &m.Top5, share95(m.Top5, labelled)
			}
		}
		if compared {
			out.Agreement, out.Agreement95 = &m.Agreement, share95(m.Agreement, m.Samples)
		}
		return out
	}
	if m.HasTargets {
		out.R2 = meaningful(m.R2)
	}
	if m.HasMSE {
		out.MSE, out.MSE95 = meaningful(m.MSE), mean95(m.MSE, m.MSEError)
	}
	if compared {
		out.Difference, out.Difference95 = meaningful(m.Distance), mean95(m.Distance, m.DistanceError)
		out.SNR = meaningful(m.SNR())
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
	between *interval // nil where it is not known
	rough   bool      // to be printed with one decimal
}

// values lists all metrics but the number of samples, in the order they are printed in.
func (m metrics) values() []metric {
	return []metric{
		{"accuracy", m.Accuracy, true, m.Accuracy95, false}, {"top-5", m.Top5, true, m.Top595, false}, {"R2", m.R2, false, nil, false},
		{"MSE", m.MSE, false, m.MSE95, false}, {"agreement", m.Agreement, true, m.Agreement95, false},
		{"difference", m.Difference, false, m.Difference95, false}, {"SNR, dB", m.SNR, false, nil, true},
	}
}

// text is the value, with its 95 % interval in brackets.
func (v metric) text() string {
	switch {
	case v.value == nil:
		return "-"
	case v.percent && v.between != nil:
		return fmt.Sprintf("%.2f %% (%s)", 100**v.value, v.interval())
	case v.percent:
		return percent(*v.value)
	case v.rough:
		return fmt.Sprintf("%.1f", *v.value)
	case v.between != nil:
		return fmt.Sprintf("%.6g (%s)", *v.value, v.interval())
	}
	return fmt.Sprintf("%.6g", *v.value)
}

// interval is the 95 % interval in words, empty where it is not known.
func (v metric) interval() string {
	switch {
	case v.between == nil:
		return ""
	case v.percent:
		return fmt.Sprintf("%.1f..%.1f", 100*v.between[0], 100*v.between[1])
	}
	return fmt.Sprintf("%.4g..%.4g", v.between[0], v.between[1])
}

func (m metrics) print(w io.Writer) {
	if fmt.Fprintf(w, "%-10s %d", "samples", m.Samples); m.Steps > 0 {
		fmt.Fprintf(w, " of %d steps with a class each", m.Steps)
	}
	fmt.Fprintln(w)
	for _, v := range m.values() {
		if v.value != nil {
			fmt.Fprintf(w, "%-10s %s\n", v.name, v.text())
		}
	}
}

// bracketsMean explains the brackets of printed metrics.
const bracketsMean = "in brackets: 95 % intervals, where the figure of all such samples lies"
