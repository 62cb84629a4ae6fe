package quant

// FloatOnly says why an operator, by its ONNX name, can be run and trained in float but
// never becomes integer; it is empty for all others.
func FloatOnly(op string) string {
	switch op {
	case "Hardmax":
		return "it goes on from the position of the largest element, which has an integer form at outputs only"
	}
	return ""
}
