package onnx

import "slices"

// Runtimes and training tools have domains of their own. Their operators are read as those of ONNX that
// compute the same.

const (
	classical = "ai.onnx.ml"    // scikit-learn's converters, whose scalers may stand around a network
	microsoft = "com.microsoft" // ONNX Runtime, whose optimizer writes fused and quantized operators

	// contribOpset is the version of ONNX whose operators those of other domains follow.
	contribOpset = 17
)

// domainOps are the supported operators of other domains.
var domainOps = map[string]map[string]opEntry{
	microsoft: {
		"BiasGelu":                         {since: 1, say: sayBiasGelu},
		"FastGelu":                         {since: 1, say: sayFastGelu},
		"FusedConv":                        {since: 1, say: sayFusedConv},
		"FusedGemm":                        {since: 1, say: sayFusedGemm},
		"FusedMatMul":                      {since: 1, say: sayFusedMatMul, note: "transposed matrices of rank 2 or more"},
		"Gelu":                             {since: 1, read: plain[Gelu]},
		"MatMulNBits":                      {since: 1, say: sayMatMulNBits, note: "constant weights of 2, 4 or 8 bits"},
		"NhwcMaxPool":                      {since: 1, say: sayNhwcMaxPool},
		"Pad":                              {since: 1, read: readPad, note: "constant pads"},
		"QuickGelu":                        {since: 1, say: sayQuickGelu},
		"SkipLayerNormalization":           {since: 1, say: saySkipNormalization(false)},
		"SkipSimplifiedLayerNormalization": {since: 1, say: saySkipNormalization(true)},

		"DequantizeLinear":         {since: 1, say: sayDequantizeLinear},
		"DynamicQuantizeMatMul":    {since: 1, say: sayDynamicQuantizeMatMul, note: dynamicTwin},
		"MatMulIntegerToFloat":     {since: 1, say: sayMatMulIntegerToFloat, note: "constant second operand"},
		"QGemm":                    {since: 1, say: sayQGemm, note: "constant second operand"},
		"QLinearAdd":               {since: 1, say: sayQLinearPair(func() Op { return &Add{} })},
		"QLinearAveragePool":       {since: 1, say: sayQLinearPool(func(r *nodeReader) Op { return readAveragePool(r) })},
		"QLinearConcat":            {since: 1, say: sayQLinearConcat},
		"QLinearGlobalAveragePool": {since: 1, say: sayQLinearPool(func(*nodeReader) Op { return &GlobalAveragePool{} })},
		"QLinearLeakyRelu":         {since: 1, say: sayQLinearScalar(readLeakyRelu)},
		"QLinearMul":               {since: 1, say: sayQLinearPair(func() Op { return &Mul{} })},
		"QLinearReduceMean":        {since: 1, say: sayQLinearReduceMean},
		"QLinearSigmoid":           {since: 1, say: sayQLinearScalar(plain[Sigmoid])},
		"QLinearSoftmax":           {since: 1, say: sayQLinearSoftmax},
		"QLinearWhere":             {since: 1, say: sayQLinearWhere},
		"QuantizeLinear":           {since: 1, say: sayQuantizeLinear},
	},
	classical: {
		"Normalizer": {since: 1, say: sayNormalizer},
		"Scaler":     {since: 1, say: sayScaler},
		"ZipMap":     {since: 1, say: sayZipMap, note: "read as its scores, without names"},
	},
	"onnx.brevitas":                 quantizers,
	"qonnx.custom_op.general":       quantizers,
	"qonnx.custom_op.channels_last": channelsLastOps,
	"finn.custom_op.general":        quantizers,
}

// aboutDomain says why an operator of a domain, which none of its tables has, is refused.
func aboutDomain(domain string) string {
	switch domain {
	case classical:
		return "an operator of classical machine learning (trees, encoders, labels); qconv takes networks: give it the part of the model that is one, which --output NAME ends at a value before this node"
	case "com.microsoft.nchwc", "com.ms.internal.nhwc":
		return "a layout that ONNX Runtime makes for one processor: save the model with a lower optimization level (extended)"
	case "ai.onnx.preview.training", "ai.onnx.training":
		return "training, want a network for inference"
	}
	return "the operator is not supported, and the file does not say what it computes (no function of that name)"
}

func sayBiasGelu(r *nodeReader, s *spelling) *Value {
	if r.arity(2, 2); r.wrong(s) {
		return nil
	}
	return s.add(&Gelu{}, s.add(&Add{}, r.in[0], r.in[1]))
}

// sayFastGelu is the approximation by a tangent, with or without a bias.
func sayFastGelu(r *nodeReader, s *spelling) *Value {
	if r.arity(1, 2); r.wrong(s) {
		return nil
	}
	x := r.in[0]
	if r.given(1) {
		x = s.add(&Add{}, x, r.in[1])
	}
	return s.add(&Gelu{Tanh: true}, x)
}

func sayQuickGelu(r *nodeReader, s *spelling) *Value {
	alpha := r.float("alpha", 1.702)
	if r.arity(1, 1); r.wrong(s) {
		return nil
	}
	x := r.in[0]
	gate := x
	if alpha != 1 {
		gate = s.add(&Mul{}, x, s.number(alpha))
	}
	return s.add(&Mul{}, x, s.add(&Sigmoid{}, gate))
}

// arity notes if the node does not have between lo and hi operands.
func (r *nodeReader) arity(lo, hi int) {
	if err := arity(r.shapes, lo, hi); err != nil {
		r.failf("%w", err)
	}
}

// fused adds the activation that a fused operator has behind it. Its parameters are attributes of the node: a
// list, or one each.
func (r *nodeReader) fused(s *spelling, x *Value) *Value {
	params := r.floats("activation_params")
	for i, name := range []string{"activation_alpha", "activation_beta", "activation_gamma"} {
		if r.has(name) && len(params) == i {
			params = append(params, r.bound(name, 0))
		}
		r.ignore(name)
	}
	param := func(i int, def float64) float64 {
		if i < len(params) {
			return params[i]
		}
		return def
	}
	var op Op
	switch name := r.text("activation", ""); name {
	case "":
		return x
	case "Relu":
		op = &Relu{}
	case "Tanh":
		op = &Tanh{}
	case "Sigmoid":
		op = &Sigmoid{}
	case "LeakyRelu":
		op = &LeakyRelu{Alpha: param(0, 0.01)}
	case "Clip":
		op = &Clip{Min: param(0, 0), Max: param(1, 6)}
	case "HardSigmoid":
		op = &HardSigmoid{Alpha: param(0, 0.2), Beta: param(1, 0.5)}
	case "Elu":
		op = &Elu{Alpha: param(0, 1)}
	case "Softplus":
		op = &Softplus{}
	case "Softsign":
		op = &Softsign{}
	case "ThresholdedRelu":
		op = &ThresholdedRelu{Alpha: param(0, 1)}
	default:
		r.refusef("activation %q", name)
		return x
	}
	return s.add(op, x)
}

// sayFusedConv is a Conv, to which operand 3 is added, and an activation.
func sayFusedConv(r *nodeReader, s *spelling) *Value {
	op := readConv(r)
	if r.arity(2, 4); r.wrong(s) {
		return nil
	}
	operands := r.in[:2]
	if r.given(2) {
		operands = r.in[:3]
	}
	y := s.add(op, operands...)
	if r.given(3) {
		y = s.add(&Add{}, y, r.in[3])
	}
	return r.fused(s, y)
}

func sayFusedGemm(r *nodeReader, s *spelling) *Value {
	op := readGemm(r)
	if r.arity(2, 3); r.wrong(s) {
		return nil
	}
	return r.fused(s, s.add(op, r.in...))
}

func sayFusedMatMul(r *nodeReader, s *spelling) *Value {
	alpha := r.float("alpha", 1)
	swap := []bool{r.bool("transA", false), r.bool("transB", false)}
	if r.bool("transBatchA", false) || r.bool("transBatchB", false) {
		r.refusef("operands whose batch is not first")
	}
	if r.arity(2, 2); r.wrong(s) {
		return nil
	}
	var operands []*Value
	for i, v := range r.in {
		if n := len(v.Shape); swap[i] && n > 1 {
			perm := span(n, 1)
			perm[n-1], perm[n-2] = n-2, n-1
			v = s.transpose(v, perm...)
		}
		operands = append(operands, v)
	}
	y := s.add(&MatMul{}, operands...)
	if alpha != 1 {
		y = s.add(&Mul{}, y, s.number(alpha))
	}
	return y
}

// channelsFirst moves the channels of a tensor from the last dimension to dimension 1, and channelsLast back.
func (s *spelling) channelsFirst(x *Value) *Value {
	n := len(x.Shape)
	if n < 3 {
		return x
	}
	return s.transpose(x, slices.Concat([]int{0, n - 1}, span(n, 1)[1:n-1])...)
}

func (s *spelling) channelsLast(x *Value) *Value {
	n := len(x.Shape)
	if n < 3 {
		return x
	}
	return s.transpose(x, slices.Concat([]int{0}, span(n, 1)[2:], []int{1})...)
}

// channelsLastOps are operators of the default domain on tensors whose channels are last, weights too.
var channelsLastOps = map[string]opEntry{
	"BatchNormalization": {since: 1, say: sayChannelsLast(readBatchNormalization, 1)},
	"Conv":               {since: 1, say: sayChannelsLast(readConv, 2)},
	"MaxPool":            {since: 1, say: sayChannelsLast(readMaxPool, 1)},
}

// sayChannelsLast puts an operator between movements of the channels of its first operands, and of its result.
func sayChannelsLast(read func(*nodeReader) Op, moved int) phrase {
	return func(r *nodeReader, s *spelling) *Value {
		if r.arity(moved, 5); r.wrong(s) {
			return nil
		}
		in := slices.Clone(r.in)
		for i := range moved {
			in[i] = s.channelsFirst(in[i])
		}
		r.shapes = nil
		for _, v := range in {
			if v == nil {
				r.shapes = append(r.shapes, nil)
				continue
			}
			r.shapes = append(r.shapes, v.shape())
		}
		op := read(r)
		if r.wrong(s) {
			return nil
		}
		return s.channelsLast(s.add(op, in...))
	}
}

// sayNhwcMaxPool pools codes, or numbers, whose channels are last.
func sayNhwcMaxPool(r *nodeReader, s *spelling) *Value {
	if r.arity(1, 1); r.wrong(s) {
		return nil
	}
	r.made, r.codes = r.codes[0], nil
	x := s.channelsFirst(r.in[0])
	r.shapes = []Shape{x.shape()}
	op := readMaxPool(r)
	if r.wrong(s) {
		return nil
	}
	return s.channelsLast(s.add(op, x))
}

// saySkipNormalization normalizes the sum of operands 0 and 1, which is result 3 too. Operands behind them are
// scale, bias (not with root) and what is added to the sum.
func saySkipNormalization(root bool) phrase {
	return func(r *nodeReader, s *spelling) *Value {
		epsilon := r.float("epsilon", 1e-12)
		last := 4
		if root {
			last = 3
		}
		if r.arity(3, last+1); r.wrong(s) {
			return nil
		}
		x := s.add(&Add{}, r.in[0], r.in[1])
		if r.given(last) {
			x = s.add(&Add{}, x, r.in[last])
		}
		if len(x.Shape) == 0 {
			r.failf("operands without dimensions")
			return nil
		}
		r.also(3, x)
		operands := []*Value{x, r.in[2]}
		if !root && r.given(3) {
			operands = append(operands, r.in[3])
		}
		return s.add(&LayerNormalization{Axis: len(x.Shape) - 1, Epsilon: epsilon, RootMean: root}, operands...)
	}
}
