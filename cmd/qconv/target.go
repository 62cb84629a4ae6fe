package main

import (
	"math/bits"
	"strings"

	"github.com/urfave/cli/v2"

	qrt "qconv/runtime"
)

var targetFlag = &cli.StringFlag{Name: "target", Category: catResult, DefaultText: "this machine",
	Usage: "tell memory and kernels as they are on `MACHINE`, named as Go does: linux/arm/5, linux/arm64, linux/amd64/v1, linux/mipsle; or cortex-m0, rv32i, rv32e, avr, generic",
	Action: func(c *cli.Context, name string) error {
		if isChip(name) {
			return nil
		}
		return checkTarget(c, name)
	},
}

// checkTarget refuses a value of --target that names no machine.
func checkTarget(_ *cli.Context, name string) error {
	if _, err := qrt.ParseTarget(name); err != nil {
		return usagef("flag --target: %s", strings.TrimPrefix(err.Error(), "runtime: "))
	}
	return nil
}

// qrunBytes is what a process of qrun takes without any program: 2.4 MB of its executable that are resident, 2.0 MB of Go's
// runtime. Measured as the peak of the resident set (VmHWM) less twice what lives on the heap, on Linux.
const qrunBytes = 4_400_000

// measure finds out the memory with and without --low-memory, and returns the layers.
func (i *programInfo) measure(p *qrt.Program, limits qrt.Limits) ([]qrt.LayerInfo, error) {
	if i.Target == "" {
		runner, err := qrt.NewRunner(p, qrt.Options{Limits: limits})
		if err != nil {
			return nil, err
		}
		low, err := qrt.NewRunner(p, qrt.Options{LowMemory: true, Limits: limits})
		if err != nil {
			return nil, err
		}
		i.setMemory(bits.UintSize, runner.Memory(), low.Memory())
		return runner.Layers(), nil
	}
	target, err := qrt.ParseTarget(i.Target)
	if err != nil {
		return nil, err
	}
	m, layers, err := p.MemoryOn(target, int64(i.FileBytes), qrt.Options{Limits: limits})
	if err != nil {
		return nil, err
	}
	low, _, err := p.MemoryOn(target, int64(i.FileBytes), qrt.Options{LowMemory: true, Limits: limits})
	if err != nil {
		return nil, err
	}
	i.setMemory(target.WordBits(), m, low)
	// Go collects garbage when the heap has doubled.
	i.ProcessBytes = qrunBytes + 2*(int64(m.Total())+p.Bytes())
	return layers, nil
}

func (i *programInfo) setMemory(wordBits int, m, low qrt.Memory) {
	i.ArenaBytes, i.ScratchBytes, i.WeightBytes, i.TableBytes, i.RAMBytes = m.Arena, m.Scratch, m.Weights, m.Tables, m.Total()
	i.WordBits = wordBits
	i.LowMemory = ram{Arena: low.Arena, Scratch: low.Scratch, Weights: low.Weights, Tables: low.Tables, Total: low.Total()}
}
