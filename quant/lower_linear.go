package quant

import (
	"fmt"

	"qconv/onnx"
	"qconv/runtime"
)

// linear lowers a node that opens or extends an accumulator.
func (c *compiler) linear(n *onnx.Node) (state, error) {
	out := n.Outputs[0]
	var s *sum
	var err error
	switch op := n.Op.(type) {
	case *onnx.Conv:
		s, err = c.conv(n, op)
	case *onnx.ConvTranspose:
		s, err = c.convTranspose(n, op)
	case *onnx.Gemm:
		s, err = c.gemm(n)
	case *onnx.Reduce:
		s, err = c.reduce(n, op)
	case *onnx.Resize:
		s, err = c.resizeLinear(n, op)
	case *onnx.Add:
		if f := functionOf(n); f != nil {
			s, err = c.bias(f)
			break
		}
		s, err = c.combine(n, func(int) float64 { return 1 })
	case *onnx.Sum:
		s, err = c.combine(n, func(int) float64 { return 1 })
	case *onnx.Sub:
		s, err = c.combine(n, func(i int) float64 { return float64(1 - 2*i) })
	case *onnx.Mean:
		s, err = c.combine(n, func(int) float64 { return 1 / float64(len(n.Inputs)) })
	case *onnx.Mul:
		s, err = c.scaled(n)
	case *onnx.AveragePool:
		s = c.average(n, averageWindow(op), averageCounts(n, 0)[0]*averageCounts(n, 1)[0])
	case *onnx.GlobalAveragePool:
		in := imageShape(n.Inputs[0].Shape)
		s = c.average(n, runtime.Term{Kernel: [2]int{in[1], in[2]}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}}, in[1]*in[2])
	}
	return state{shape: out.Shape, sum: s}, err
}

// conv is a correlation: the term's own equation.
func (c *compiler) conv(n *onnx.Node, op *onnx.Conv) (*sum, error) {
	t, err := c.weighted(n, imageShape(n.Inputs[0].Shape))
	if err != nil {
		return nil, err
	}
	t.Groups = op.Groups
	t.Kernel, t.Stride, t.Dilation = image2(op.Kernel), image2(op.Strides), image2(op.Dilations)
	t.Pad = beginPads(op.Pads)
	t.Up = [2]int{1, 1}
	return c.open(n, t)
}

// convTranspose is a correlation over its input spread out by the strides, with the
// kernel turned round: out[y] = sum w[ky] in[v], v*stride = y + pad - ky*dilation.
func (c *compiler) convTranspose(n *onnx.Node, op *onnx.ConvTranspose) (*sum, error) {
	t, err := c.weighted(n, imageShape(n.Inputs[0].Shape))
	if err != nil {
		return nil, err
	}
	t.Groups = op.Groups
	t.Kernel, t.Stride, t.Dilation = image2(op.Kernel), [2]int{1, 1}, image2(op.Dilations)
	t.Up = image2(op.Strides)
	pad := beginPads(op.Pads)
	for d := range 2 {
		t.Pad[d] = (t.Kernel[d]-1)*t.Dilation[d] - pad[d]
	}
	t.indices = transposeKernel(t.indices, n.Inputs[1].Shape[0], op.Groups, t.Kernel)
	return c.open(n, t)
}

// transposeKernel turns weights [C][O/g][KH][KW] of a transposed convolution into those
// of a correlation, [O][C/g][KH][KW], each kernel turned by half a turn.
func transposeKernel(w []uint16, inputs, groups int, kernel [2]int) []uint16 {
	area := kernel[0] * kernel[1]
	perOut := len(w) / (inputs * area) // outputs per group
	perIn := inputs / groups
	out := make([]uint16, 0, len(w))
	for g := range groups {
		for o := range perOut {
			for i := range perIn {
				from := ((g*perIn+i)*perOut + o) * area
				for k := area - 1; k >= 0; k-- {
					out = append(out, w[from+k])
				}
			}
		}
	}
	return out
}

// gemm is a convolution whose kernel covers its whole input: the row-major order of a
// flattened picture is that of a kernel.
func (c *compiler) gemm(n *onnx.Node) (*sum, error) {
	in := c.states[n.Inputs[0]]
	shape := imageShape(n.Inputs[0].Shape)
	if n.Inputs[0].Const == nil && in.sum == nil {
		shape = c.prog.Tensors[in.tensor].Shape
	}
	t, err := c.weighted(n, shape)
	if err != nil {
		return nil, err
	}
	t.Groups, t.Kernel = 1, [2]int{shape[1], shape[2]}
	t.Stride, t.Dilation, t.Up = [2]int{1, 1}, [2]int{1, 1}, [2]int{1, 1}
	return c.open(n, t)
}

// bias adds a function that adds constants to the bias of an accumulator.
func (c *compiler) bias(f *function) (*sum, error) {
	s, err := c.summand(f.from, f.from.Shape)
	if err != nil {
		return nil, err
	}
	offset := make([]float64, s.shape[0])
	for ch := range offset {
		offset[ch] = f.at(ch, 0)
	}
	return join(s, &sum{shape: s.shape, bias: offset}), nil
}

// combine adds values with the given factors, each an accumulator or a tensor of levels.
func (c *compiler) combine(n *onnx.Node, factor func(i int) float64) (*sum, error) {
	var total *sum
	for i, v := range n.Inputs {
		s, err := c.summand(v, n.Outputs[0].Shape)
		if err != nil {
			return nil, err
		}
		if f := factor(i); f != 1 {
			s = s.scaled(f)
		}
		switch {
		case total == nil:
			total = s
		case total.shape != s.shape:
			return nil, fmt.Errorf("adds accumulators of shapes %v and %v", total.shape, s.shape)
		default:
			total = join(total, s)
		}
	}
	return total, nil
}

// summand is a value as an accumulator of the given shape: as it is, or a tensor of levels repeated.
func (c *compiler) summand(v *onnx.Value, shape onnx.Shape) (*sum, error) {
	st, err := c.operand(v, shape)
	if err != nil || st.sum != nil {
		return st.sum, err
	}
	st.tensor = c.reshaped(st, imageShape(shape))
	return identity(st, imageShape(shape)), nil
}

// weighted starts the term of a node with clustered weights over a tensor of levels that
// is seen with the given shape.
func (c *compiler) weighted(n *onnx.Node, shape [3]int) (term, error) {
	st, err := c.operand(n.Inputs[0], nil)
	if err != nil {
		return term{}, err
	}
	w := n.Inputs[1]
	code, ok := c.model.Weights[w.Name]
	if !ok {
		return term{}, fmt.Errorf("weights %q have no codebook; cluster the model first", w.Name)
	}
	centres := c.model.Codebooks[code.Codebook]
	indices, err := c.model.indices(w, centres, code)
	if err != nil {
		return term{}, fmt.Errorf("weights %q: %w", w.Name, err)
	}
	t := term{
		Term:    runtime.Term{In: c.reshaped(st, shape)},
		centres: centres,
		unit:    code.Unit * st.levels.Step,
		indices: indices,
		layer:   n.Name,
	}
	for _, unit := range code.Units {
		t.units = append(t.units, unit*st.levels.Step)
	}
	return t, nil
}

// open makes an accumulator of one term and the node's bias.
func (c *compiler) open(n *onnx.Node, t term) (*sum, error) {
	s := &sum{shape: imageShape(n.Outputs[0].Shape), terms: []term{t}}
	s.bias = make([]float64, s.shape[0])
	if len(n.Inputs) < 3 || n.Inputs[2] == nil {
		return s, nil
	}
	bias := n.Inputs[2].Const
	if bias == nil || len(bias.Floats) != 1 && len(bias.Floats) != len(s.bias) {
		return nil, fmt.Errorf("bias is not a constant with one value per channel")
	}
	for i := range s.bias {
		s.bias[i] = float64(bias.Floats[i%len(bias.Floats)])
	}
	return s, nil
}
