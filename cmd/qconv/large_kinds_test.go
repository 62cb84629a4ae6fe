package main

import (
	"fmt"
	"slices"
	"strings"
)

// chain is a model of n steps; step i adds nodes that compute value v<i+1> from value v<i>, v0 is the input.
func chain(n int, step func(m *modelText, i int, in, out string)) *modelText {
	m := &modelText{}
	in := "x"
	for i := range n {
		out := fmt.Sprint("v", i+1)
		step(m, i, in, out)
		in = out
	}
	m.output(in)
	return m
}

// largeModels build models of about n nodes, one for each way in which a network can be large.
var largeModels = map[string]func(n int) *modelText{
	"BatchNormalization": func(n int) *modelText {
		return chain(n, func(m *modelText, i int, in, out string) {
			names := ""
			for k := range 4 {
				name := fmt.Sprintf("s%d_%d", i, k)
				m.floats(name, 1-float64(k%3)/8, 4)
				names += " " + name
			}
			m.node("BatchNormalization", in+names, out)
		})
	},
	"Cast": func(n int) *modelText {
		return chain(n, func(m *modelText, i int, in, out string) {
			m.node("Cast", in, out, fmt.Sprint("to=", []int{1, 10}[i%2]))
		})
	},
	"Clip": func(n int) *modelText {
		return chain(n, func(m *modelText, i int, in, out string) {
			m.floats("lo"+out, float64(-i))
			m.node("Clip", in+" lo"+out, out)
		})
	},
	"Concat of many": func(n int) *modelText { return wide("Concat", n, "axis=1") },
	"Max of many":    func(n int) *modelText { return wide("Max", n) },
	"Mean of many":   func(n int) *modelText { return wide("Mean", n) },
	"Sum of many":    func(n int) *modelText { return wide("Sum", n) },
	"Concat of one value": func(n int) *modelText {
		m := &modelText{}
		m.node("Relu", "x", "r")
		m.node("Concat", strings.Repeat("r ", n), "y", "axis=1")
		m.output("y")
		return m
	},
	"Constant": func(n int) *modelText {
		return chain(n/2, func(m *modelText, i int, in, out string) {
			m.nodes = append(m.nodes, fmt.Sprintf("node{name:'c%d' op_type:'Constant' output:'c%d' attribute{name:'value' type:TENSOR t{%s}}}\n", i, i, tensorText("", 0.5, 1)))
			m.node("Add", fmt.Sprintf("%s c%d", in, i), out)
		})
	},
	"constants": func(n int) *modelText { // computed from each other
		m := &modelText{}
		m.floats("c0", 1, 4, 1, 1)
		for i := range n - 1 {
			m.node("Neg", fmt.Sprint("c", i), fmt.Sprint("c", i+1))
		}
		m.node("Mul", fmt.Sprint("x c", n-1), "y")
		m.output("y")
		return m
	},
	"Conv": func(n int) *modelText {
		return chain(n, func(m *modelText, i int, in, out string) {
			m.floats("w"+out, 0.25, 4, 4, 1, 1)
			m.floats("b"+out, 0.5, 4)
			m.node("Conv", in+" w"+out+" b"+out, out)
		})
	},
	"Conv and BatchNormalization": func(n int) *modelText {
		return chain(n/3, func(m *modelText, i int, in, out string) {
			m.floats("w"+out, 0.25, 4, 4, 1, 1)
			m.floats("s"+out, 1, 4)
			m.node("Conv", in+" w"+out, "c"+out)
			m.node("BatchNormalization", strings.ReplaceAll("c@ s@ s@ s@ s@", "@", out), "n"+out)
			m.node("Relu", "n"+out, out)
		})
	},
	"ConvTranspose": func(n int) *modelText {
		return chain(n, func(m *modelText, i int, in, out string) {
			m.floats("w"+out, 0.25, 4, 4, 1, 1)
			m.node("ConvTranspose", in+" w"+out, out)
		})
	},
	"dead nodes": func(n int) *modelText {
		m := &modelText{}
		m.node("Relu", "x", "y")
		for i := range n {
			m.node("Relu", "x", fmt.Sprint("d", i))
		}
		m.output("y")
		return m
	},
	"Dropout": func(n int) *modelText {
		return chain(n, func(m *modelText, i int, in, out string) { m.node("Dropout", in, out) })
	},
	"equal names": func(n int) *modelText {
		m := chain(n, func(m *modelText, i int, in, out string) { m.node("Relu", in, out) })
		for i := range m.nodes {
			m.nodes[i] = strings.Replace(m.nodes[i], fmt.Sprintf("name:'n%d'", i), "name:'n'", 1)
		}
		return m
	},
	"no names": func(n int) *modelText {
		m := chain(n, func(m *modelText, i int, in, out string) { m.node("Relu", in, out) })
		for i := range m.nodes {
			m.nodes[i] = strings.Replace(m.nodes[i], fmt.Sprintf("name:'n%d'", i), "", 1)
		}
		return m
	},
	"functions": func(n int) *modelText {
		m := chain(n/2, func(m *modelText, i int, in, out string) { m.node("d:F", in, out) })
		fmt.Fprintf(&m.functions, "functions{name:'F' domain:'d' input:'a' output:'b' opset_import{version:17} node{%s} node{%s}}\n",
			nodeText("Relu", "a", "t"), nodeText("Tanh", "t", "b"))
		return m
	},
	"Gather": func(n int) *modelText {
		return chain(n, func(m *modelText, i int, in, out string) {
			m.integers("i"+out, 3, 2, 1, 0)
			m.node("Gather", in+" i"+out, out, "axis=1")
		})
	},
	"Gemm": func(n int) *modelText {
		m := chain(n, func(m *modelText, i int, in, out string) {
			m.floats("w"+out, 0.25, 4, 4)
			m.floats("b"+out, 0.25, 4)
			m.node("Gemm", in+" w"+out+" b"+out, out)
		})
		m.input = "1,4"
		return m
	},
	"GroupNormalization": func(n int) *modelText {
		m := chain(n/10, func(m *modelText, i int, in, out string) {
			m.floats("s"+out, 1, 4)
			m.node("InstanceNormalization", in+" s"+out+" s"+out, out)
		})
		return m
	},
	"Identity": func(n int) *modelText {
		return chain(n, func(m *modelText, i int, in, out string) { m.node("Identity", in, out) })
	},
	"inputs": func(n int) *modelText {
		m := wide("Sum", n)
		m.nodes = m.nodes[len(m.nodes)-1:]
		for i := range n {
			fmt.Fprintf(&m.rest, "input{name:'v%d' type{tensor_type{elem_type:1 shape{dim{dim_value:1} dim{dim_value:4}}}}}\n", i)
		}
		return m
	},
	"islands": func(n int) *modelText { // x*sigmoid(x)
		return chain(n/2, func(m *modelText, i int, in, out string) {
			m.node("Sigmoid", in, "s"+out)
			m.node("Mul", in+" s"+out, out)
		})
	},
	"LayerNormalization": func(n int) *modelText {
		return chain(n/10, func(m *modelText, i int, in, out string) {
			m.floats("s"+out, 1, 2)
			m.node("LayerNormalization", in+" s"+out, out)
		})
	},
	"LRN": func(n int) *modelText {
		return chain(n/10, func(m *modelText, i int, in, out string) { m.node("LRN", in, out, "size=3") })
	},
	"MatMul": func(n int) *modelText {
		m := chain(n, func(m *modelText, i int, in, out string) {
			m.floats("w"+out, 0.25, 4, 4)
			m.node("MatMul", in+" w"+out, out)
		})
		m.input = "1,4"
		return m
	},
	"MatMul over positions": func(n int) *modelText {
		m := chain(n/5, func(m *modelText, i int, in, out string) {
			m.floats("w"+out, 0.25, 4, 4)
			m.node("MatMul", in+" w"+out, out)
		})
		m.input = "1,3,4"
		return m
	},
	"MatMul of computed": func(n int) *modelText {
		return chain(n/5, func(m *modelText, i int, in, out string) { m.node("MatMul", in+" x", out) })
	},
	"MaxPool": func(n int) *modelText {
		return chain(n, func(m *modelText, i int, in, out string) { m.node("MaxPool", in, out, "kernel_shape=1,1") })
	},
	"AveragePool": func(n int) *modelText {
		return chain(n, func(m *modelText, i int, in, out string) { m.node("AveragePool", in, out, "kernel_shape=1,1") })
	},
	"many outputs": func(n int) *modelText {
		m := &modelText{}
		for i := range n {
			m.node("Relu", "x", fmt.Sprint("y", i))
			m.output(fmt.Sprint("y", i))
		}
		return m
	},
	"many outputs in a row": func(n int) *modelText {
		m := chain(n, func(m *modelText, i int, in, out string) {
			m.node("Relu", in, out)
			if i < n-1 {
				m.output(out)
			}
		})
		return m
	},
	"many readers": func(n int) *modelText {
		m := &modelText{}
		m.node("Relu", "x", "r")
		in := "x"
		for i := range n {
			out := fmt.Sprint("v", i)
			m.node("Add", in+" r", out)
			in = out
		}
		m.output(in)
		return m
	},
	"many readers of a constant": func(n int) *modelText {
		m := chain(n, func(m *modelText, i int, in, out string) { m.node("Max", in+" c", out) })
		m.floats("c", 0.5, 1)
		return m
	},
	"moves with a constant": func(n int) *modelText {
		m := chain(n, func(m *modelText, i int, in, out string) { m.node("Add", in+" c", out) })
		m.floats("c", 0.5, 1)
		return m
	},
	"Pad": func(n int) *modelText {
		return chain(n/2, func(m *modelText, i int, in, out string) {
			m.integers("p"+out, 0, 0, 1, 1, 0, 0, 1, 1)
			m.integers("q"+out, 0, 0, -1, -1, 0, 0, -1, -1)
			m.node("Pad", in+" p"+out, "p"+out+"v")
			m.node("Pad", "p"+out+"v q"+out, out)
		})
	},
	"PRelu": func(n int) *modelText {
		return chain(n, func(m *modelText, i int, in, out string) {
			m.floats("s"+out, 0.5, 4, 1, 1)
			m.node("PRelu", in+" s"+out, out)
		})
	},
	"quantized": func(n int) *modelText {
		m := chain(n/2, func(m *modelText, i int, in, out string) {
			m.node("QuantizeLinear", in+" s z", "q"+out)
			m.node("DequantizeLinear", "q"+out+" s z", out)
		})
		m.floats("s", 0.125)
		m.rest.WriteString("initializer{name:'z' data_type:2 int32_data:3}\n")
		return m
	},
	"Reduce": func(n int) *modelText {
		m := chain(n, func(m *modelText, i int, in, out string) { m.node("ReduceMax", in, out, "axes=2,3", "keepdims=1") })
		m.opset = "13"
		return m
	},
	"refused": func(n int) *modelText {
		return chain(n, func(m *modelText, i int, in, out string) { m.node("Det", in, out) })
	},
	"residual": func(n int) *modelText {
		return chain(n/2, func(m *modelText, i int, in, out string) {
			m.node("Relu", in, "r"+out)
			m.node("Add", in+" r"+out, out)
		})
	},
	"residual of layers": func(n int) *modelText {
		return chain(n/3, func(m *modelText, i int, in, out string) {
			m.floats("w"+out, 0.25, 4, 4, 1, 1)
			m.node("Relu", in, "r"+out)
			m.node("Conv", "r"+out+" w"+out, "c"+out)
			m.node("Add", in+" c"+out, out)
		})
	},
	"Reshape": func(n int) *modelText {
		return chain(n/2, func(m *modelText, i int, in, out string) {
			m.integers("a"+out, 1, 16)
			m.integers("b"+out, 1, 4, 2, 2)
			m.node("Reshape", in+" a"+out, "r"+out)
			m.node("Reshape", "r"+out+" b"+out, out)
		})
	},
	"Resize": func(n int) *modelText {
		m := chain(n, func(m *modelText, i int, in, out string) { m.node("Resize", in+" - - s", out, "mode=linear") })
		m.integers("s", 1, 4, 2, 2)
		return m
	},
	"reverse order": func(n int) *modelText {
		m := chain(n, func(m *modelText, i int, in, out string) { m.node("Relu", in, out) })
		slices.Reverse(m.nodes)
		return m
	},
	"shapes": func(n int) *modelText { // computed
		m := chain(n/4, func(m *modelText, i int, in, out string) {
			m.node("Shape", in, "s"+out)
			m.node("Gather", "s"+out+" one", "g"+out)
			m.node("Concat", "zero g"+out+" two two", "t"+out, "axis=0")
			m.node("Reshape", in+" t"+out, out)
		})
		m.integers("one", 1)
		m.integers("zero", 0)
		m.integers("two", 2)
		return m
	},
	"Slice": func(n int) *modelText {
		m := chain(n, func(m *modelText, i int, in, out string) { m.node("Slice", in+" a b c", out) })
		m.integers("a", 0)
		m.integers("b", 9)
		m.integers("c", 2)
		return m
	},
	"Softmax": func(n int) *modelText {
		return chain(n, func(m *modelText, i int, in, out string) { m.node("Softmax", in, out, "axis=1") })
	},
	"Split": func(n int) *modelText {
		return chain(n/2, func(m *modelText, i int, in, out string) {
			m.node("Split", in, "a"+out+" b"+out, "axis=1")
			m.node("Concat", "b"+out+" a"+out, out, "axis=1")
		})
	},
	"Split into many": func(n int) *modelText {
		m := &modelText{input: fmt.Sprint("1,", n, ",1,1")}
		outs := ""
		for i := range n {
			outs += fmt.Sprint(" v", i)
		}
		m.node("Split", "x", outs, "axis=1")
		m.node("Sum", outs, "y")
		m.output("y")
		return m
	},
	"Squeeze": func(n int) *modelText {
		m := chain(n/2, func(m *modelText, i int, in, out string) {
			m.node("Unsqueeze", in+" a", "u"+out)
			m.node("Squeeze", "u"+out+" a", out)
		})
		m.integers("a", 2)
		return m
	},
	"Transpose": func(n int) *modelText {
		return chain(n/2, func(m *modelText, i int, in, out string) {
			m.node("Transpose", in, "t"+out, "perm=0,2,3,1")
			m.node("Relu", "t"+out, out)
			// The opposite, every other time.
			if i%2 == 1 {
				m.nodes[len(m.nodes)-2] = strings.Replace(m.nodes[len(m.nodes)-2], "ints:[0,2,3,1]", "ints:[0,3,1,2]", 1)
			}
		})
	},
	"unused constants": func(n int) *modelText {
		m := chain(1, func(m *modelText, i int, in, out string) { m.node("Relu", in, out) })
		for i := range n {
			m.floats(fmt.Sprint("c", i), 1, 1)
		}
		return m
	},
	"Where": func(n int) *modelText {
		m := chain(n/2, func(m *modelText, i int, in, out string) {
			m.node("Greater", in+" c", "g"+out)
			m.node("Where", "g"+out+" "+in+" c", out)
		})
		m.floats("c", 0.5, 1)
		return m
	},
}

// wide is a node that joins n others.
func wide(op string, n int, attributes ...string) *modelText {
	m := &modelText{}
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint("v", i)
		m.node("Relu", "x", names[i])
	}
	m.node(op, strings.Join(names, " "), "y", attributes...)
	m.output("y")
	return m
}

func init() {
	for _, op := range strings.Fields("Relu Tanh Sigmoid Abs Neg Exp LeakyRelu HardSwish Softplus Sqrt Floor Sign Elu") {
		largeModels[op] = func(n int) *modelText {
			return chain(n, func(m *modelText, i int, in, out string) { m.node(op, in, out) })
		}
	}
	for _, op := range strings.Fields("Add Sub Mul Div Pow Max Min") {
		largeModels[op] = func(n int) *modelText {
			return chain(n, func(m *modelText, i int, in, out string) {
				m.floats("c"+out, 0.75, 4, 1, 1)
				m.node(op, in+" c"+out, out)
			})
		}
	}
}
