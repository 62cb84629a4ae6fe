package c

import (
	"fmt"
	"slices"

	"qconv/runtime"
)

// instructions is about how many instructions layer n takes in a form, in all iterations of a loop.
func (g *generator) instructions(f form, n int) int {
	t := f.cost(g, g.linear(n))
	return t.instructions(g.o.Target, g.o.Optimize) * int(g.runs[n])
}

// linear is instruction n.
func (g *generator) linear(n int) *runtime.Linear { return g.p.Instrs[n].(*runtime.Linear) }

// codeBytes is about the size of the code of kernels on a Cortex-M0, in bytes, as GCC makes it with -O2 and -Os.
var codeBytes = map[Goal]map[string]int{
	Speed: {"lookup": 500, "sum": 2500, "taps": 1300, "dense": 1000, "nibbles": 1200, "codes": 600, fixedCode: 600},
	Size:  {"lookup": 400, "sum": 1200, "taps": 800, "dense": 700, "nibbles": 250, "codes": 500, fixedCode: 450},
}

// fixedCode names what every network has: entering the input, the run, the self-test.
const fixedCode = ""

// codeOf is the size of the code of a kernel by its name, of which the number of rows is no matter. Instructions of RISC-V take four
// bytes each, without the extension that makes them short.
func (o Options) codeOf(kernel string) int {
	n := codeBytes[o.Optimize][stem(kernel)]
	if o.Target == CortexM0 {
		return n
	}
	return n * 3 / 2
}

func stem(kernel string) string {
	for len(kernel) > 0 && kernel[len(kernel)-1] <= '9' {
		kernel = kernel[:len(kernel)-1]
	}
	return kernel
}

// choose takes a form for every layer: the fastest, or those that take the least flash together and not more than slowest times as
// long.
func (g *generator) choose(forms [][]form) {
	layers := g.linears()
	if g.o.Optimize == Speed {
		for _, n := range layers {
			g.taken[n] = slices.MinFunc(forms[n], func(a, b form) int { return g.instructions(a, n) - g.instructions(b, n) })
		}
		g.shrink(forms, layers)
		return
	}
	// The code of a kernel that only small layers need is not worth it: every set of kernels is tried.
	var kernels []string
	for _, n := range layers {
		for _, f := range forms[n] {
			if k := fmt.Sprint(f.kernels()); !slices.Contains(kernels, k) {
				kernels = append(kernels, k)
			}
		}
	}
	fastest := 0
	for _, n := range layers {
		least := g.instructions(forms[n][0], n)
		for _, f := range forms[n] {
			least = min(least, g.instructions(f, n))
		}
		fastest += least
	}
	least, found := 0, false
	for set := 1; set < 1<<min(len(kernels), maxSets); set++ {
		taken, bytes, time := g.within(forms, layers, kernels, set)
		if taken != nil && (!found || bytes < least) && time <= slowest*fastest {
			g.taken, least, found = taken, bytes, true
		}
	}
	if !found { // there are very many kernels
		for _, n := range layers {
			l := g.linear(n)
			g.taken[n] = slices.MinFunc(forms[n], func(a, b form) int { return a.flash(g, l) - b.flash(g, l) })
		}
	}
	g.shrink(forms, layers) // whatever time that takes
}

// shrink takes smaller forms until all together, with their code, take no more than the flash that there is: first those that save most
// for the time that they lose.
func (g *generator) shrink(forms [][]form, layers []int) {
	for g.spare > 0 {
		bytes, code := 0, map[string]bool{}
		for _, n := range layers {
			bytes += g.taken[n].flash(g, g.linear(n))
			for _, k := range g.taken[n].kernels() {
				code[k] = true
			}
		}
		for k := range code {
			bytes += g.o.codeOf(k)
		}
		if bytes <= g.spare {
			return
		}
		at, to, best := -1, form(nil), 0.0
		for _, n := range layers {
			l := g.linear(n)
			have, time := g.taken[n].flash(g, l), g.instructions(g.taken[n], n)
			for _, f := range forms[n] {
				saved, lost := have-f.flash(g, l), g.instructions(f, n)-time
				if worth := float64(saved) / float64(max(1, lost)); saved > 0 && worth > best {
					at, to, best = n, f, worth
				}
			}
		}
		if at < 0 {
			g.least = true
			return
		}
		g.taken[at] = to
	}
}

// slowest is how many times as long as the fastest forms those of least flash may take.
const slowest = 3

// maxSets is the most kernels of which all sets are tried.
const maxSets = 10

// within takes the form of least flash for every layer, of those whose kernels are in the set; nil where a layer has none.
func (g *generator) within(forms [][]form, layers []int, kernels []string, set int) (taken []form, bytes, time int) {
	taken = make([]form, len(forms))
	code := map[string]bool{}
	for _, n := range layers {
		l := g.linear(n)
		least := 0
		for _, f := range forms[n] {
			if k := slices.Index(kernels, fmt.Sprint(f.kernels())); set>>k&1 == 0 {
				continue
			}
			if b := f.flash(g, l); taken[n] == nil || b < least {
				taken[n], least = f, b
			}
		}
		if taken[n] == nil {
			return nil, 0, 0
		}
		bytes += least
		time += g.instructions(taken[n], n)
		for _, k := range taken[n].kernels() {
			if !code[k] {
				code[k] = true
				bytes += g.o.codeOf(k)
			}
		}
	}
	return taken, bytes, time
}

// linears lists the positions of the linear instructions.
func (g *generator) linears() []int {
	var list []int
	for n, i := range g.p.Instrs {
		if _, ok := i.(*runtime.Linear); ok {
			list = append(list, n)
		}
	}
	return list
}
