package c

import (
	"math"
	"math/bits"

	"qconv/runtime"
)

// What kernels do, by which instructions are estimated.
const (
	addFour    = iota // a row of four words is added
	addOne            // a row of one word, or a number times a digit of a constant
	addNibbles        // a row of two words of half bytes
	spreadFour        // lanes of four words become halves
	spreadOne
	listFour // a list begins
	listOne
	passWord     // the sums of a word become accumulators
	passPart     // and those of a word of a fully connected layer are added to what is there
	toLevel      // an accumulator becomes a level
	fillLevel    // a level of a tile is written
	fillRow      // a row of a tile begins
	expandWeight // a code becomes rows of lists
	expandBit    // a bit of a code of Huffman
	sortInput    // an input goes to its lists
	sortRow      // for each of them
	lookUp       // a product is looked up
	multiply     // a product is computed by additions
	square       // a product is the difference of two quarter squares
	moveOne      // an element of another instruction, an element of a window of a pooling, an input
	things
)

// tally counts what kernels do.
type tally [things]float64

// rates are how many instructions each thing takes.
type rates tally

// rateOf are the rates by machine and goal: fitted to counts of the networks of test data and others. See ctest/cmd/measure.
var rateOf = map[Target]map[Goal]rates{
	CortexM0: {
		Speed: {addFour: 14.1, addOne: 6, addNibbles: 22, spreadFour: 22.4, spreadOne: 7, listFour: 13, listOne: 19.2, passWord: 51.9, passPart: 73.7,
			toLevel: 10, fillLevel: 11, fillRow: 51.5, expandWeight: 25, expandBit: 14, sortInput: 15, sortRow: 10, lookUp: 37.2, multiply: 45, square: 13, moveOne: 35.2},
		Size: {addFour: 11.9, addOne: 4.25, addNibbles: 19.8, spreadFour: 49.3, spreadOne: 5.64, listFour: 28.6, listOne: 16, passWord: 38.6, passPart: 162,
			toLevel: 21.8, fillLevel: 5.5, fillRow: 41, expandWeight: 45.8, expandBit: 30.8, sortInput: 33, sortRow: 22, lookUp: 37.2, multiply: 45, square: 13, moveOne: 77.4},
	},
	RV32I: {
		Speed: {addFour: 15.9, addOne: 4, addNibbles: 21, spreadFour: 8, spreadOne: 5, listFour: 19.6, listOne: 15, passWord: 27.8, passPart: 47.8,
			toLevel: 7.86, fillLevel: 4.06, fillRow: 17.9, expandWeight: 22, expandBit: 13, sortInput: 12.5, sortRow: 7.5, lookUp: 28.3, multiply: 40, square: 11, moveOne: 26.2},
		Size: {addFour: 16.5, addOne: 4, addNibbles: 38.4, spreadFour: 8.45, spreadOne: 5, listFour: 20.3, listOne: 15, passWord: 27.4, passPart: 50.4,
			toLevel: 7.98, fillLevel: 3.91, fillRow: 17.8, expandWeight: 25.9, expandBit: 17.4, sortInput: 13.7, sortRow: 8.23, lookUp: 28.3, multiply: 40, square: 11, moveOne: 25.2},
	},
	RV32E: {
		Speed: {addFour: 15.7, addOne: 3.98, addNibbles: 22, spreadFour: 32, spreadOne: 5.71, listFour: 22.7, listOne: 13.4, passWord: 31, passPart: 48.9,
			toLevel: 26.3, fillLevel: 6.64, fillRow: 32.9, expandWeight: 25, expandBit: 14, sortInput: 23.6, sortRow: 12.8, lookUp: 34.7, multiply: 90, square: 11, moveOne: 16.6},
		Size: {addFour: 13.9, addOne: 3.79, addNibbles: 42.5, spreadFour: 38.7, spreadOne: 5.62, listFour: 23.2, listOne: 12.9, passWord: 30, passPart: 52.2,
			toLevel: 26.6, fillLevel: 5.7, fillRow: 31.9, expandWeight: 32.4, expandBit: 21.5, sortInput: 28.5, sortRow: 15.4, lookUp: 34.7, multiply: 90, square: 11, moveOne: 15.1},
	},
	AVR: {
		Speed: {lookUp: 80, multiply: 200, square: 40, toLevel: 60, moveOne: 40},
		Size:  {lookUp: 80, multiply: 200, square: 40, toLevel: 60, moveOne: 40},
	},
}

// instructions is what t takes on a machine, about.
func (t *tally) instructions(target Target, goal Goal) int {
	if target == Generic {
		target = RV32I
	}
	r, n := rateOf[target][goal], 0.0
	for i, x := range t {
		n += x * r[i]
	}
	return int(n)
}

// lists counts what a list of n rows takes for every four words, and for every single one.
func (t *tally) list(n, group int, fours, ones float64) {
	spreads, begun := float64((n+group-1)/group), 1.0
	if n == 0 {
		begun = emptyList
	}
	t[addFour] += fours * float64(n)
	t[spreadFour] += fours * spreads
	t[listFour] += fours * begun
	t[addOne] += ones * float64(n)
	t[spreadOne] += ones * spreads
	t[listOne] += ones * begun
}

// emptyList is what an empty list takes of what one with rows takes to begin, and skipped what a tap beside the input takes of a product.
const emptyList, skipped = 0.2, 0.4

func (lookupForm) cost(g *generator, l *runtime.Linear) tally {
	var t tally
	out := g.p.Tensors[l.Out].Shape
	positions := float64(out[1] * out[2])
	for k := range l.Terms {
		term := &l.Terms[k]
		thing := lookUp
		if len(g.p.Codebooks[term.Codebook].Centres)<<bits.Len(uint(g.p.Tensors[term.In].Levels-1)) > maxProducts {
			thing = multiply
		}
		in := g.p.Tensors[term.In].Shape
		met := 1.0 // of the taps, those that meet the input
		for a := range 2 {
			list, n := meetings(term, a, out[1+a], in[1+a], 1), 0
			for _, v := range list {
				if v >= 0 {
					n++
				}
			}
			met *= float64(n) / float64(len(list))
		}
		taps := float64(term.Weights.Len()) * positions
		t[thing] += taps * met
		t[lookUp] += taps * (1 - met) * skipped
	}
	t[toLevel] += positions * float64(out[0])
	return t
}

func (f *tapsForm) cost(g *generator, l *runtime.Linear) tally {
	var t tally
	tiles := (f.out[1] + f.height - 1) / f.height
	tail := f.out[1] - (tiles-1)*f.height
	words, last := f.height*f.pitch/4, tail*f.pitch/4
	fours, ones := float64(words/4*(tiles-1)+last/4), float64(words%4*(tiles-1)+last%4)
	for _, n := range f.lengths {
		t.list(n, f.group, fours, ones)
	}
	t[passWord] += (4*fours + 3*ones) * float64(f.out[0]) // what comes around a pass weighs as much as three words
	t[toLevel] += float64(f.out[0] * f.out[1] * f.pitch)
	if !f.direct {
		bytes := f.tileBytes(f.height) * tiles * f.groups
		t[fillLevel] += float64(bytes)
		t[fillRow] += float64(bytes / f.pitch)
	}
	if f.codes != nil {
		for k := range f.terms {
			t[expandWeight] += float64(l.Terms[f.terms[k].term].Weights.Len() * tiles)
			if f.codes.terms[k].lengths != nil {
				t[expandBit] += 3.3 * float64(l.Terms[f.terms[k].term].Weights.Len()*tiles)
			}
		}
	}
	return t
}

func (f *denseForm) cost(g *generator, l *runtime.Linear) tally {
	var t tally
	fours, ones := float64(f.words/4), float64(f.words%4)
	t[toLevel] += float64(f.outputs)
	for k := range f.terms {
		term := &f.terms[k]
		if term.single != nil {
			t[addOne] += float64(f.outputs * (1 + term.scaleDigits()))
			if !term.same() {
				t[multiply] += float64(f.outputs)
			}
			continue
		}
		if _, scaled := term.scale(); scaled {
			chunks := (term.inputs + term.chunk - 1) / term.chunk
			t[addOne] += float64(4 * f.words * (1 + term.scaleDigits()) * chunks)
		}
		for first := 0; first < term.inputs; first += term.chunk {
			inputs := min(term.chunk, term.inputs-first)
			rows := g.digitsOf(l.Terms[term.term].In) * float64(inputs)
			lists := float64(2 * term.planes)
			spreads := rows / float64(f.group)
			begun := lists * (1 - math.Exp(-rows/lists)) // lists that are not empty
			if f.group > 1 {
				spreads += begun / 2 // half of a group is left on average
			}
			lists = begun + emptyList*(lists-begun)
			t[addFour] += fours * rows
			t[spreadFour] += fours * spreads
			t[listFour] += fours * lists
			t[addOne] += ones * rows
			t[spreadOne] += ones * spreads
			t[listOne] += ones * lists
			t[passPart] += (4*fours + ones) * float64(len(term.parts))
			t[sortInput] += float64(inputs)
			t[sortRow] += rows
		}
	}
	if f.nibbles {
		t[addNibbles], t[addFour] = t[addFour], 0
	}
	return t
}

// digitsOf is the mean number of digits, of those that are not zero, of the levels of a tensor, each less the one worth zero.
func (g *generator) digitsOf(tensor int) float64 {
	if g.density == nil {
		g.measureDigits()
	}
	return g.density[tensor]
}

// measureDigits runs the network on the input of a self-test and looks at what enters fully connected layers, in the last iteration of a loop. Where it
// cannot be run, it is as if every level were as likely.
func (g *generator) measureDigits() {
	g.density = map[int]float64{}
	p := *g.p
	p.Outputs, p.SelfTests, p.Normalizations = nil, nil, nil
	for _, n := range g.linears() {
		l := g.p.Instrs[n].(*runtime.Linear)
		if s := g.p.Tensors[l.Out].Shape; s[1]*s[2] != 1 {
			continue
		}
		for _, t := range l.Srcs() {
			if _, known := g.density[t]; !known {
				g.density[t] = 0
				p.Outputs = append(p.Outputs, runtime.Output{Name: "x", Tensor: t})
			}
		}
	}
	var outs [][]int32
	if r, err := runtime.NewRunner(&p, runtime.Options{}); err == nil {
		outs, _ = r.RunGenerated(1)
		defer r.Close() // what it gives belongs to it
	}
	for i, o := range p.Outputs {
		t := &g.p.Tensors[o.Tensor]
		var levels []int32
		if outs != nil {
			levels = outs[i]
		} else {
			for x := range t.Levels {
				levels = append(levels, int32(x))
			}
		}
		n := 0
		for _, x := range levels {
			plus, minus := digits(int64(x) - int64(t.Zero))
			n += bits.OnesCount64(plus | minus)
		}
		g.density[o.Tensor] = float64(n) / float64(len(levels))
	}
}
