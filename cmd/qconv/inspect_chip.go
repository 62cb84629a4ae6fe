package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"qconv/export/c"
	qrt "qconv/runtime"
	"qconv/runtime/printable"
)

// chipReport is what inspect prints of a program on a microcontroller.
type chipReport struct {
	Model string `json:"model"`
	c.Report
	MACs int `json:"macs"`
	// ClockHz and Milliseconds are those of --clock, at an instruction for each cycle.
	ClockHz      float64 `json:"clock_hz,omitempty"`
	Milliseconds float64 `json:"milliseconds,omitempty"`
}

// inspectChip prints what a program will take as C.
func inspectChip(ctx *cli.Context, path string, p *qrt.Program) error {
	r, err := exportedC(ctx, p, c.Options{Name: "network", Target: c.Target(ctx.String(targetFlag.Name))})
	if err != nil {
		return named(path, err)
	}
	shown := chipReport{Model: path, Report: r.Report, MACs: p.MACs()}
	if text := ctx.String(clockFlag.Name); text != "" {
		if shown.ClockHz, err = parseFrequency(text); err != nil {
			return usagef("flag --%s: %v", clockFlag.Name, err)
		}
		shown.Milliseconds = 1e3 * float64(shown.Instructions) / shown.ClockHz
	}
	return report(ctx, shown, shown.print)
}

func (r chipReport) print(w io.Writer) {
	fmt.Fprintf(w, "%s: as C on %s, for %s\n", printable.Name(r.Model), r.Target, r.Optimize)
	printChip(w, &r.Report, r.ClockHz)
	fmt.Fprintln(w)
	t := table{left: 1}
	t.add("layer", "runs", "constants", "working memory", "MACs", "instructions", "kernel")
	for _, l := range r.Layers {
		t.add(printable.Name(l.Name), grouped(l.Runs), grouped(l.Constants), grouped(l.Work), grouped(l.MACs), grouped(l.Instructions), l.Kernel)
	}
	t.print(w)
}

// printChip prints flash, RAM, instructions, and the time at a clock that is not 0.
func printChip(w io.Writer, r *c.Report, clock float64) {
	fmt.Fprintf(w, "flash    about %s bytes: constants %s, code about %s\n", grouped(r.FlashBytes), grouped(r.Constants), grouped(r.Code))
	fmt.Fprintf(w, "RAM      %s bytes: the arena, of which activations alone take %s; a few hundred bytes of stack come on top\n", grouped(r.RAMBytes), grouped(r.Tensors))
	of := "an inference"
	if r.StateBytes > 0 {
		of = "a step of the stream"
		fmt.Fprintf(w, "         %s bytes of it are states that are kept from step to step\n", grouped(r.StateBytes))
	}
	fmt.Fprintf(w, "time     about %s instructions for %s", grouped(r.Instructions), of)
	if clock > 0 {
		fmt.Fprintf(w, ": %.1f ms at an instruction for each cycle", 1e3*float64(r.Instructions)/clock)
	}
	fmt.Fprintln(w)
}
