package c

import (
	"fmt"
	"math"
	"strings"

	"qconv/runtime"
)

// describeLayer is what instruction n takes, besides constants.
func (g *generator) describeLayer(n int) Layer {
	instr := g.p.Instrs[n]
	s := g.p.Tensors[instr.Dst()].Shape
	kind := strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", instr), "*runtime."))
	runs := g.runs[n]
	l := Layer{Name: fmt.Sprintf("%d %s %dx%dx%d", n, kind, s[0], s[1], s[2]), Kernel: kind, Runs: int(runs)}
	var t tally
	elems := float64(s[0] * s[1] * s[2])
	switch i := instr.(type) {
	case *runtime.Linear:
		f := g.taken[n]
		t = f.cost(g, i)
		l.Kernel, l.Work, l.MACs = formName(f), f.work(g, i), g.p.LinearMACs(i)
	case *runtime.MaxPool:
		t[moveOne] = elems * float64(1+i.Kernel[0]*i.Kernel[1])
		if inside(i, g.p.Tensors[i.In].Shape, s) {
			t[moveOne] = elems * (1 + float64(i.Kernel[0]*i.Kernel[1])/4)
			if i.Kernel == [2]int{2, 2} {
				t[moveOne] = elems
			}
		}
	case *runtime.ArgMax:
		t[moveOne] = float64(g.p.Tensors[i.In].Elems())
	case *runtime.MatMul:
		l.Work, l.MACs = matMulWork(g.p, i), g.p.MatMulMACs(i)
		t[square], t[toLevel] = float64(l.MACs), elems
	case *runtime.Copy:
		switch {
		case steps(i):
			t[moveOne] = elems / float64(runs)
		case !g.identity(i) || g.at(i.Out) != g.at(i.Pieces[0].In):
			t[moveOne] = elems
		}
	default:
		t[moveOne] = elems
	}
	l.MACs = int(min(int64(l.MACs)*runs, math.MaxInt))
	for k := range t {
		t[k] *= float64(runs)
		g.report.Tally[k] += t[k]
	}
	l.Instructions = t.instructions(g.o.Target, g.o.Optimize)
	return l
}

// formName says how a linear layer is computed.
func formName(f form) string {
	switch f := f.(type) {
	case *tapsForm:
		if f.codes != nil {
			return "codes"
		}
		return "lists"
	case *denseForm:
		if f.nibbles {
			return "half bytes"
		}
		return "rows"
	}
	return "look-ups"
}

// codeBytes is about the size of the code of all kernels that are used.
func (g *generator) codeBytes() int {
	n := g.o.codeOf(fixedCode)
	seen := map[string]bool{}
	for _, f := range g.taken {
		if f == nil {
			continue
		}
		for _, k := range f.kernels() {
			if !seen[k] {
				seen[k] = true
				n += g.o.codeOf(k)
			}
		}
	}
	for _, k := range []string{"maxpool", "maxpool_inside", "map", "map2", "copy", "argmax", "matmul"} {
		if g.used[k] {
			n += 150
		}
	}
	return n
}
