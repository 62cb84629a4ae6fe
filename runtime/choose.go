package runtime

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"qconv/runtime/internal/kernel"
)

// Names of the kernels for linear layers in LayerInfo.
const (
	nameLookup    = "generic"
	nameGrouped   = "grouped"
	nameSorted    = "sorted"
	namePatched   = "patched"
	nameDepthwise = "depthwise"
	namePooled    = "pooled"
	namePacked    = "packed"
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
	for _, v := range kernel.Available() {
		if v.String() == o.Kernel {
			return v
		}
	}
	return kernel.Best()
}

// mostPhases limits the kinds of positions of a transposed convolution for which tap programs are made.
const mostPhases = 256

// mostPlanes limits the kernel columns, for every kernel row that meets different input rows, for which tilings are tried.
const mostPlanes = 1024

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
		grown := kept + int64(s.need.Bytes()-taken.need.Bytes())*int64(max(len(fast.parts), 1, s.workers)+o.clones)
		if kept <= s.spare && grown <= s.room {
			s.spare -= kept
			s.room -= grown
			*op = fast
			return name, nil
		}
		s.memory, s.need = taken.memory, taken.need
		if !o.scarce || o.smallest {
			return s.preparePacked(op, layer, l), nil
		}
		o.smallest = true
	}
}

// prepareFast makes the kernels for l, described by layer.
func (s *ops) prepareFast(op *op, l *Linear, layer *kernel.Layer, o Options) (name string) {
	macs := layer.MACs()
	parts, cuts := o.split(layer, macs)
	if parts == nil {
		return s.prepareLayer(op, layer, macs, o)
	}
	for k, part := range parts {
		sub := newOp(l)
		sub.cut = cuts[k]
		name = s.prepareLayer(sub, part, macs/len(parts), o)
		op.parts = append(op.parts, sub)
	}
	return name
}

// prepareLayer makes the kernel for layer that its estimates call the fastest, and
// returns its name.
func (s *ops) prepareLayer(op *op, layer *kernel.Layer, macs int, o Options) (name string) {
	if o.Kernel != kernelGeneric {
		s.chooseFast(op, layer, macs, o)
	}
	var weights, tables int
	var need kernel.Need
	switch {
	case op.grouped != nil:
		name, need = nameGrouped, op.grouped.Need()
		weights, tables = op.grouped.Memory()
	case op.depthwise != nil:
		name, need = nameDepthwise, op.depthwise.Need()
		weights, tables = op.depthwise.Memory()
	case op.pooled != nil:
		name, need = namePooled, op.pooled.Need()
		weights, tables = op.pooled.Memory()
	case op.sorted != nil:
		name, need = nameSorted, op.sorted.Need()
		weights, tables = op.sorted.Memory()
	case op.patched != nil:
		name, need = namePatched, op.patched.Need()
		weights, tables = op.patched.Memory()
	default:
		op.lookup = kernel.NewLookup(layer)
		name, need = nameLookup, op.lookup.Need()
		weights, tables = op.lookup.Memory()
	}
	s.need = s.need.Max(need)
	s.memory.Weights += weights
	s.memory.Tables += tables
	return name
}

// chooseFast sets the kernel of op if one beats the cost of macs look-ups. Where memory is scarce, the forms that take
// least may take twice as long as others.
func (s *ops) chooseFast(op *op, layer *kernel.Layer, macs int, o Options) {
	v := o.vector()
	limit := min(macs, math.MaxInt/kernel.LookupCost) * kernel.LookupCost
	if k, err := kernel.NewPooled(layer); err == nil {
		op.pooled = k // nothing is faster
		return
	}
	// Its weights are written once it has won.
	if k, err := kernel.PlanSorted(layer, kernel.SortedBytes(layer), limit, v); err == nil {
		op.sorted, limit = k, k.Cost()
	}
	// Shared rows take a fraction of the memory, and of the time to fill them: they may take twice as long.
	if op.sorted != nil {
		limit = min(limit, math.MaxInt/2) * 2
	}
	if k, err := kernel.PlanPatched(layer, kernel.SortedBytes(layer), limit, v); err == nil {
		op.patched, op.sorted, limit = k, nil, k.Cost()
	} else if op.sorted != nil {
		limit = op.sorted.Cost()
	}
	switch {
	case op.patched != nil && o.smallest:
		limit = 0
	case op.patched != nil && o.scarce:
		limit /= 2
	}
	// The others work on positions: there must be several.
	several := op.sorted == nil || layer.Out[1] != 1 || layer.Out[2] != 1
	if several && layer.Phases() <= mostPhases && layer.Planes() <= mostPlanes {
		if k, err := kernel.NewGrouped(layer, limit, v); err == nil {
			op.grouped, op.sorted, op.patched, limit = k, nil, nil, k.Cost()
		}
		if k, err := kernel.NewDepthwise(layer, limit, v); err == nil {
			op.depthwise, op.grouped, op.sorted, op.patched = k, nil, nil, nil
		}
	}
	if op.sorted != nil {
		op.sorted.Fill(layer)
	}
	if op.patched != nil {
		op.patched.Fill(layer)
	}
}

// describe is l in the terms of package kernel, with its weights decoded to memory that the next layer will use again.
func (s *ops) describe(p *Program, l *Linear) (*kernel.Layer, error) {
	k := &kernel.Layer{Out: p.Tensors[l.Out].Shape, Bias: l.Bias}
	if l.found != nil {
		k.Low, k.High = l.found.lo, l.found.hi
	}
	if n := l.weightCount(); n > len(s.decoded) {
		s.decoded = make([]uint16, n)
	}
	rest := s.decoded
	for i := range l.Terms {
		t := &l.Terms[i]
		in := &p.Tensors[t.In]
		w := rest[:t.Weights.Len()]
		rest = rest[len(w):]
		if err := t.Weights.Decode(w); err != nil {
			return nil, err
		}
		k.Terms = append(k.Terms, kernel.Term{
			Shape: in.Shape, Levels: in.Levels, Zero: in.Zero, Groups: t.Groups,
			Kernel: t.Kernel, Stride: t.Stride, Dilation: t.Dilation, Pad: t.Pad, Up: t.Up,
			Centres: p.Codebooks[t.Codebook].Centres, Weights: w,
		})
	}
	for _, step := range l.Steps {
		k.Steps = append(k.Steps, kernel.Step{Breaks: p.Steps[step].Breaks, Values: p.Steps[step].Values})
	}
	return k, nil
}
