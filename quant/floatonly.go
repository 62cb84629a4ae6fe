package quant

// otherReduce is why a reduction has no integer form.
const otherReduce = "only sums, means, extremes, norms and logarithms of sums have an integer form"

// FloatOnly says why an operator, by its ONNX name, can be run and trained in float but
// never becomes integer; it is empty for all others.
func FloatOnly(op string) string {
	switch op {
	case "ReduceProd":
		return otherReduce
	case "Hardmax":
		return "it goes on from the position of the largest element, which has an integer form at outputs only"
	}
	return ""
}
