package quant

import (
	"fmt"
	"math"
	"slices"

	"qconv/onnx"
)

// PixelHint is what a network tells of the pixels that it was trained on.
type PixelHint struct {
	// Low and High are what pixels 0 and 255 should be where they enter: about 0 and 255, 0 and 1, or -1 and 1, which also stands
	// for pixels of mean 0 and deviation 1.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	// Reason tells where that is seen.
	Reason string `json:"reason"`
	// Value is the result of the first layer behind its BatchNormalization, Mean and Deviation those of its channels on what the network was
	// trained on; empty where the network has none there.
	Value     string    `json:"value,omitempty"`
	Mean      []float32 `json:"mean,omitempty"`
	Deviation []float32 `json:"deviation,omitempty"`
}

// check reports a hint that no network gives.
func (h *PixelHint) check() error {
	switch {
	case h == nil:
		return nil
	case len(h.Mean) != len(h.Deviation):
		return fmt.Errorf("%d means and %d deviations of %q", len(h.Mean), len(h.Deviation), h.Value)
	case !(h.Low < h.High):
		return fmt.Errorf("the range is %g..%g", h.Low, h.High)
	}
	return nil
}

// Pixels 0..255 as networks know them.
var (
	asBytes  = [2]float64{0, 255}
	asUnit   = [2]float64{0, 1}
	asSigned = [2]float64{-1, 1}
)

// A first layer whose weights are less than fewTimes those of the others is made for large numbers, one with more than manyTimes for
// numbers of about 1. Folded or not, weights times inputs are of the same order in all layers.
const (
	fewTimes  = 1.0 / 15
	manyTimes = 0.2
)

// PixelsOf looks at constants before the first layer, at the statistics of BatchNormalization around it and at its weights, and says what
// they tell of pixels. It is nil where they tell nothing, or where no input or more than one is a picture. The graph must be as it was read: simplification folds what is
// looked at.
func PixelsOf(g *onnx.Graph) *PixelHint {
	var in *onnx.Value
	for _, v := range g.Inputs {
		if isPicture(SampleShape(v.Shape)) {
			if in != nil {
				return nil
			}
			in = v
		}
	}
	if in == nil {
		return nil
	}
	f := FirstLayer(g, in)
	hint := f.byConstants()
	if hint == nil {
		hint = f.byInputStatistics()
	}
	behind := f.byStatistics(g)
	if hint == nil && behind != nil && behind.Low < behind.High {
		hint = behind
	}
	if hint == nil {
		hint = f.byWeights(g)
	}
	if hint != nil && behind != nil {
		hint.Value, hint.Mean, hint.Deviation = behind.Value, behind.Mean, behind.Deviation
	}
	return hint
}

// isPicture tells pictures, [C,H,W] or [H,W,C], from other planes of numbers.
func isPicture(s onnx.Shape) bool {
	const least = 4 // rows and columns
	colours := func(c int) bool { return c == 1 || c == 3 || c == 4 }
	return len(s) == 3 && (colours(s[0]) && s[1] >= least && s[2] >= least || colours(s[2]) && s[0] >= least && s[1] >= least)
}

// Front is the way from an input to the first layer with weights.
type Front struct {
	// Layer is that node, a Conv, ConvTranspose, Gemm or MatMul with constant weights; nil where a nonlinear one comes first.
	Layer *onnx.Node
	// scale and offset are what constants on the way make of a number, as means over channels; constants says that there are some.
	scale, offset float64
	constants     bool
	norm          *onnx.Node // BatchNormalization of the input itself
}

// FirstLayer follows an input to the first layer with weights.
func FirstLayer(g *onnx.Graph, in *onnx.Value) Front {
	ways := map[*onnx.Value]Front{in: {scale: 1}}
	for _, n := range g.Nodes {
		if len(n.Inputs) == 0 || len(n.Outputs) == 0 {
			continue
		}
		f, on := ways[n.Inputs[0]]
		other := (*onnx.Value)(nil)
		if len(n.Inputs) > 1 {
			other = n.Inputs[1]
			if !on && other != nil {
				f, on = ways[other]
				other = n.Inputs[0]
			}
		}
		if !on {
			continue
		}
		switch n.Op.(type) {
		case *onnx.Conv, *onnx.ConvTranspose, *onnx.Gemm, *onnx.MatMul:
			if hasNumbers(n.Inputs[1]) {
				f.Layer = n
				return f
			}
			continue
		case *onnx.Identity, *onnx.Dropout, *onnx.Cast, *onnx.Transpose, *onnx.Reshape, *onnx.Flatten, *onnx.Squeeze, *onnx.Unsqueeze, *onnx.Pad, *onnx.Quantize:
		case *onnx.BatchNormalization:
			if f.norm != nil || f.constants {
				continue
			}
			f.norm = n
		case *onnx.Add, *onnx.Sub, *onnx.Mul, *onnx.Div:
			if !hasNumbers(other) || f.norm != nil || !f.compute(n.Op, meanOf(other), other == n.Inputs[1]) {
				continue
			}
		default:
			continue
		}
		ways[n.Outputs[0]] = f
	}
	return Front{}
}

func hasNumbers(v *onnx.Value) bool { return v != nil && v.Const != nil && len(v.Const.Floats) > 0 }

func meanOf(v *onnx.Value) float64 {
	sum := 0.0
	for _, x := range v.Const.Floats {
		sum += float64(x)
	}
	return sum / float64(len(v.Const.Floats))
}

// compute adds an operator with a constant, which is its second operand or its first, and says whether that is linear.
func (f *Front) compute(op onnx.Op, c float64, second bool) bool {
	f.constants = true
	switch op.(type) {
	case *onnx.Add:
		f.offset += c
	case *onnx.Sub:
		f.offset -= c
		if !second {
			f.scale, f.offset = -f.scale, -f.offset
		}
	case *onnx.Mul:
		f.scale, f.offset = f.scale*c, f.offset*c
	case *onnx.Div:
		if !second || c == 0 {
			return false
		}
		f.scale, f.offset = f.scale/c, f.offset/c
	}
	return f.scale != 0
}

// byConstants is what constants on the way to the first layer tell: they bring pixels to numbers of about 1.
func (f Front) byConstants() *PixelHint {
	const least, most = 0.5, 10 // range of what constants bring pixels to
	if !f.constants {
		return nil
	}
	says := func(r [2]float64) *PixelHint {
		return &PixelHint{Low: r[0], High: r[1], Reason: fmt.Sprintf("the network itself makes x*%.3g%+.3g of a pixel x", f.scale, f.offset)}
	}
	reach := math.Abs(f.scale)
	switch {
	case 255*reach >= least && 255*reach <= most:
		return says(asBytes)
	case f.scale > 0 && reach >= least && reach <= most && f.offset < -0.1*reach && f.offset > -0.9*reach:
		return says(asUnit)
	}
	return nil
}

// byInputStatistics is what BatchNormalization of the input tells.
func (f Front) byInputStatistics() *PixelHint {
	if f.norm == nil || !hasNumbers(f.norm.Inputs[3]) || !hasNumbers(f.norm.Inputs[4]) {
		return nil
	}
	return rangeOf(meanOf(f.norm.Inputs[3]), math.Sqrt(math.Max(0, meanOf(f.norm.Inputs[4]))), fmt.Sprintf("BatchNormalization %q of the input", f.norm.Name))
}

// rangeOf is the range of pixels with a mean and deviation; nil where that is none that is usual.
func rangeOf(mean, deviation float64, where string) *PixelHint {
	says := func(r [2]float64) *PixelHint {
		return &PixelHint{Low: r[0], High: r[1], Reason: fmt.Sprintf("%s saw pixels of about mean %.2g and deviation %.2g", where, mean, deviation)}
	}
	switch {
	case deviation > 16 && deviation < 256:
		return says(asBytes)
	case deviation > 0.05 && deviation < 0.5 && mean > 0.3*deviation:
		return says(asUnit)
	case deviation > 0.25 && deviation < 4:
		return says(asSigned)
	}
	return nil
}

// Neighbouring pixels, and colours of a pixel, are alike: their correlation.
const (
	besideCorrelation = 0.9
	colourCorrelation = 0.9
)

// byStatistics is what BatchNormalization behind a first convolution tells. Weights w of an output channel, which has mean m and variance v,
// make of pixels of mean M and variance V
//
//	m = sum(w) M + bias    v = V sum(w_i w_j r_ij)
//
// with the correlation r of pixels; M fits all channels best, V is the median. A hint without a range has what the first layer's result is alone.
func (f Front) byStatistics(g *onnx.Graph) *PixelHint {
	if f.Layer == nil {
		return nil
	}
	conv, ok := f.Layer.Op.(*onnx.Conv)
	norm, bias := normBehind(g, f.Layer)
	if !ok || norm == nil || len(conv.Kernel) != 2 {
		return nil
	}
	scale, shift, means, variances := norm.Inputs[1], norm.Inputs[2], norm.Inputs[3], norm.Inputs[4]
	for _, v := range []*onnx.Value{scale, shift, means, variances} {
		if !hasNumbers(v) {
			return nil
		}
	}
	w := f.Layer.Inputs[1].Const
	channels := len(means.Const.Floats)
	const most = 1 << 27 // pairs of weights that are looked at
	if len(w.Shape) != 4 || w.Shape[0] != channels || int64(len(w.Floats))*int64(len(w.Floats)/channels) > most {
		return nil
	}
	table := correlations(w.Shape[2], w.Shape[3])
	var sumMean, sumSquare float64
	var ratios []float64
	for ch := range channels {
		kernel := w.Floats[ch*len(w.Floats)/channels:][:len(w.Floats)/channels]
		sum := 0.0
		for _, x := range kernel {
			sum += float64(x)
		}
		v := float64(variances.Const.Floats[ch])
		q := correlated(kernel, w.Shape[2], w.Shape[3], table)
		if !(v > 0) || !(q > 0) {
			continue
		}
		m := float64(means.Const.Floats[ch])
		if bias != nil {
			m -= float64(bias.Const.Floats[ch%len(bias.Const.Floats)])
		}
		sumMean += sum * m / v
		sumSquare += sum * sum / v
		ratios = append(ratios, v/q)
	}
	if len(ratios) == 0 || sumSquare == 0 {
		return nil
	}
	slices.Sort(ratios)
	deviation := math.Sqrt(ratios[len(ratios)/2])
	h := &PixelHint{}
	if !f.constants && f.norm == nil {
		if found := rangeOf(sumMean/sumSquare, deviation, fmt.Sprintf("BatchNormalization %q behind the first layer", norm.Name)); found != nil {
			h = found
		}
	}
	h.Value, h.Mean, h.Deviation = norm.Outputs[0].Name, slices.Clone(shift.Const.Floats), make([]float32, channels)
	for ch, s := range scale.Const.Floats {
		h.Deviation[ch] = float32(math.Abs(float64(s)))
	}
	return h
}

// normBehind is the BatchNormalization that alone reads a layer's result, perhaps after a bias is added; and the bias of both, if any.
func normBehind(g *onnx.Graph, layer *onnx.Node) (norm *onnx.Node, bias *onnx.Value) {
	if len(layer.Inputs) > 2 && hasNumbers(layer.Inputs[2]) {
		bias = layer.Inputs[2]
	}
	consumers := g.Consumers()
	for v := layer.Outputs[0]; len(consumers[v]) == 1; {
		n := consumers[v][0]
		switch n.Op.(type) {
		case *onnx.BatchNormalization:
			if n.Inputs[0] == v {
				return n, bias
			}
			return nil, nil
		case *onnx.Add:
			other := n.Inputs[1]
			if other == v {
				other = n.Inputs[0]
			}
			if bias != nil || !hasNumbers(other) {
				return nil, nil
			}
			bias, v = other, n.Outputs[0]
		default:
			return nil, nil
		}
	}
	return nil, nil
}

// correlations are those of pixels rows and columns apart.
func correlations(rows, columns int) [][]float64 {
	table := make([][]float64, rows)
	for y := range table {
		for x := range columns {
			table[y] = append(table[y], math.Pow(besideCorrelation, math.Hypot(float64(x), float64(y))))
		}
	}
	return table
}

// correlated is sum(w_i w_j r_ij) over a kernel [C][rows][columns].
func correlated(kernel []float32, rows, columns int, table [][]float64) float64 {
	sum := 0.0
	for i, a := range kernel {
		for j, b := range kernel {
			y, x := i/columns%rows-j/columns%rows, i%columns-j%columns
			r := table[max(y, -y)][max(x, -x)]
			if i/(rows*columns) != j/(rows*columns) {
				r *= colourCorrelation
			}
			sum += float64(a) * float64(b) * r
		}
	}
	return sum
}

// byWeights compares the first layer's weights with those of the others.
func (f Front) byWeights(g *onnx.Graph) *PixelHint {
	if f.Layer == nil || f.constants || f.norm != nil {
		return nil
	}
	times := f.times(g)
	switch {
	case times > 0 && times < fewTimes:
		return &PixelHint{Low: asBytes[0], High: asBytes[1], Reason: fmt.Sprintf("the first layer's weights are %.2g times as large as the others'", times)}
	case times > manyTimes:
		return &PixelHint{Low: asUnit[0], High: asUnit[1], Reason: fmt.Sprintf("the first layer's weights are %.2g times as large as the others', as for numbers of about 1", times)}
	}
	return nil
}

// ForSmallNumbers says whether the first layer's weights are about as large as those of the others: it is made for numbers of about 1, not for bytes.
func (f Front) ForSmallNumbers(g *onnx.Graph) bool { return f.times(g) > manyTimes }

// times is how many times larger what the first layer makes of its inputs is than the median of the other layers, for inputs that are
// independent and of one size: by the root mean square of its weights, times that of the number of inputs. It is 0 where there are no others.
func (f Front) times(g *onnx.Graph) float64 {
	if f.Layer == nil {
		return 0
	}
	var others []float64
	for _, n := range g.Nodes {
		if n != f.Layer {
			if gain := gainOf(n); gain > 0 {
				others = append(others, gain)
			}
		}
	}
	if len(others) == 0 {
		return 0
	}
	slices.Sort(others)
	return gainOf(f.Layer) / others[len(others)/2]
}

// gainOf is the root of the sum of squared weights of an output, in the mean; 0 for a node without weights.
func gainOf(n *onnx.Node) float64 {
	outputs := 0
	switch op := n.Op.(type) {
	case *onnx.Conv:
		outputs = 1
	case *onnx.ConvTranspose:
		outputs = 2
	case *onnx.Gemm:
		if outputs = 2; op.TransB {
			outputs = 1
		}
	case *onnx.MatMul:
		outputs = 2
	}
	if outputs == 0 || len(n.Inputs) < 2 || !hasNumbers(n.Inputs[1]) || len(n.Inputs[1].Const.Shape) < 2 {
		return 0
	}
	w := n.Inputs[1].Const
	sum := 0.0
	for _, x := range w.Floats {
		sum += float64(x) * float64(x)
	}
	count := w.Shape[0]
	if outputs == 2 {
		count = w.Shape[len(w.Shape)-1]
		if len(w.Shape) > 2 { // [in][out][kernel]
			count = w.Shape[1]
		}
	}
	return math.Sqrt(sum / float64(max(1, count)))
}
