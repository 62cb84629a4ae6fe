package c

import (
	"fmt"
	"math/bits"
	"slices"

	"qconv/runtime"
)

// costs of the forms; see rates.

func (lookupForm) cost(g *generator, l *runtime.Linear) int {
	r := rateOf(g.o.Target).lookup
	n := 0.0
	for k := range l.Terms {
		t := &l.Terms[k]
		out := g.p.Tensors[l.Out].Shape
		each := r
		if len(g.p.Codebooks[t.Codebook].Centres)<<bits.Len(uint(g.p.Tensors[t.In].Levels-1)) > maxProducts {
			each *= 3 // products are computed
		}
		n += each * float64(t.Weights.Len()) * float64(out[1]*out[2])
	}
	return int(n)
}

// passes are the words of a tile in groups of four, and those that are left.
func passes(words int) (four, one int) { return words / 4, words % 4 }

func (f *tapsForm) cost(g *generator, l *runtime.Linear) int {
	r := rateOf(g.o.Target)
	tiles := (f.out[1] + f.height - 1) / f.height
	tail := f.out[1] - (tiles-1)*f.height
	fours, ones := passes(f.height * f.pitch / 4)
	lastFours, lastOnes := passes(tail * f.pitch / 4)
	fours, ones = fours*(tiles-1)+lastFours, ones*(tiles-1)+lastOnes
	lists := float64(2 * f.planes * f.out[0])
	rows := float64(f.additions)
	n := float64(fours)*(rows*r.add4+lists*r.list4+rows/float64(f.group)*r.spread4+float64(f.out[0])*4*r.pass) +
		float64(ones)*(rows*r.add1+lists*r.list1+rows/float64(f.group)*r.spread1+float64(f.out[0])*r.pass) +
		float64(f.out[0]*f.out[1]*f.pitch)*r.level
	if !f.direct {
		bytes := f.tileBytes(f.height) * tiles * f.groups
		n += float64(bytes)*r.fill + float64(bytes/f.pitch)*r.fillRow
	}
	if f.codes != nil {
		weights := 0
		for k := range l.Terms {
			weights += l.Terms[k].Weights.Len()
		}
		n += float64(weights*tiles) * r.expand
	}
	return int(n)
}

func (f *denseForm) cost(g *generator, l *runtime.Linear) int {
	r := rateOf(g.o.Target)
	four, one := passes(f.words)
	n := float64(f.outputs) * r.level
	for k := range f.terms {
		t := &f.terms[k]
		// A level has a digit that is not zero in every third place, if levels are evenly spread.
		rows := float64(t.inputs) * t.digitsOf()
		chunks := (t.inputs + t.chunk - 1) / t.chunk
		add := r.add4
		if f.nibbles {
			add = r.addNibbles
		}
		lists := float64(2 * t.planes * chunks)
		parts := float64(len(t.parts) * chunks)
		n += float64(four)*(rows*add+lists*r.list4+rows/float64(f.group)*r.spread4+parts*4*r.pass) +
			float64(one)*(rows*r.add1+lists*r.list1+rows/float64(f.group)*r.spread1+parts*r.pass) +
			(float64(t.inputs)+rows)*r.sort
	}
	return int(n)
}

// digitsOf is the mean number of digits of a level.
func (t *denseTerm) digitsOf() float64 {
	n := 0
	for _, list := range t.digits {
		if list != noList {
			n++
		}
	}
	return float64(n<<t.shift) / float64(len(t.digits))
}

// codeBytes is about the size of the code of kernels, in bytes, as compilers make it with -Os.
var codeBytes = map[string]int{"lookup": 700, "sum": 1700, "taps": 1200, "dense": 1000, "nibbles": 700, "codes": 450}

// codeOf is the size of the code of a kernel by its name, of which the number of rows is no matter.
func codeOf(kernel string) int {
	return codeBytes[stem(kernel)]
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
			l := g.p.Instrs[n].(*runtime.Linear)
			g.taken[n] = slices.MinFunc(forms[n], func(a, b form) int { return a.cost(g, l) - b.cost(g, l) })
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
		l := g.p.Instrs[n].(*runtime.Linear)
		least := forms[n][0].cost(g, l)
		for _, f := range forms[n] {
			least = min(least, f.cost(g, l))
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
	g.least = true
	if !found { // there are very many kernels
		for _, n := range layers {
			l := g.p.Instrs[n].(*runtime.Linear)
			g.taken[n] = slices.MinFunc(forms[n], func(a, b form) int { return a.flash(g, l) - b.flash(g, l) })
		}
	}
}

// shrink takes smaller forms until all together, with their code, take no more than the flash that there is: first those that save most
// for the time that they lose.
func (g *generator) shrink(forms [][]form, layers []int) {
	for g.spare > 0 {
		bytes, code := 0, map[string]bool{}
		for _, n := range layers {
			bytes += g.taken[n].flash(g, g.p.Instrs[n].(*runtime.Linear))
			for _, k := range g.taken[n].kernels() {
				code[k] = true
			}
		}
		for k := range code {
			bytes += codeOf(k)
		}
		if bytes <= g.spare {
			return
		}
		at, to, best := -1, form(nil), 0.0
		for _, n := range layers {
			l := g.p.Instrs[n].(*runtime.Linear)
			have, time := g.taken[n].flash(g, l), g.taken[n].cost(g, l)
			for _, f := range forms[n] {
				saved, lost := have-f.flash(g, l), f.cost(g, l)-time
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
		l := g.p.Instrs[n].(*runtime.Linear)
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
		time += taken[n].cost(g, l)
		for _, k := range taken[n].kernels() {
			if !code[k] {
				code[k] = true
				bytes += codeOf(k)
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
