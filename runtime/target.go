package runtime

import (
	"fmt"
	"strings"

	"qconv/runtime/internal/kernel"
)

// Target is a machine by what the memory of a Runner depends on there, for [Program.MemoryOn].
type Target struct {
	name   string
	vector kernel.Vector
	bits   int // of an int
}

// architectures are the machines that Go builds for, by GOARCH.
var architectures = map[string]Target{
	"386":      {vector: kernel.Words32, bits: 32},
	"amd64":    {vector: kernel.AVX2, bits: 64},
	"arm":      {vector: kernel.ARM, bits: 32},
	"arm64":    {vector: kernel.NEON, bits: 64},
	"loong64":  {vector: kernel.Words32, bits: 64},
	"mips":     {vector: kernel.Reversed, bits: 32},
	"mips64":   {vector: kernel.Reversed, bits: 64},
	"mips64le": {vector: kernel.Words32, bits: 64},
	"mipsle":   {vector: kernel.Words32, bits: 32},
	"ppc64":    {vector: kernel.Reversed, bits: 64},
	"ppc64le":  {vector: kernel.Words32, bits: 64},
	"riscv64":  {vector: kernel.Words32, bits: 64},
	"s390x":    {vector: kernel.Reversed, bits: 64},
}

// architectureLevels are the third part of a target's name, where there is a choice: GOARM and GOAMD64. What processors have is found
// when the program starts, whatever GOAMD64 it was built for.
var architectureLevels = map[string]map[string]kernel.Vector{
	"arm":   {"5": kernel.ARM, "6": kernel.ARM, "7": kernel.ARM},
	"amd64": {"v1": kernel.Words64, "v2": kernel.Words64, "v3": kernel.AVX2, "v4": kernel.AVX512},
}

// ParseTarget reads the name of a machine as Go writes it, GOOS/GOARCH or GOOS/GOARCH/LEVEL: linux/arm/5 is an ARM processor of
// version 5, linux/amd64/v1 one without AVX2; linux/amd64 has it. The operating system makes no difference.
func ParseTarget(name string) (Target, error) {
	parts := strings.Split(name, "/")
	if len(parts) == 2 || len(parts) == 3 {
		t, known := architectures[parts[1]]
		if known && len(parts) == 3 {
			t.vector, known = architectureLevels[parts[1]][parts[2]]
		}
		if known && parts[0] != "" {
			t.name = name
			return t, nil
		}
	}
	return Target{}, &OptionError{fmt.Sprintf("runtime: unknown target %q, want GOOS/GOARCH or GOOS/GOARCH/LEVEL as in linux/arm/5, linux/arm64, linux/amd64/v3 or linux/mipsle", name)}
}

// String is the name that was parsed.
func (t Target) String() string { return t.name }

// WordBits is the number of bits of the registers that kernels add up lanes in, where there are no vectors.
func (t Target) WordBits() int { return t.vector.WordBits() }

// Kernels names the instruction set that kernels are chosen for.
func (t Target) Kernels() string { return t.vector.String() }

// MemoryOn is what [Runner.Memory] and [Runner.Layers] are on t, for a Runner with these Options of one worker, of a program that was
// read from a file of size bytes. Options.Kernel must be empty. Nothing is run.
func (p *Program) MemoryOn(t Target, size int64, o Options) (Memory, []LayerInfo, error) {
	c := newChecker(p)
	if err := c.validate(); err != nil {
		return Memory{}, nil, err
	}
	o.target, o.Workers = &t, 1
	o.Limits = o.Limits.on(t.bits, size)
	s, err := prepareWithin(p, o, nil, c.work)
	if err != nil {
		return Memory{}, nil, err
	}
	return s.takes(p), s.layers, nil
}
