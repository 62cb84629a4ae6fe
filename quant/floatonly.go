package quant

// Reasons why an operator that the float engine runs has no integer form.
const (
	byStatistic = "divides by a statistic of each sample, which no table of one or two values holds"
	bySelection = "picks by a computed condition"
	otherReduce = "only means, sums, and maxima over positions have an integer form"
)

var floatOnly = map[string]string{
	"Equal":                 bySelection,
	"InstanceNormalization": byStatistic,
	"LRN":                   byStatistic,
	"MatMul":                "only a product with a constant matrix, of samples that are vectors, has an integer form; it is read as Gemm",
	"ReduceL1":              otherReduce,
	"ReduceL2":              otherReduce,
	"ReduceLogSum":          otherReduce,
	"ReduceLogSumExp":       otherReduce,
	"ReduceMin":             otherReduce,
	"ReduceProd":            otherReduce,
	"ReduceSumSquare":       otherReduce,
	"Where":                 bySelection,
}

// FloatOnly says why an operator, by its ONNX name, can be run and trained in float but
// never becomes integer; it is empty for all others.
func FloatOnly(op string) string { return floatOnly[op] }
