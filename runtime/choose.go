package runtime

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"qconv/runtime/internal/kernel"
)

// Values of Options.Kernel besides "".
const (
	kernelGeneric  = "generic"
	kernelPacked   = "packed"
	kernelPortable = "portable"
	// The other names of instruction sets, those of kernel.Available, are values too.
)

// environment is the variable that stands in for an empty Options.Kernel.
const environment = "QCONV_KERNEL"

// resolve fills in the environment and checks the choice.
func (o Options) resolve() (Options, error) {
	if o.target != nil {
		return o, nil
	}
	o, err := o.checkWorkers()
	if err != nil {
		return o, err
	}
	from := "kernel"
	if o.Kernel == "" {
		o.Kernel, from = os.Getenv(environment), environment
	}
	names := []string{kernelGeneric, kernelPacked}
	for _, v := range kernel.Available() {
		names = append(names, v.String())
	}
	if o.Kernel == "" || slices.Contains(names, o.Kernel) {
		return o, nil
	}
	return o, &OptionError{fmt.Sprintf("runtime: new runner: unknown %s %q, want %s or none", from, o.Kernel, strings.Join(names, ", "))}
}

// vector is the instruction set that kernels may use.
func (o Options) vector() kernel.Vector {
	if o.target != nil {
		return o.target.vector
	}
	for _, v := range kernel.Available() {
		if v.String() == o.Kernel {
			return v
		}
	}
	return kernel.Best()
}

// prepareLinear makes the kernels for l, one or one for each part, and returns their name. A layer whose fast
// kernels might not fit in what is spared for them leaves its weights coded.
func (s *ops) prepareLinear(op *op, p *Program, l *Linear, o Options) (name string, err error) {
	layer, err := s.describe(p, l)
	if err != nil {
		return "", err
	}
	layer = layer.Turned()
	if o.Kernel == kernelPacked {
		return s.preparePacked(op, layer, l), nil
	}
	cropped := layer.Cropped()
	if cropped.FastBytes() > s.room {
		return s.preparePacked(op, layer, l), nil
	}
	for {
		fast, taken := *op, *s
		name = s.prepareFast(&fast, l, cropped, o)
		kept := int64(s.memory.Weights+s.memory.Tables) - int64(taken.memory.Weights+taken.memory.Tables)
		grown := kept + int64(s.need.Bytes(s.vector)-taken.need.Bytes(s.vector))*int64(max(len(fast.parts), 1, s.workers)+o.clones)
		if kept <= s.spare && grown <= s.room {
			s.spare -= kept
			s.room -= grown
			*op = fast
			return name, nil
		}
		s.memory, s.need = taken.memory, taken.need
		if o.thrift != kernel.Scarce {
			return s.preparePacked(op, layer, l), nil
		}
		o.thrift = kernel.Smallest
	}
}

// prepareFast makes the kernels for l, described by layer.
func (s *ops) prepareFast(op *op, l *Linear, layer *kernel.Layer, o Options) (name string) {
	parts, cuts := o.split(layer, layer.MACs())
	if parts == nil {
		op.linear = o.linear(layer)
		return s.count(op.linear)
	}
	for k, part := range parts {
		sub := newOp(l)
		sub.cut = cuts[k]
		sub.linear = o.linear(part)
		name = s.count(sub.linear)
		op.parts = append(op.parts, sub)
	}
	return name
}

// linear makes the kernel for layer.
func (o Options) linear(layer *kernel.Layer) *kernel.Linear {
	switch {
	case o.Kernel == kernelGeneric:
		return kernel.NewLookupLinear(layer)
	case o.target != nil:
		return kernel.PlanLinear(layer, o.vector(), o.thrift)
	}
	return kernel.NewLinear(layer, o.vector(), o.thrift)
}

// count adds up what k takes, and returns its name.
func (s *ops) count(k *kernel.Linear) (name string) {
	weights, tables := k.Memory()
	s.need = s.need.Max(k.Need())
	s.memory.Weights += weights
	s.memory.Tables += tables
	return k.Name()
}

// describe is l in the terms of package kernel, with its weights decoded to memory that the next layer will use again.
func (s *ops) describe(p *Program, l *Linear) (*kernel.Layer, error) {
	n := l.weightCount()
	if n > len(s.decoded) {
		s.decoded = make([]uint16, n)
	}
	if s.later != nil {
		if err := s.later.weights(p, l, s.decoded[:n]); err != nil {
			return nil, err
		}
	}
	k := &kernel.Layer{Out: p.Tensors[l.Out].Shape, Bias: l.Bias}
	found := l.found
	if s.later == nil && !found.holds(l.fingerprint(p), l) {
		found = nil // the program was made or changed by hand
	}
	if found != nil {
		k.Low, k.High = found.lo, found.hi
	}
	rest := s.decoded
	for i := range l.Terms {
		t := &l.Terms[i]
		in := &p.Tensors[t.In]
		w := rest[:t.Weights.Len()]
		rest = rest[len(w):]
		if s.later == nil {
			if err := t.Weights.Decode(w); err != nil {
				return nil, err
			}
		}
		k.Terms = append(k.Terms, kernel.Term{
			Shape: in.Shape, Levels: in.Levels, Zero: in.Zero, Groups: t.Groups,
			Kernel: t.Kernel, Stride: t.Stride, Dilation: t.Dilation, Pad: t.Pad, Up: t.Up,
			Centres: p.Codebooks[t.Codebook].Centres, Weights: w,
		})
		if found != nil {
			k.Terms[i].Counted(found.uses[i])
		}
	}
	for _, step := range l.Steps {
		k.Steps = append(k.Steps, kernel.Step{Breaks: p.Steps[step].Breaks, Values: p.Steps[step].Values})
	}
	return k, nil
}
