package finetune

import (
	"testing"

	G "gorgonia.org/gorgonia"
)

// mulNode is an elementwise product with gradients for both operands.
func mulNode(t *tape, x, y *G.Node) *G.Node {
	n := x.Shape()[0]
	product := func(out []float32, in [][]float32) {
		for i := range out {
			out[i] = in[0][i] * in[1][i]
		}
	}
	times := func(other int) adjoint {
		return func(in []*G.Node, _, grad *G.Node) *G.Node {
			return t.apply("times", n, product, nil, grad, in[other])
		}
	}
	return t.apply("mul", n, product, []adjoint{times(1), times(0)}, x, y)
}

// sumNode adds all elements.
func sumNode(t *tape, x *G.Node) *G.Node {
	n := x.Shape()[0]
	return t.apply("sum", 1, func(out []float32, in [][]float32) {
		out[0] = 0
		for _, v := range in[0] {
			out[0] += v
		}
	}, []adjoint{func(_ []*G.Node, _, grad *G.Node) *G.Node {
		return t.apply("spread", n, func(out []float32, in [][]float32) {
			for i := range out {
				out[i] = in[0][0]
			}
		}, nil, grad)
	}}, x)
}

func TestTapeGradients(t *testing.T) {
	for _, size := range []int{1, 3} {
		data := []float32{2, -3, 5}[:size]
		c := []float32{1, 4, 10}[:size]
		tp := newTape(0)
		x := tp.trained("x", data)
		k := tp.input("c", c)
		// f = sum(x*x*x*x + c*x): four uses of one value, and x*x is used twice.
		sq := mulNode(tp, x, x)
		a := tp.alias("again", sq)
		loss1 := sumNode(tp, mulNode(tp, sq, a))
		loss2 := sumNode(tp, mulNode(tp, k, x))
		add := func(out []float32, in [][]float32) { out[0] = in[0][0] + in[1][0] }
		pass := func(_ []*G.Node, _, grad *G.Node) *G.Node { return grad }
		loss := tp.apply("add", 1, add, []adjoint{pass, pass}, loss1, loss2)
		grads, err := tp.gradients(loss, []*G.Node{x})
		if err != nil {
			t.Fatal(err)
		}
		if !tp.compile(nil) {
			t.Fatal("two nodes share a hash")
		}
		for run := range 3 {
			for i := range data {
				data[i] += float32(run)
			}
			if err := tp.run(); err != nil {
				t.Fatal(err)
			}
			for i, g := range floats(grads[0].Value()) {
				want := 4*data[i]*data[i]*data[i] + c[i]
				if g != want {
					t.Errorf("size %d, run %d: gradient %d is %g, want %g", size, run, i, g, want)
				}
			}
		}
	}
}
