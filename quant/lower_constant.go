package quant

import (
	"fmt"
	"math"

	"qconv/onnx"
	"qconv/runtime"
)

// operand is the state of a value that a node reads. A constant becomes a tensor of levels of its own,
// stretched to the given shape, unless that is nil.
func (c *compiler) operand(v *onnx.Value, shape onnx.Shape) (state, error) {
	if v.Const == nil {
		return c.states[v], nil
	}
	if shape == nil {
		shape = v.Shape
	}
	values := stretched(v.Const, shape)
	levels, err := constantLevels(values)
	if err != nil {
		return state{}, fmt.Errorf("constant %q: %w", v.Name, err)
	}
	return state{shape: shape, tensor: c.constant(values, shape, levels), levels: levels}, nil
}

// constant is a tensor of constants rounded to levels.
func (c *compiler) constant(values []float64, shape onnx.Shape, levels Levels) int {
	id := c.tensor(shape, levels)
	bias, equal := make([]int32, len(values)), true
	for i, x := range values {
		bias[i] = int32(levels.Index(x))
		equal = equal && bias[i] == bias[0]
	}
	if equal {
		c.prog.Instrs = append(c.prog.Instrs, &runtime.Copy{Out: id, Fill: uint8(bias[0])})
		return id
	}
	step := runtime.Step{Values: []uint8{0}}
	for i := 1; i < levels.Size(); i++ {
		step.Breaks, step.Values = append(step.Breaks, int32(i)), append(step.Values, uint8(i))
	}
	linear := c.constantLinear(c.flat(id), bias)
	linear.Steps = []int{len(c.prog.Steps)}
	c.prog.Steps = append(c.prog.Steps, step)
	c.prog.Instrs = append(c.prog.Instrs, linear)
	return id
}

// flat gives a tensor the shape of as many channels as it has elements.
func (c *compiler) flat(id int) int {
	t := &c.prog.Tensors[id]
	t.Shape = [3]int{t.Elems(), 1, 1}
	return id
}

// constantLinear is an instruction whose accumulators are constants, one for each channel of
// out: it sums nothing but a tensor of one element that is zero.
func (c *compiler) constantLinear(out int, bias []int32) *runtime.Linear {
	if c.nothing == 0 {
		c.prog.Tensors = append(c.prog.Tensors, runtime.Tensor{Shape: [3]int{1, 1, 1}, Levels: 2})
		c.nothing = len(c.prog.Tensors) - 1
		c.prog.Instrs = append(c.prog.Instrs, &runtime.Copy{Out: c.nothing})
	}
	one := [2]int{1, 1}
	return &runtime.Linear{Out: out, Bias: bias, Terms: []runtime.Term{{
		In: c.nothing, Codebook: c.codebook([]int32{0}), Groups: 1, Kernel: one, Stride: one, Dilation: one, Up: one,
		Weights: runtime.PackWeights(make([]uint16, len(bias)), 1),
	}}}
}

// outputConstant delivers a constant as accumulators: integers as they are, others in a unit that keeps
// the precision of float32 where the largest does not ask for more than 31 bits.
func (c *compiler) outputConstant(v *onnx.Value) error {
	values := stretched(v.Const, v.Shape)
	largest, whole := 0.0, true
	for _, x := range values {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("the constant holds %g, which no integer stands for", x)
		}
		largest = math.Max(largest, math.Abs(x))
		whole = whole && x == math.Trunc(x)
	}
	unit := 1.0
	if !whole || largest > math.MaxInt32 {
		_, exponent := math.Frexp(largest)
		unit = math.Ldexp(1, exponent-30)
	}
	bias := make([]int32, len(values))
	for i, x := range values {
		bias[i] = int32(math.Round(x / unit))
	}
	c.prog.Tensors = append(c.prog.Tensors, runtime.Tensor{Shape: [3]int{len(values), 1, 1}, Scale: runtime.ScaleOf(unit)})
	id := len(c.prog.Tensors) - 1
	c.prog.Instrs = append(c.prog.Instrs, c.constantLinear(id, bias))
	c.prog.Outputs = append(c.prog.Outputs, runtime.Output{Name: v.Name, Tensor: id})
	return nil
}

// stretched lists the elements of a constant that broadcasts to a shape.
func stretched(t *onnx.Tensor, shape onnx.Shape) []float64 {
	to := shape.WithBatch(1)
	move := (&onnx.Expand{}).Moves(t.Shape, []onnx.Shape{to})[0]
	out := make([]float64, 0, to.Elems())
	move.Each(func(from int) { out = append(out, constant(t, from)) })
	return out
}

// constantLevels are the levels that constants are rounded to: 256 over their range.
func constantLevels(values []float64) (Levels, error) {
	lo, hi := 0.0, 0.0
	for _, x := range values {
		lo, hi = math.Min(lo, x), math.Max(hi, x)
	}
	if lo == 0 && hi == 0 {
		hi = 1
	}
	return NewLevels(256, lo, hi)
}
