package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	qrt "qconv/runtime"
	"qconv/runtime/printable"
)

var (
	benchTargetFlag = &cli.StringFlag{Name: "target", Category: catResult, Action: checkTarget,
		Usage: "tell the instructions of an inference on `MACHINE`: linux/arm/5, 6 or 7, or linux/arm64"}
	clockFlag    = &cli.StringFlag{Name: "clock", Category: catResult, Usage: "with --target, tell the time of as many cycles at `FREQUENCY`, such as 200MHz: the least it takes where an instruction takes a cycle"}
	estimateFlag = &cli.BoolFlag{Name: "estimate", Category: catResult, Usage: "with --target, do not count"}
)

// machineReport is what bench prints of a machine that is not there.
type machineReport struct {
	Model  string `json:"model"`
	Target string `json:"target"`
	MACs   int    `json:"macs"`
	// Estimated are the instructions of an inference by the kernels' own costs; Counted those that QEMU executed, 0 where it could not.
	Estimated int64 `json:"estimated_instructions"`
	Counted   int64 `json:"counted_instructions,omitempty"`
	// Unknown are layers whose kernels have no estimate: those that are chosen where memory is scarce. Estimated is too low then.
	Unknown []string `json:"not_estimated,omitempty"`
	Loads   int64    `json:"counted_loads,omitempty"`
	Stores  int64    `json:"counted_stores,omitempty"`
	// NotCounted says why not.
	NotCounted string `json:"not_counted,omitempty"`
	// ClockHz and Milliseconds are those of --clock, at an instruction for each cycle.
	ClockHz      float64       `json:"clock_hz,omitempty"`
	Milliseconds float64       `json:"milliseconds,omitempty"`
	Layers       []targetLayer `json:"layers"`
}

type targetLayer struct {
	Name      string `json:"name"`
	Kernel    string `json:"kernel"`
	MACs      int    `json:"macs"`
	Cost      int64  `json:"cost"` // as the kernel estimates it
	Outputs   int    `json:"outputs"`
	Estimated int64  `json:"estimated_instructions"`
	Counted   int64  `json:"counted_instructions,omitempty"`
}

func benchTarget(c *cli.Context, path string) error {
	if name := anySet(c, []cli.Flag{secondsFlag, kernelFlag, workersFlag, rivalFlag}); name != "" {
		return usagef("flag --%s and flag --%s exclude each other", benchTargetFlag.Name, name)
	}
	r := &machineReport{Model: path, Target: c.String(benchTargetFlag.Name)}
	_, architecture, _ := targetParts(r.Target)
	costs, known := instructionCosts[architecture]
	if !known {
		return usagef("flag --%s: instructions are known of linux/arm and linux/arm64, not of %s", benchTargetFlag.Name, printable.Name(r.Target))
	}
	var err error
	if text := c.String(clockFlag.Name); text != "" {
		if r.ClockHz, err = parseFrequency(text); err != nil {
			return usagef("flag --%s: %v", clockFlag.Name, err)
		}
	}
	integer, err := isProgram(c, path)
	if err != nil {
		return err
	}
	if !integer {
		return usagef("flag --%s: instructions are those of a .qlut file, which convert writes; %s is none", benchTargetFlag.Name, printable.Name(path))
	}
	p, err := readProgram(c, path)
	if err != nil {
		return err
	}
	if err := r.estimate(c, p, costs); err != nil {
		return named(path, err)
	}
	if c.Bool(estimateFlag.Name) {
		r.NotCounted = "as --estimate says"
	} else if err := r.count(c, p, path); err != nil {
		if !is[*notCountedError](err) {
			return err
		}
		r.NotCounted = err.Error()
	}
	if r.ClockHz > 0 {
		n := r.Counted
		if n == 0 {
			n = r.Estimated
		}
		r.Milliseconds = 1e3 * float64(n) / r.ClockHz
	}
	return report(c, r, r.print)
}

// estimate fills in what the kernels of the target are thought to take.
func (r *machineReport) estimate(c *cli.Context, p *qrt.Program, costs map[string]instructionCost) error {
	size, err := fileSize(r.Model)
	if err != nil {
		return err
	}
	return r.estimateOf(p, int64(size), costs, programLimits(c))
}

// estimateOf is estimate of a program whose file has the given size.
func (r *machineReport) estimateOf(p *qrt.Program, size int64, costs map[string]instructionCost, limits qrt.Limits) error {
	target, err := qrt.ParseTarget(r.Target)
	if err != nil {
		return err
	}
	_, layers, err := p.MemoryOn(target, size, qrt.Options{Limits: limits})
	if err != nil {
		return err
	}
	r.MACs = p.MACs()
	for i, l := range layers {
		x := targetLayer{Name: l.Name, Kernel: l.Kernel, MACs: l.MACs, Cost: l.Cost, Outputs: l.Runs * p.Tensors[p.Instrs[i].Dst()].Elems()}
		each, known := costs[x.Kernel]
		if !known || x.MACs > 0 && x.Cost == 0 {
			r.Unknown = append(r.Unknown, x.Name)
		}
		x.Estimated = callInstructions*int64(l.Runs) + each.of(x)
		if uneven(p, p.Instrs[i]) {
			x.Estimated += unevenInstructions * int64(x.Outputs)
		}
		r.Estimated += x.Estimated
		r.Layers = append(r.Layers, x)
	}
	r.Estimated += aroundLayers(p, costs)
	return nil
}

// parseFrequency reads 200MHz, 1.2GHz, 32768Hz.
func parseFrequency(text string) (float64, error) {
	unit, factor := "", 0.0
	for _, u := range []struct {
		name   string
		factor float64
	}{{"ghz", 1e9}, {"mhz", 1e6}, {"khz", 1e3}, {"hz", 1}} {
		if strings.HasSuffix(strings.ToLower(text), u.name) {
			unit, factor = u.name, u.factor
			break
		}
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(text[:len(text)-len(unit)]), 64)
	if unit == "" || err != nil || !(v > 0) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("got %q, want a frequency such as 200MHz", text)
	}
	return v * factor, nil
}

func (r *machineReport) print(w io.Writer) {
	if r.Counted > 0 {
		fmt.Fprintf(w, "%s instructions per inference on %s, counted under QEMU: %s loads, %s stores; estimated %s, %+.0f %%\n", grouped(int(r.Counted)), r.Target,
			grouped(int(r.Loads)), grouped(int(r.Stores)), grouped(int(r.Estimated)), 100*(float64(r.Estimated)/float64(r.Counted)-1))
	} else {
		fmt.Fprintf(w, "about %s instructions per inference on %s, estimated and not counted: %s\n", grouped(int(r.Estimated)), r.Target, r.NotCounted)
	}
	if len(r.Unknown) > 0 {
		fmt.Fprintf(w, "no estimate of layers whose kernels are those for scarce memory: %s\n", printable.Names(r.Unknown))
	}
	if r.ClockHz > 0 {
		fmt.Fprintf(w, "%s at %g MHz, if an instruction takes a cycle\n", time.Duration(r.Milliseconds*float64(time.Millisecond)).Round(time.Microsecond), r.ClockHz/1e6)
	}
	fmt.Fprintln(w)
	t := table{left: 2}
	t.add("layer", "kernel", "MACs", "estimated", "counted")
	for _, l := range r.Layers {
		counted := "-"
		if r.Counted > 0 {
			counted = grouped(int(l.Counted))
		}
		t.add(printable.Name(l.Name), l.Kernel, grouped(l.MACs), grouped(int(l.Estimated)), counted)
	}
	t.print(w)
}
