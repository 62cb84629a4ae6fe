package main

import (
	"fmt"
	"io"

	"qconv/runtime/printable"
)

// Bounds of what eval prints; --json and --html have all.
const (
	printedClasses = 30
	printedTargets = 16
	printedPairs   = 5
	printedWorst   = 5
)

func (r evalReport) print(w io.Writer) {
	r.metrics.print(w)
	if r.Against != nil {
		fmt.Fprintf(w, "\nagainst %s:\n", printable.Name(r.Against.Model))
		r.Against.metrics.print(w)
	}
	if len(r.Targets) > 1 && len(r.Targets) <= printedTargets {
		fmt.Fprintln(w)
		r.printTargets(w)
	}
	if r.Against == nil {
		return
	}
	if len(r.Classes) > 0 && len(r.Classes) <= printedClasses {
		fmt.Fprintln(w)
		r.printClasses(w)
	}
	for i, p := range r.Confused[:min(len(r.Confused), printedPairs)] {
		if i == 0 {
			fmt.Fprintln(w, "\nmost frequent wrong answers:")
		}
		fmt.Fprintf(w, "%s for %s: %d times, %d by the other\n", printable.Name(p.Answer), printable.Name(p.Label), p.Samples, *p.Against)
	}
	if len(r.Against.Layers) > 0 {
		fmt.Fprintln(w)
		r.Against.printLayers(w)
	}
	if l := r.FirstLost; l != nil {
		fmt.Fprintf(w, "first under %d dB: %s (%.1f dB): what comes after it rests on that\n", lostSNR, printable.Name(l.label()), l.SNR)
	}
	if len(r.Worst) > 0 {
		fmt.Fprintln(w)
		r.printWorst(w)
	}
}

func (r evalReport) printTargets(w io.Writer) {
	t := table{left: 1}
	head := []any{"target", "R2", "MSE"}
	if r.Against != nil {
		head = append(head, "R2 of the other", "its MSE")
	}
	t.add(head...)
	for _, x := range r.Targets {
		row := []any{x.Target, figure(x.R2), figure(x.MSE)}
		if r.Against != nil {
			row = append(row, figure(x.AgainstR2), figure(x.AgainstMSE))
		}
		t.add(row...)
	}
	t.print(w)
}

func (r evalReport) printClasses(w io.Writer) {
	t := table{left: 1}
	t.add("class", "samples", "accuracy", "by the other", "precision")
	for _, k := range r.Classes {
		t.add(printable.Name(k.title()), k.Samples, metric{value: k.Accuracy, percent: true, between: k.Accuracy95}.text(), percentOr(k.Against), percentOr(k.Precision))
	}
	t.print(w)
}

func (a againstReport) printLayers(w io.Writer) {
	t := table{left: 1}
	t.add("value", "signal to noise, dB")
	for _, l := range a.Layers {
		t.add(printable.Name(l.label()), fmt.Sprintf("%.1f", l.SNR))
	}
	t.print(w)
}

func (r evalReport) printWorst(w io.Writer) {
	if r.Worst[0].Answer == "" {
		t := table{left: 1}
		t.add("worst samples", "squared error")
		for _, x := range r.Worst[:min(len(r.Worst), printedWorst)] {
			t.add(printable.Name(x.Sample), fmt.Sprintf("%.4g", x.Off))
		}
		t.print(w)
		return
	}
	t := table{left: 4}
	t.add("worst samples", "label", "answer", "the other's", "off by")
	for _, x := range r.Worst[:min(len(r.Worst), printedWorst)] {
		t.add(printable.Name(x.Sample), nameOrDash(x.Label), nameOrDash(x.Answer), nameOrDash(x.Other), fmt.Sprintf("%.4g", x.Off))
	}
	t.print(w)
}

// title is the class's name, or its number.
func (k classReport) title() string {
	if k.Name != "" {
		return k.Name
	}
	return fmt.Sprint(k.Class)
}

// nameOrDash is a name in a table, or a dash where there is none.
func nameOrDash(s string) string {
	if s == "" {
		return "-"
	}
	return printable.Name(s)
}

func figure(v *float64) string { return metric{value: v}.text() }

func percentOr(v *float64) string { return metric{value: v, percent: true}.text() }
