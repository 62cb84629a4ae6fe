package differential

import (
	"fmt"
	"math"
	"reflect"
	"runtime/debug"
	"slices"
	"unsafe"

	"qconv/runtime"
	"qconv/runtime/internal/coding"
	"qconv/runtime/internal/kernel"
)

// mismatch says what was computed wrongly by whom.
type mismatch struct {
	engine, what string
}

func (m *mismatch) String() string { return m.engine + ": " + m.what }

// guarded calls f and turns a panic, and an access outside all memory, into a mismatch.
func guarded(engine string, f func() *mismatch) (m *mismatch) {
	debug.SetPanicOnFault(true)
	defer func() {
		if r := recover(); r != nil {
			m = &mismatch{engine, fmt.Sprintf("panic: %v\n%s", r, debug.Stack())}
		}
	}()
	return f()
}

// linear is what the kernels for linear layers have in common.
type linear interface {
	Need() kernel.Need
	Run(dst []byte, out []int32, src [][]byte, s *kernel.Scratch)
}

// engine is a kernel on an instruction set.
type engine struct {
	name string // of the kernel
	set  string // "any" where it has no vectors
	make func(l *kernel.Layer) (linear, error)
}

func (e engine) String() string { return e.name + "/" + e.set }

// sortedBytes limits the matrix of weights of a sorted kernel.
const sortedBytes = 1 << 18

// engines lists all kernels for linear layers on all instruction sets.
func engines() []engine {
	list := []engine{
		{"lookup", "any", func(l *kernel.Layer) (linear, error) { return kernel.NewLookup(l), nil }},
		{"products", "any", func(l *kernel.Layer) (linear, error) { return kernel.NewProducts(l, math.MaxInt, kernel.Portable) }},
		{"pooled", "any", func(l *kernel.Layer) (linear, error) { return kernel.NewPooled(l) }},
	}
	for _, v := range kernel.Available() {
		if kernel.LittleEndian {
			list = append(list,
				engine{"grouped", v.String(), func(l *kernel.Layer) (linear, error) { return kernel.NewGrouped(l, math.MaxInt, v) }},
				engine{"sorted", v.String(), func(l *kernel.Layer) (linear, error) {
					return kernel.NewSorted(l, sortedBytes, math.MaxInt, v)
				}},
				engine{"patched", v.String(), func(l *kernel.Layer) (linear, error) {
					return kernel.NewPatched(l, sortedBytes, math.MaxInt, v)
				}},
				engine{"expanded", v.String(), func(l *kernel.Layer) (linear, error) {
					tight := *l
					tight.Rows = 1 << 10
					return kernel.NewExpanded(&tight, coded(l), math.MaxInt, v)
				}})
		}
		if v != kernel.Portable {
			list = append(list, engine{"depthwise", v.String(), func(l *kernel.Layer) (linear, error) {
				return kernel.NewDepthwise(l, math.MaxInt, v)
			}})
		}
	}
	return list
}

// coded are the weights of l as a program has them.
func coded(l *kernel.Layer) (list []kernel.Coded) {
	for i := range l.Terms {
		t := &l.Terms[i]
		kind, data := coding.Pack(t.Weights, len(t.Centres))
		list = append(list, kernel.Coded{Kind: kind, Data: data, Count: len(t.Weights), Size: len(t.Centres)})
	}
	return list
}

// check runs l over src, unless it does not suit, and compares the results. Whatever e may not write
// or must not depend on holds garbage.
func (e engine) check(l *kernel.Layer, src [][]int32, want []int32) (suits bool, m *mismatch) {
	m = guarded(e.String(), func() *mismatch {
		k, err := e.make(l)
		if err != nil {
			return nil
		}
		suits = true
		s, overrun := soiled(k.Need())
		var in [][]byte
		var around []*surrounded[byte]
		for _, x := range src {
			a := surround[byte](len(x), kernel.Margin)
			for i, v := range x {
				a.inner[i] = byte(v)
			}
			in, around = append(in, a.inner), append(around, a)
		}
		levels, accs := surround[byte](len(want), kernel.Margin), surround[int32](len(want), 16)
		var got []int32
		if len(l.Steps) == 0 {
			k.Run(nil, accs.inner, in, s)
			got = accs.inner
		} else {
			k.Run(levels.inner, nil, in, s)
			for _, v := range levels.inner {
				got = append(got, int32(v))
			}
		}
		if d := difference(got, want); d != "" {
			return &mismatch{e.String(), d}
		}
		if !levels.intact() || !accs.intact() {
			return &mismatch{e.String(), "wrote outside its output"}
		}
		for i, a := range around {
			for j, v := range src[i] {
				if int32(a.inner[j]) != v {
					return &mismatch{e.String(), fmt.Sprintf("wrote element %d of input %d", j, i)}
				}
			}
			if !a.intact() {
				return &mismatch{e.String(), fmt.Sprintf("wrote beside input %d", i)}
			}
		}
		if part := overrun(); part != "" {
			return &mismatch{e.String(), "wrote behind the " + part + " of its scratch"}
		}
		return nil
	})
	return suits, m
}

// difference tells the first element in which got is not want.
func difference(got, want []int32) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d elements, want %d", len(got), len(want))
	}
	for i, v := range got {
		if v != want[i] {
			return fmt.Sprintf("element %d of %d is %d, want %d", i, len(want), v, want[i])
		}
	}
	return ""
}

const garbage = 0xA5

// surrounded is memory with garbage on both sides.
type surrounded[T byte | int32] struct {
	all, inner []T
}

func surround[T byte | int32](n, margin int) *surrounded[T] {
	s := &surrounded[T]{all: make([]T, n+2*margin)}
	for i := range s.all {
		s.all[i] = garbage
	}
	s.inner = s.all[margin : margin+n : margin+n]
	return s
}

func (s *surrounded[T]) intact() bool {
	margin := (len(s.all) - len(s.inner)) / 2
	for i := range margin {
		if s.all[i] != garbage || s.all[len(s.all)-1-i] != garbage {
			return false
		}
	}
	return true
}

// behind is the number of elements behind what a kernel needs of every part of its scratch.
const behind = 16

// soiled is a Scratch full of garbage with more than n of everything; overrun names a part of
// which more has been written.
func soiled(n kernel.Need) (s *kernel.Scratch, overrun func() string) {
	n.Rows, n.Lanes, n.Acc, n.List, n.Line = n.Rows+behind, n.Lanes+behind, n.Acc+behind, n.List+behind, n.Line+behind
	s = kernel.NewScratch(n)
	names, ends := []string{}, [][]byte{}
	for i, v := 0, reflect.ValueOf(s).Elem(); i < v.NumField(); i++ {
		f := v.Field(i)
		if f.Kind() != reflect.Slice || f.Len() < behind {
			continue
		}
		size := int(f.Type().Elem().Size())
		all := unsafe.Slice((*byte)(f.UnsafePointer()), f.Len()*size)
		for i := range all {
			all[i] = garbage
		}
		names, ends = append(names, v.Type().Field(i).Name), append(ends, all[len(all)-behind*size:])
	}
	return s, func() string {
		for i, end := range ends {
			for _, b := range end {
				if b != garbage {
					return names[i]
				}
			}
		}
		return ""
	}
}

// way is a way to run a program.
type way struct {
	name    string
	options runtime.Options
}

// ways lists the ways to run a program: every instruction set, look-ups, little memory, several workers.
func ways() []way {
	var list []way
	for _, v := range kernel.Available() {
		list = append(list, way{"runner/" + v.String(), runtime.Options{Kernel: v.String()}})
	}
	if best := kernel.Best().String(); kernel.Best() != kernel.Portable {
		list = append(list, way{"workers/" + best, runtime.Options{Kernel: best, Workers: 3, PartMACs: 1}})
	}
	return append(list,
		way{"workers/portable", runtime.Options{Kernel: "portable", Workers: 2, PartMACs: 1}},
		way{"packed/any", runtime.Options{Kernel: "packed"}},
		way{"low memory/any", runtime.Options{LowMemory: true}},
		way{"generic/any", runtime.Options{Kernel: "generic", Workers: 7, PartMACs: 1}},
	)
}

// check runs p several times in way w on the first step of a stream and those behind it, and returns the kernel of every instruction.
func (w way) check(p *runtime.Program, steps [][][]byte, want [][][]int32) (kernels []string, m *mismatch) {
	m = guarded(w.name, func() *mismatch {
		r, err := runtime.NewRunner(p, w.options)
		if err != nil {
			return &mismatch{w.name, err.Error()}
		}
		defer r.Close()
		for _, l := range r.Layers() {
			kernels = append(kernels, l.Kernel)
		}
		alone := r.Clone() // without helpers first, whose panics nobody could recover
		alone.Close()
		for _, r := range []*runtime.Runner{alone, r, r} {
			r.Reset()
			for n, indices := range steps {
				got, err := r.StepLevels(indices...)
				if err != nil {
					return &mismatch{w.name, err.Error()}
				}
				if d := outputsDifference(got, want[n]); d != "" {
					return &mismatch{w.name, fmt.Sprintf("step %d: %s", n, d)}
				}
			}
		}
		got, err := r.RunLevels(steps[0]...)
		if err != nil {
			return &mismatch{w.name, err.Error()}
		}
		if d := outputsDifference(got, want[0]); d != "" {
			return &mismatch{w.name, d}
		}
		return nil
	})
	return kernels, m
}

func outputsDifference(got, want [][]int32) string {
	for i := range want {
		if d := difference(got[i], want[i]); d != "" {
			return fmt.Sprintf("output %d: %s", i, d)
		}
	}
	return ""
}

// checkBatch runs samples through a Batch, which are bytes that go through the tables of p.
func checkBatch(p *runtime.Program, samples [][]byte, want [][][]int32) *mismatch {
	const name = "batch/any"
	return guarded(name, func() *mismatch {
		b, err := runtime.NewBatch(p, runtime.Options{Workers: 2})
		if err != nil {
			return &mismatch{name, err.Error()}
		}
		defer b.Close()
		var m *mismatch
		err = b.Run(samples, func(i int, got [][]int32) error {
			if d := outputsDifference(got, want[i]); d != "" && m == nil {
				m = &mismatch{name, fmt.Sprintf("sample %d: %s", i, d)}
			}
			return nil
		})
		if err != nil {
			return &mismatch{name, err.Error()}
		}
		return m
	})
}

// entered is what the input tensors of p hold for a sample, by the definition of runtime.Input.
func entered(p *runtime.Program, sample []byte) [][]byte {
	parts := inputs(p, slices.Clone(sample))
	for k, part := range inputs(p, sample) {
		in := &p.Inputs[k]
		shape := p.Tensors[in.Tensor].Shape
		plane := shape[1] * shape[2]
		for c := range shape[0] {
			for i := range plane {
				v := part[c*plane+i]
				if in.Interleaved {
					v = part[i*shape[0]+c]
				}
				if n := len(in.Tables); n > 0 {
					v = in.Tables[min(c, n-1)][v]
				}
				parts[k][c*plane+i] = v
			}
		}
	}
	return parts
}
