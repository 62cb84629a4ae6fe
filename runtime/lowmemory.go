package runtime

import (
	"math"

	"qconv/runtime/internal/kernel"
)

// coded are the weights of l as they are in the Program.
func (l *Linear) coded() (list []kernel.Coded) {
	for i := range l.Terms {
		w := &l.Terms[i].Weights
		list = append(list, kernel.Coded{Kind: w.kind, Data: w.data, Count: w.count, Size: w.size})
	}
	return list
}

// preparePacked makes the kernel for l, described by layer, that reads the weights as they
// are coded in the Program, and returns its name.
func (s *ops) preparePacked(to *op, layer *kernel.Layer, l *Linear) (name string) {
	to.linear = kernel.NewPackedLinear(layer, l.coded())
	return s.count(to.linear)
}

// prepareScarce makes the kernel for l in the first of options that fits, and returns its name. cropped is layer without what
// meets no input.
func (s *ops) prepareScarce(to *op, n int, l *Linear, layer, cropped *kernel.Layer, options []kernel.Option, o Options) (name string) {
	coded := l.coded()
	for _, option := range options {
		if !option.Coded() && cropped.FastBytes() > s.room {
			continue
		}
		made, name := s.try(to, n, o, func(fast *op) string {
			if option.Coded() {
				if fast.linear = o.linearAs(option, cropped, layer, coded); fast.linear == nil {
					return ""
				}
				return s.count(fast.linear)
			}
			return s.prepareFast(fast, l, cropped, o, func(part *kernel.Layer) *kernel.Linear {
				return o.linearAs(option, part, part, nil)
			})
		})
		if made {
			return name
		}
	}
	return s.preparePacked(to, layer, l)
}

// Where memory is scarce, rows of inputs should take scarceShare of what it is altogether, within these limits.
const (
	scarceShare = 8
	leastRows   = 2 << 10
	mostRows    = 24 << 10
	// fewWeights are those of layers that take the fastest form at any rate.
	fewWeights = 64
)

// rowsOf is what rows of inputs of instruction n, whose weights are coded, should take; 0 where memory is no matter. What the
// arena has room for costs nothing.
func (s *ops) rowsOf(n int, coded []kernel.Coded) int {
	if s.rows == 0 || s.rooms == nil {
		return s.rows
	}
	free := s.rooms[n].free(s.tensors) - kernel.CodedNeed(coded, s.vector)
	return max(s.rows, min(free/4*3, mostRows))
}

// optionsOf are the options of l, described by layer, for which there is room; without fast only those whose weights stay coded.
func (s *ops) optionsOf(cropped, layer *kernel.Layer, l *Linear, fast bool, o Options) []kernel.Option {
	fast = fast && cropped.FastBytes() <= s.room
	return kernel.Options(cropped, layer, l.coded(), o.vector(), fast, layer.ExpandBytes() <= s.room)
}

// plan finds out, where memory is scarce, which form of every layer is best: those that take the least time altogether within
// what is spared for forms, tables and working memory.
func (s *ops) plan(p *Program, o Options) error {
	if !o.scarce || o.Kernel == kernelGeneric || o.Kernel == kernelPacked {
		return nil
	}
	all := min(s.spare, s.room)
	s.rows = int(max(leastRows, min(all/scarceShare, mostRows)))
	s.options = make([][]kernel.Option, len(p.Instrs))
	runs := p.Runs()
	for n, instr := range p.Instrs {
		if l, ok := instr.(*Linear); ok && (l.weightCount() > fewWeights || runs[n] > 1) {
			layer, err := s.describe(p, n)
			if err != nil {
				return err
			}
			layer = layer.Turned()
			s.options[n] = s.optionsOf(layer.Cropped(), layer, l, true, o)
			for i := range s.options[n] { // what counts is the time of an inference
				option := &s.options[n][i]
				option.Cost = min(option.Cost, math.MaxInt64/runs[n]) * runs[n]
			}
		}
	}
	// Estimates of tables may be too low by a part.
	c := chooser{ops: s, most: all - all/32 - int64(s.memory.Tables), lenient: o.LowMemory}
	planned := c.choose()
	s.spare = max(s.spare, min(planned, s.room))
	return nil
}
