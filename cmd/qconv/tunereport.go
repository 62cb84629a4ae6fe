package main

import (
	"fmt"
	"io"

	"qconv/finetune"
	"qconv/quant"
	"qconv/runtime/printable"
)

// tuneReport is what finetune prints.
type tuneReport struct {
	Model  string `json:"model"`
	Output string `json:"output"`
	// Range is the calibration method used; empty for a model that had levels.
	Range string  `json:"range,omitempty"`
	Steps int     `json:"steps"`
	Loss  float64 `json:"loss"` // mean of the last tenth of all steps
	// Samples trained on, and where those are from that were not. ChoiceSamples of these chose the best network, and ReportSamples
	// others are what Float and Tuned rest on. RepeatedSamples are in more than one of the three.
	Samples         int    `json:"samples"`
	Validation      string `json:"validation,omitempty"`
	ChoiceSamples   int    `json:"choice_samples"`
	ReportSamples   int    `json:"report_samples"`
	RepeatedSamples int    `json:"repeated_samples"`
	// Best is the step whose network was written.
	Best      *bestReport `json:"best,omitempty"`
	Float     *metrics    `json:"float,omitempty"`
	Tuned     *metrics    `json:"tuned,omitempty"`
	Codebooks []int       `json:"codebooks"` // centres of each
	Levels    []levelInfo `json:"levels"`
	// Chosen is what was chosen for the demands --budget, --max-ram and --max-ms, Took what the program takes of what they limit.
	Chosen []chosenLayer `json:"chosen,omitempty"`
	Took   *footprint    `json:"took,omitempty"`
}

// setParts tells which samples serve for what.
func (r *tuneReport) setParts(p parts) {
	r.RepeatedSamples = p.repeated
	if p.choose != nil {
		r.ChoiceSamples = p.choose.Len()
	}
	if p.report != nil {
		r.ReportSamples, r.Validation = p.report.Len(), p.report.set.Spec
	}
}

// bestReport is the measurement that a network was chosen by. As the best of several it flatters: the figures to believe are those of other samples.
type bestReport struct {
	Step    int                `json:"step"`
	Metric  finetune.Criterion `json:"metric"`
	Value   float64            `json:"value"`
	Samples int                `json:"samples"`
}

type levelInfo struct {
	Value  string `json:"value"`
	Levels int    `json:"levels"`
}

// fill takes over what training did to a model.
func (r *tuneReport) fill(m *quant.Model, result *finetune.Result) {
	r.Steps, r.Loss = result.Steps, lastLoss(result.Losses)
	if b := result.Best; b != nil {
		r.Best = &bestReport{b.Step, result.Criterion, result.Criterion.Value(b.Metrics), b.Metrics.Samples}
	}
	r.Codebooks = []int{}
	for _, centres := range m.Codebooks {
		r.Codebooks = append(r.Codebooks, len(centres))
	}
	for _, s := range m.Sites {
		r.Levels = append(r.Levels, levelInfo{s.Value.Name, m.Levels[s.Value.Name].Count})
	}
}

// lastLoss is the mean of the last tenth of the losses.
func lastLoss(losses []float64) float64 {
	last := losses[len(losses)-(len(losses)+9)/10:]
	sum := 0.0
	for _, l := range last {
		sum += l
	}
	return sum / float64(max(len(last), 1))
}

func (r tuneReport) print(w io.Writer) {
	ranges := "levels of the model"
	if r.Range != "" {
		ranges = "ranges by " + r.Range
	}
	fmt.Fprintf(w, "%s, %d steps on %d samples, loss %.4g\n", ranges, r.Steps, r.Samples, r.Loss)
	if len(r.Codebooks) > 0 {
		fmt.Fprintf(w, "codebooks of %v centres\n", r.Codebooks)
	}
	if r.Best != nil {
		fmt.Fprintf(w, "best at step %d: %s on the %d samples that chose it\n", r.Best.Step, criterionText(r.Best.Metric, r.Best.Value), r.Best.Samples)
	}
	printChosen(w, r.Chosen)
	if r.Took != nil {
		fmt.Fprintf(w, "the program takes %s\n", r.Took.text())
	}
	if r.Tuned != nil {
		fmt.Fprintf(w, "\nmeasured on %d samples of %s that neither trained nor chose it (%s):\n", r.Tuned.Samples, printable.Name(r.Validation), bracketsMean)
		printComparison(w, []string{"float", "tuned"}, []*metrics{r.Float, r.Tuned})
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "written: %s\n", printable.Name(r.Output))
}

// criterionText prints a metric with its name.
func criterionText(by finetune.Criterion, value float64) string {
	share := by == finetune.ByAccuracy || by == finetune.ByAgreement
	return string(by) + " " + metric{value: &value, percent: share}.text()
}
