package c

import (
	"math/bits"

	"qconv/runtime"
)

// lookupForm is a layer for kernel lookup, which suits all.
type lookupForm struct{}

func (lookupForm) work(g *generator, l *runtime.Linear) int {
	s := g.p.Tensors[l.Out].Shape
	return 4 * s[1] * s[2]
}

func (lookupForm) flash(g *generator, l *runtime.Linear) int {
	out := g.p.Tensors[l.Out].Shape
	n := 0
	for k := range l.Terms {
		t := &l.Terms[k]
		in := &g.p.Tensors[t.In]
		n += t.Weights.Len()*typeBytes[g.vars["WEIGHT"].(string)] + 4*(out[1]*t.Kernel[0]+out[2]*t.Kernel[1]) + 4*out[0] + 40
		products := len(g.p.Codebooks[t.Codebook].Centres)
		if all := products << bits.Len(uint(in.Levels-1)); all <= maxProducts {
			products = all
		}
		n += 4 * products
	}
	return n + 4*out[0] + 60
}

func (lookupForm) kernels() []string { return []string{"lookup"} }

func (lookupForm) placed(*generator, *runtime.Linear) (bool, error) { return true, nil }

// maxProducts is the largest table of products, in entries.
const maxProducts = 1 << 10

// write writes the tables of a layer.
func (lookupForm) write(g *generator, n int, l *runtime.Linear) error {
	out := g.p.Tensors[l.Out].Shape
	steps, each := g.steps(l.Steps)
	all := make([][]uint16, len(l.Terms))
	var rows []string
	for k := range l.Terms {
		t := &l.Terms[k]
		var err error
		if all[k], err = weights(t); err != nil {
			return err
		}
		in := &g.p.Tensors[t.In]
		centres := g.p.Codebooks[t.Codebook].Centres
		shift := bits.Len(uint(in.Levels - 1))
		products := centres
		if len(centres)<<shift <= maxProducts {
			products = make([]int32, len(centres)<<shift)
			for w, c := range centres {
				for x := range in.Levels {
					products[w<<shift+x] = c * int32(x-in.Zero) // a weight that is not used may exceed int32; so does the kernel
				}
			}
		} else {
			shift = 255
		}
		rows = append(rows, fields(
			add(&g.tables, "int32_t", "rows", meetings(t, 0, out[1], in.Shape[1], in.Shape[2])),
			add(&g.tables, "int32_t", "columns", meetings(t, 1, out[2], in.Shape[2], 1)),
			add(&g.tables, "int32_t", "products", products),
			in.Shape[0]/t.Groups, in.Shape[1]*in.Shape[2], t.Kernel[0], t.Kernel[1], in.Shape[0]/t.Groups*t.Kernel[0]*t.Kernel[1], in.Zero, shift))
	}
	var order []uint16
	var sources []int
	for o := range out[0] {
		for k := range l.Terms {
			t := &l.Terms[k]
			in := g.p.Tensors[t.In].Shape
			taps := len(all[k]) / out[0]
			order = append(order, all[k][o*taps:][:taps]...)
			sources = append(sources, g.at(t.In)+o/(out[0]/t.Groups)*(in[0]/t.Groups)*in[1]*in[2])
		}
	}
	terms := g.tables.structs("q_lookup_term", "terms", g.o.Target.size(3, 24), rows)
	g.use("product")
	g.call("lookup", fields(terms, add(&g.tables, g.vars["WEIGHT"].(string), "weights", order), add(&g.tables, "uint32_t", "sources", sources),
		add(&g.tables, g.vars["BIAS"].(string), "bias", l.Bias), steps, len(l.Terms), out[0], out[1], out[2], out[1]*out[2],
		g.arena.work[n], g.at(l.Out), each), g.o.Target.size(5, 32))
	return nil
}

// meetings lists, for every output coordinate along axis a and every kernel coordinate, the input coordinate times scale, or -1.
func meetings(t *runtime.Term, a, outputs, inputs, scale int) []int {
	var list []int
	for y := range outputs {
		for k := range t.Kernel[a] {
			v := y*t.Stride[a] - t.Pad[a] + k*t.Dilation[a]
			if v < 0 || v%t.Up[a] != 0 || v/t.Up[a] >= inputs {
				list = append(list, -1)
				continue
			}
			list = append(list, v/t.Up[a]*scale)
		}
	}
	return list
}
