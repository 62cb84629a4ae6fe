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

// prepareLinear makes the kernels for instruction n, which is l, one or one for each part, and returns their name. A layer whose
// fast kernels might not fit in what is spared for them leaves its weights coded.
func (s *ops) prepareLinear(to *op, p *Program, n int, o Options) (name string, err error) {
	l := p.Instrs[n].(*Linear)
	layer, err := s.describe(p, n)
	if err != nil {
		return "", err
	}
	layer = layer.Turned()
	if o.Kernel == kernelPacked {
		return s.preparePacked(to, layer, l), nil
	}
	cropped := layer.Cropped()
	if (s.options == nil || s.options[n] == nil) && cropped.FastBytes() <= s.room {
		made, name := s.try(to, n, o, func(fast *op) string { return s.prepareFast(fast, l, cropped, o, o.linear) })
		if made {
			return name, nil
		}
	}
	var options []kernel.Option
	if s.options != nil {
		options = s.options[n]
	}
	if options == nil {
		options = s.optionsOf(cropped, layer, l, false, o)
	}
	return s.prepareScarce(to, n, l, layer, cropped, options, o), nil
}

// try makes kernels for instruction n, unless they turn out to take more memory than is left.
func (s *ops) try(to *op, n int, o Options, prepare func(fast *op) string) (made bool, name string) {
	fast, taken := *to, *s
	if name = prepare(&fast); name == "" {
		return false, ""
	}
	kept := int64(s.memory.Weights+s.memory.Tables) - int64(taken.memory.Weights+taken.memory.Tables)
	coded := fast.linear != nil && fast.linear.Coded()
	if coded {
		kept -= int64(s.memory.Weights - taken.memory.Weights)
	}
	grown := int64(s.need.Bytes(s.vector)-taken.need.Bytes(s.vector)) * int64(max(len(fast.parts), 1, s.workers)+o.clones)
	if s.rooms != nil && fast.parts == nil {
		s.beside = s.working(n, fast.need())
		grown = int64(s.beside-taken.beside) * int64(1+o.clones)
	}
	grown += kept
	beside := int64(0) // working memory is not for forms
	if o.scarce {
		beside = int64(s.beside)
	}
	if kept+beside > s.spare && !coded || grown > s.room {
		s.memory, s.need, s.beside = taken.memory, taken.need, taken.beside
		return false, ""
	}
	s.spare -= kept
	s.room -= grown
	*to = fast
	return true, name
}

// prepareFast makes the kernels for l, described by layer, each by make, and returns their name; none if make returns nil.
func (s *ops) prepareFast(op *op, l *Linear, layer *kernel.Layer, o Options, make func(*kernel.Layer) *kernel.Linear) (name string) {
	parts, cuts := o.split(layer, layer.MACs())
	if parts == nil {
		if op.linear = make(layer); op.linear == nil {
			return ""
		}
		return s.count(op.linear)
	}
	for k, part := range parts {
		sub := newOp(l)
		sub.cut = cuts[k]
		if sub.linear = make(part); sub.linear == nil {
			return ""
		}
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
		return kernel.PlanLinear(layer, o.vector())
	}
	return kernel.NewLinear(layer, o.vector())
}

// linearAs makes the kernel for layer in the form of an option; nil where that does not do.
func (o Options) linearAs(option kernel.Option, layer, whole *kernel.Layer, coded []kernel.Coded) *kernel.Linear {
	if o.target != nil {
		return kernel.PlanLinearAs(option, layer, whole, coded, o.vector())
	}
	return kernel.NewLinearAs(option, layer, whole, coded, o.vector())
}

// count adds up what k takes, and returns its name.
func (s *ops) count(k *kernel.Linear) (name string) {
	weights, tables := k.Memory()
	s.need = s.need.Max(k.Need())
	s.memory.Weights += weights
	s.memory.Tables += tables
	return k.Name()
}

// describe is the Linear n in the terms of package kernel, with its weights decoded to memory that the next layer will use again.
func (s *ops) describe(p *Program, n int) (*kernel.Layer, error) {
	l := p.Instrs[n].(*Linear)
	weights := l.weightCount()
	if weights > len(s.decoded) {
		s.decoded = make([]uint16, weights)
	}
	if s.later != nil {
		if err := s.later.weights(p, l, s.decoded[:weights]); err != nil {
			return nil, err
		}
	}
	k := &kernel.Layer{Out: p.Tensors[l.Out].Shape, Bias: l.Bias, Rows: s.rowsOf(n, l.coded())}
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
	k.Steps = p.stepsOf(l.Steps)
	return k, nil
}

// stepsOf are step functions in the terms of package kernel.
func (p *Program) stepsOf(steps []int) (list []kernel.Step) {
	for _, step := range steps {
		list = append(list, kernel.Step{Breaks: p.Steps[step].Breaks, Values: p.Steps[step].Values})
	}
	return list
}
