package quant

import (
	"qconv/onnx"
	"qconv/runtime"
)

// average is the mean over windows of n counted elements each: a depthwise convolution
// whose weights are all 1/n.
func (c *compiler) average(n *onnx.Node, window runtime.Term, count int) *sum {
	return c.summing(c.states[n.Inputs[0]], func(st state) *sum { return c.averageOf(n, st, window, count) })
}

// averageOf is the average of a tensor of levels.
func (c *compiler) averageOf(n *onnx.Node, st state, window runtime.Term, count int) *sum {
	shape := imageShape(n.Inputs[0].Shape)
	t := term{
		Term:    window,
		centres: []int32{1},
		unit:    st.levels.Step / float64(count),
		indices: make([]uint16, shape[0]*window.Kernel[0]*window.Kernel[1]),
	}
	t.In, t.Groups, t.Up = c.reshaped(st, shape), shape[0], [2]int{1, 1}
	out := imageShape(n.Outputs[0].Shape)
	return &sum{shape: out, terms: []term{t}, bias: make([]float64, out[0])}
}

// averageWindow is the geometry of an average pool.
func averageWindow(op *onnx.AveragePool) runtime.Term {
	return runtime.Term{
		Kernel: image2(op.Kernel), Stride: image2(op.Strides), Dilation: image2(op.Dilations), Pad: beginPads(op.Pads),
	}
}

// averageCounts is, for every output row (d = 0) or column (d = 1) of an average pool, how
// many rows or columns of its window count for the divisor.
func averageCounts(n *onnx.Node, d int) []int {
	op := n.Op.(*onnx.AveragePool)
	w := averageWindow(op)
	in, out := imageShape(n.Inputs[0].Shape), imageShape(n.Outputs[0].Shape)
	begin, end := 0, in[1+d]
	if op.CountIncludePad {
		begin = -w.Pad[d]
		end += endPads(op.Pads)[d]
	}
	counts := make([]int, out[1+d])
	for y := range counts {
		for k := range w.Kernel[d] {
			if v := y*w.Stride[d] - w.Pad[d] + k*w.Dilation[d]; v >= begin && v < end {
				counts[y]++
			}
		}
	}
	return counts
}

// run is a stretch of equal counts: rows or columns begin .. end-1.
type run struct{ begin, end, count int }

// runs divides counts into stretches of equal ones.
func runs(counts []int) []run {
	var out []run
	for i, n := range counts {
		if i == 0 || n != counts[i-1] {
			out = append(out, run{begin: i, count: n})
		}
		out[len(out)-1].end = i + 1
	}
	return out
}

// averageBorders lowers an average whose divisor differs at the border: one average of the
// whole picture for every divisor, and a copy that takes each position from the right one.
func (c *compiler) averageBorders(n *onnx.Node) (state, error) {
	op, out := n.Op.(*onnx.AveragePool), n.Outputs[0]
	levels, err := c.levelsOf(out)
	if err != nil {
		return state{}, err
	}
	id := c.tensor(out.Shape, levels)
	shape := c.prog.Tensors[id].Shape
	instr := &runtime.Copy{Out: id, Fill: uint8(levels.Zero)}
	byCount := map[int]int{}
	for _, rows := range runs(averageCounts(n, 0)) {
		for _, columns := range runs(averageCounts(n, 1)) {
			count := max(rows.count*columns.count, 1)
			from, ok := byCount[count]
			if !ok {
				st, err := c.close(out, state{shape: out.Shape, sum: c.average(n, averageWindow(op), count)})
				if err != nil {
					return state{}, err
				}
				from, byCount[count] = st.tensor, st.tensor
			}
			start := rows.begin*shape[2] + columns.begin
			instr.Pieces = append(instr.Pieces, newPiece(from, start, start, []dim{
				{shape[0], shape[1] * shape[2], shape[1] * shape[2]},
				{rows.end - rows.begin, shape[2], shape[2]},
				{columns.end - columns.begin, 1, 1},
			}))
		}
	}
	c.prog.Instrs = append(c.prog.Instrs, instr)
	return state{shape: out.Shape, tensor: id, levels: levels}, nil
}
