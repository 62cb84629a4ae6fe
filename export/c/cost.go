package c

import (
	"math"
	"math/bits"

	"qconv/runtime"
)

// What kernels do, by which instructions are estimated.
const (
	addFour    = iota // a row of four words is added
	addOne            // a row of one word
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
	moveOne      // an element of another instruction, an element of a window of a pooling, an input
	things
)

// tally counts what kernels do.
type tally [things]float64

// rates are how many instructions each thing takes.
type rates tally

// rateOf are the rates by machine: fitted to counts of the networks of test data and others. See ctest/cmd/measure.
var rateOf = map[Target]rates{
	CortexM0: {addFour: 11, addOne: 4, addNibbles: 18, spreadFour: 26, spreadOne: 7, listFour: 24, listOne: 18, passWord: 32, toLevel: 20,
		fillLevel: 4, fillRow: 25, expandWeight: 25, expandBit: 13, sortInput: 25, sortRow: 15, lookUp: 25, multiply: 80, moveOne: 14},
	RV32I: {addFour: 10, addOne: 4, addNibbles: 16, spreadFour: 16, spreadOne: 5, listFour: 16, listOne: 14, passWord: 24, toLevel: 14,
		fillLevel: 4, fillRow: 20, expandWeight: 22, expandBit: 12, sortInput: 20, sortRow: 12, lookUp: 20, multiply: 70, moveOne: 12},
	RV32E: {addFour: 13, addOne: 4, addNibbles: 20, spreadFour: 26, spreadOne: 6, listFour: 20, listOne: 16, passWord: 30, toLevel: 18,
		fillLevel: 4, fillRow: 25, expandWeight: 25, expandBit: 13, sortInput: 25, sortRow: 15, lookUp: 25, multiply: 80, moveOne: 14},
	AVR: {lookUp: 80, multiply: 200, toLevel: 60, moveOne: 40},
}

// instructions is what t takes on a machine, about.
func (t *tally) instructions(target Target) int {
	if target == Generic {
		target = RV32I
	}
	r, n := rateOf[target], 0.0
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
	t[passWord] += (4*fours + ones) * float64(f.out[0])
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
		for first := 0; first < term.inputs; first += term.chunk {
			inputs := min(term.chunk, term.inputs-first)
			rows := g.digitsOf(l.Terms[k].In) * float64(inputs)
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

// digitsOf is the mean number of digits, of those that are not zero, of the levels of a tensor, each less the one worth zero. It
// is found by running the network on inputs of self-tests.
func (g *generator) digitsOf(tensor int) float64 {
	if n, known := g.density[tensor]; known {
		return n
	}
	if g.density == nil {
		g.density = map[int]float64{}
	}
	t := &g.p.Tensors[tensor]
	p := *g.p
	p.Outputs, p.SelfTests, p.Normalizations = []runtime.Output{{Name: "x", Tensor: tensor}}, nil, nil
	var levels []int32
	if r, err := runtime.NewRunner(&p, runtime.Options{}); err == nil {
		if outs, err := r.RunLevels(p.GenerateInputs(1)...); err == nil {
			levels = outs[0]
		}
		r.Close()
	}
	if levels == nil { // as if every level were as likely
		for x := range t.Levels {
			levels = append(levels, int32(x))
		}
	}
	n := 0
	for _, x := range levels {
		plus, minus := digits(int64(x) - int64(t.Zero))
		n += bits.OnesCount64(plus | minus)
	}
	g.density[tensor] = float64(n) / float64(len(levels))
	return g.density[tensor]
}
