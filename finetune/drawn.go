package finetune

import (
	"math"
	"slices"

	"qconv/finetune/internal/kernel"
	"qconv/onnx"
	"qconv/quant"

	G "gorgonia.org/gorgonia"
)

// drawn are weights in training that are drawn from centres in training: either the centres are free, or they are integers times a unit, and that is
// trained.
type drawn struct {
	value   *onnx.Value // holds the masters during training
	ints    []int32
	bits    int       // of free centres as integers
	centres []float32 // ascending; nil where the unit is trained
	logUnit []float32 // nil where centres are
	still   int       // the centre that stays at zero, or -1
	zero    []bool    // weights that stay zero, or nil
	at      []uint16  // of every weight, in the last pass
	taken   []float32 // the centres of the last pass
}

// weights lays a tensor's weights.
func (d *distiller) weights(tp *tape, v *onnx.Value) *G.Node {
	code := d.model.Weights[v.Name]
	own := d.cfg.Cluster.For(v.Name)
	w := &drawn{value: v, ints: d.model.Codebooks[code.Codebook], bits: own.Bits, still: -1, at: make([]uint16, len(v.Const.Floats))}
	if w.bits == 0 {
		w.bits = quant.DefaultBits(own.Weights)
	}
	for k, c := range w.ints {
		w.taken = append(w.taken, float32(code.Unit*float64(c)))
		if c == 0 {
			w.still = k
		}
	}
	if own.Prune > 0 {
		w.zero = make([]bool, len(w.at))
		for i, x := range v.Const.Floats {
			w.zero[i] = x == 0
		}
	}
	// A second build of the graph starts anew.
	d.drawn = slices.DeleteFunc(d.drawn, func(o *drawn) bool { return o.value == v })
	d.drawn = append(d.drawn, w)
	size := rms(v.Const.Floats)
	master := d.train(tp, v.Name, v.Const.Floats, masterRate*size*math.Sqrt(16/float64(len(w.ints))))
	forward := func(out []float32, in [][]float32) {
		w.place(in[1])
		kernel.Assign(out, w.at, in[0], w.taken)
		for i, zero := range w.zero {
			if zero {
				out[i] = 0
			}
		}
	}
	masterGrad := func(_ []*G.Node, _, dy *G.Node) *G.Node {
		if w.zero == nil {
			return dy
		}
		return tp.apply("drawn.dw", len(w.at), func(out []float32, in [][]float32) {
			for i, g := range in[0] {
				if out[i] = g; w.zero[i] {
					out[i] = 0
				}
			}
		}, nil, dy)
	}
	var second *G.Node
	var grad func(out []float32, in [][]float32)
	if d.cfg.Cluster.Scope == quant.ScopeLayer && own.Codebook == quant.KindFree {
		w.centres = slices.Clone(w.taken)
		second, grad = d.train(tp, v.Name+".centres", w.centres, centreRate*size), w.centreGrad
	} else {
		w.logUnit = []float32{float32(math.Log(code.Unit))}
		second, grad = d.train(tp, v.Name+".unit", w.logUnit, unitRate), w.unitGrad
	}
	secondGrad := func(in []*G.Node, y, dy *G.Node) *G.Node {
		return tp.apply("drawn.dc", second.Shape()[0], grad, nil, dy, in[0], y)
	}
	return tp.apply("drawn", len(w.at), forward, []adjoint{masterGrad, secondGrad}, master, second)
}

// place takes over the centres of a pass.
func (w *drawn) place(second []float32) {
	if w.centres != nil {
		slices.Sort(second) // the values themselves: those that met have changed places
		copy(w.taken, second)
		return
	}
	unit := trainedStep(second[0])
	for k, c := range w.ints {
		w.taken[k] = unit * float32(c)
	}
}

// centreGrad sums the gradients in[0] of the weights at every centre.
func (w *drawn) centreGrad(out []float32, in [][]float32) {
	sums := make([]float64, len(out))
	for i, g := range in[0] {
		sums[w.at[i]] += float64(g)
	}
	for k, s := range sums {
		out[k] = float32(s)
	}
	if w.still >= 0 {
		out[w.still] = 0
	}
}

// unitGrad is the gradient of the logarithm of the unit u, of weights y = u*round(w/u) with the straight-through gradient of round: y-w between the
// outermost centres, y beyond them.
func (w *drawn) unitGrad(out []float32, in [][]float32) {
	sum := 0.0
	lo, hi := w.taken[0], w.taken[len(w.taken)-1]
	for i, g := range in[0] {
		x, y := in[1][i], in[2][i]
		if x >= lo && x <= hi {
			y -= x
		}
		sum += float64(g) * float64(y)
	}
	out[0] = float32(sum)
}

// store writes weights and codebook into the model.
func (w *drawn) store(m *quant.Model) {
	code := m.Weights[w.value.Name]
	if w.centres != nil {
		w.place(w.centres)
	} else {
		w.place(w.logUnit)
	}
	taken := make([]float32, len(w.at))
	kernel.Assign(taken, nil, w.value.Const.Floats, w.taken)
	if w.centres != nil {
		centres := make([]float64, len(w.centres))
		for k, c := range w.centres {
			centres[k] = float64(c)
		}
		m.Codebooks[code.Codebook], code.Unit = quant.Snap(centres, w.bits)
	} else {
		code.Unit = float64(trainedStep(w.logUnit[0]))
	}
	values := quant.Expand(m.Codebooks[code.Codebook], code.Unit)
	for i, v := range taken {
		if w.zero != nil && w.zero[i] {
			v = 0
		}
		w.value.Const.Floats[i] = float32(values[quant.Nearest(values, float64(v))])
	}
	m.Weights[w.value.Name] = code
}
