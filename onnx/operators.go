package onnx

import "slices"

// OperatorInfo says how far an operator of ONNX is supported.
type OperatorInfo struct {
	Name string
	// Since and Until are the opsets it is read in; both are 0 for an operator that is
	// refused.
	Since, Until int
	// Note says what is read of it, or why it is refused; empty if all is read.
	Note string
}

// Operators lists the operators that are known, by name, with a domain and a colon where it is not the default one: those that
// are read, those done at import where shapes are computed, and those refused with a
// reason of their own. Any other operator is refused too.
func Operators() []OperatorInfo {
	var list []OperatorInfo
	for name, e := range ops {
		until := e.until
		if until == 0 {
			until = newestOpset
		}
		list = append(list, OperatorInfo{Name: name, Since: e.since, Until: until, Note: e.note})
	}
	for _, domain := range []string{classical, microsoft, "qonnx.custom_op.channels_last", "qonnx.custom_op.general"} {
		for name, e := range domainOps[domain] {
			list = append(list, OperatorInfo{Name: domain + ":" + name, Since: e.since, Until: e.since, Note: e.note})
		}
	}
	list = append(list, OperatorInfo{Name: "If", Since: minOpset, Until: newestOpset, Note: "condition known when the model is read"})
	list = append(list, OperatorInfo{Name: "Scan", Since: scanOpset, Until: newestOpset, Note: "loops in it read one iteration behind the other"})
	list = append(list, OperatorInfo{Name: "Loop", Since: minOpset, Until: newestOpset, Note: "iterations whose number is known when the model is read"})
	for name := range evaluators {
		if _, ok := ops[name]; !ok {
			list = append(list, OperatorInfo{Name: name, Since: minOpset, Until: newestOpset, Note: "of shapes and constants"})
		}
	}
	for name, why := range refused {
		list = append(list, OperatorInfo{Name: name, Note: why})
	}
	slices.SortFunc(list, func(a, b OperatorInfo) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return list
}

// Reasons that several operators share.
const (
	recurrent = "an LSTM whose weights are codes and whose operands are rounded while it runs; export it as LSTM, before quantization"
	attention = "attention as one operator; export it as MatMul and Softmax (an older opset, or a lower optimization level)"
	dataShape = "the shape of its result depends on the data"
)

// refused are operators with a reason of their own why they are not supported.
var refused = map[string]string{
	"Attention":               attention,
	"DynamicQuantizeLSTM":     recurrent,
	"QAttention":              attention,
	"PackedAttention":         attention,
	"EmbedLayerNormalization": attention,
	"MaxRoiPool":              "regions of interest are computed at run time",
	"MultiHeadAttention":      attention,
	"GroupQueryAttention":     attention,
	"NonMaxSuppression":       dataShape + "; end the network before it",
	"RoiAlign":                "regions of interest are computed at run time",
}
