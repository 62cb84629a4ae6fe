package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"qconv/quant"
	qrt "qconv/runtime"
	"qconv/runtime/bytesize"
	"qconv/runtime/printable"
)

// Demands on a program's size and speed. Given one, levels, weights and codebooks are chosen layer by layer.
var (
	budgetFlag = &cli.StringFlag{Name: "budget", Category: catQuant,
		Usage: "choose weights, codebooks and levels layer by layer so that the .qlut takes at most `SIZE`, such as 40KB, and the outputs come out as near as can be: by what each layer costs alone (see qconv sensitivity). --levels is then the most. finetune also takes least: the smallest that passes the gates before it is trained, on the samples that choose"}
	maxRAMFlag = &cli.StringFlag{Name: "max-ram", Category: catQuant,
		Usage: "choose them so that a runner takes at most `SIZE` of RAM, as inspect counts it, on this machine or --target; with --low-memory where that is needed"}
	maxMsFlag = &cli.Float64Flag{Name: "max-ms", Category: catQuant,
		Usage: "choose them so that one inference takes at most `MS` milliseconds: the median measured on this machine with one worker; with --target (linux/arm or linux/arm64) and --clock the instructions that kernels are estimated to take there, one a cycle, so more in fact. From integer codebooks, the fastest"}
	budgetClockFlag = &cli.StringFlag{Name: clockFlag.Name, Category: catQuant, Usage: "with --max-ms and --target, `FREQUENCY` of that machine, such as 200MHz"}
	budgetFlags     = []cli.Flag{budgetFlag, maxRAMFlag, maxMsFlag, targetFlag, budgetClockFlag}
)

// leastBudget is the value of --budget that asks for as few bytes as the gates allow.
const leastBudget = "least"

// demands are what a program must keep to; 0 where nothing is demanded.
type demands struct {
	bytes, ram int64
	time       time.Duration
	least      bool    // as few bytes as the gates allow
	growth     float64 // part of the bytes that is kept free for what weights become
	target     string  // of ram and time; empty is this machine
	clock      float64 // of the target, in Hz
	limits     qrt.Limits
}

func (d demands) any() bool { return d.bytes > 0 || d.least || d.ram > 0 || d.time > 0 }

// readDemands reads the flags, and refuses those that say by hand what is to be chosen.
func readDemands(c *cli.Context) (d demands, err error) {
	for _, f := range []struct {
		flag *cli.StringFlag
		dst  *int64
	}{{budgetFlag, &d.bytes}, {maxRAMFlag, &d.ram}} {
		if !c.IsSet(f.flag.Name) {
			continue
		}
		if f.flag == budgetFlag && c.String(f.flag.Name) == leastBudget {
			d.least = true
			continue
		}
		if *f.dst, err = bytesize.Parse(c.String(f.flag.Name)); err != nil {
			return d, usagef("flag --%s: %v", f.flag.Name, err)
		}
	}
	if c.IsSet(maxMsFlag.Name) {
		ms := c.Float64(maxMsFlag.Name)
		if !(ms > 0 && ms <= 3.6e6) {
			return d, usagef("flag --%s: got %g, want more than 0, at most 3600000", maxMsFlag.Name, ms)
		}
		d.time = time.Duration(ms * float64(time.Millisecond))
	}
	d.growth = trainedGrowth
	d.target, d.limits = c.String(targetFlag.Name), programLimits(c)
	if err := d.readTarget(c); err != nil {
		return d, err
	}
	if !d.any() {
		return d, nil
	}
	if d.time > 0 && d.target == "" && c.Bool(resumeFlag.Name) {
		return d, usagef("flag --%s: what --%s chooses depends on the clock: give --%s what the first run said it chose", resumeFlag.Name, maxMsFlag.Name, configFlag.Name)
	}
	for _, f := range []cli.Flag{weightsFlag, endWeightsFlag, configFlag, spectrumFlag, pruneFlag} {
		if name := f.Names()[0]; c.IsSet(name) {
			return d, usagef("flag --%s: --%s chooses weights layer by layer", name, d.flag())
		}
	}
	if scope := quant.Scope(c.String(scopeFlag.Name)); scope != quant.ScopeLayer {
		return d, usagef("flag --%s: got %q, want %s with --%s: every layer has a codebook of its own", scopeFlag.Name, scope, quant.ScopeLayer, d.flag())
	}
	return d, nil
}

// readTarget checks the machine of the demands.
func (d *demands) readTarget(c *cli.Context) (err error) {
	given := c.IsSet(clockFlag.Name)
	if given {
		if d.clock, err = parseFrequency(c.String(clockFlag.Name)); err != nil {
			return usagef("flag --%s: %v", clockFlag.Name, err)
		}
	}
	if d.target == "" {
		if given {
			return usagef("flag --%s: it is that of --%s, which is not given", clockFlag.Name, targetFlag.Name)
		}
		return nil
	}
	_, architecture, _ := targetParts(d.target)
	switch costs := instructionCosts[architecture]; {
	case d.ram == 0 && d.time == 0:
		return usagef("flag --%s: it is the machine of --%s or --%s, and neither is given", targetFlag.Name, maxRAMFlag.Name, maxMsFlag.Name)
	case d.time == 0 && given:
		return usagef("flag --%s: it is for --%s, which is not given", clockFlag.Name, maxMsFlag.Name)
	case d.time == 0:
		return nil
	case d.ram > 0:
		return usagef("flag --%s: no time is known of another machine where memory is scarce: give --%s or --%s", targetFlag.Name, maxRAMFlag.Name, maxMsFlag.Name)
	case costs == nil:
		return usagef("flag --%s: instructions are known of linux/arm and linux/arm64, not of %s", targetFlag.Name, printable.Name(d.target))
	case !given:
		return usagef("flag --%s: give the --%s of %s", maxMsFlag.Name, clockFlag.Name, printable.Name(d.target))
	}
	return nil
}

// flag is the first flag of the demands.
func (d demands) flag() string {
	switch {
	case d.bytes > 0, d.least:
		return budgetFlag.Name
	case d.ram > 0:
		return maxRAMFlag.Name
	}
	return maxMsFlag.Name
}

// footprint is what a program takes of what can be demanded; what is not demanded is not measured.
type footprint struct {
	Bytes int64 `json:"file_bytes"`
	RAM   int64 `json:"ram_bytes,omitempty"`
	// LowMemory says that RAM, and Time, are those with --low-memory, as more was not allowed.
	LowMemory bool          `json:"low_memory,omitempty"`
	Time      time.Duration `json:"ns_per_inference,omitempty"`
}

// timedFor is how long the time of a program is measured.
const timedFor = 150 * time.Millisecond

// measure finds out what a program takes whose file has the given size.
func (d demands) measure(p *qrt.Program, size int64) (f footprint, err error) {
	f.Bytes = size
	if d.ram > 0 {
		info := programInfo{Target: d.target, FileBytes: int(size)}
		if _, err := info.measure(p, d.limits); err != nil {
			return f, err
		}
		if f.RAM = int64(info.RAMBytes); f.RAM > d.ram {
			f.RAM, f.LowMemory = int64(info.LowMemory.Total), true
		}
	}
	if d.time > 0 && d.target != "" {
		_, architecture, _ := targetParts(d.target)
		r := &machineReport{Target: d.target}
		if err := r.estimateOf(p, size, instructionCosts[architecture], d.limits); err != nil {
			return f, err
		}
		if len(r.Unknown) > 0 {
			return f, usagef("flag --%s: no time is known of layers %s on %s, whose memory is too scarce for their usual kernels", maxMsFlag.Name, printable.Names(r.Unknown), printable.Name(d.target))
		}
		f.Time = time.Duration(float64(r.Estimated) / d.clock * float64(time.Second))
		return f, nil
	}
	if d.time > 0 {
		f.Time, err = medianTime(p, qrt.Options{LowMemory: f.LowMemory, Limits: d.limits})
	}
	return f, err
}

// check compares what a program takes with the demands.
func (d demands) check(f footprint) error {
	flag, took, want := d.exceeded(f)
	if flag == "" {
		return nil
	}
	return &gateError{fmt.Sprintf("the program takes %s, want at most %s (--%s)", took, want, flag)}
}

// exceeded is the flag of the first demand that is not met, what the program takes and what it may take; all are empty where there is none.
func (d demands) exceeded(f footprint) (flag, took, want string) {
	bytes := func(n int64) string { return grouped(int(n)) + " bytes" }
	switch {
	case d.bytes > 0 && f.Bytes > d.bytes:
		return budgetFlag.Name, bytes(f.Bytes), bytes(d.bytes)
	case d.ram > 0 && f.RAM > d.ram:
		return maxRAMFlag.Name, bytes(f.RAM) + " of memory", bytes(d.ram)
	case d.time > 0 && f.Time > d.time:
		return maxMsFlag.Name, milliseconds(f.Time), milliseconds(d.time)
	}
	return "", "", ""
}

// milliseconds is a time as --max-ms has it.
func milliseconds(t time.Duration) string {
	return fmt.Sprintf("%.4g ms", float64(t)/float64(time.Millisecond))
}

// text is what a program takes, in words.
func (f footprint) text() string {
	parts := []string{grouped(int(f.Bytes)) + " bytes"}
	if f.RAM > 0 {
		how := ""
		if f.LowMemory {
			how = " with --low-memory"
		}
		parts = append(parts, grouped(int(f.RAM))+" bytes of memory"+how)
	}
	if f.Time > 0 {
		parts = append(parts, milliseconds(f.Time)+" an inference")
	}
	return strings.Join(parts, ", ")
}
