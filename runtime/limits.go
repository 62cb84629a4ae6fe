package runtime

// Limits of the format (FORMAT.md, "Limits"). They are far above what a small device
// holds; they keep every product within 63 bits and bound the work a file can cause.
const (
	maxFileBytes = 1 << 30
	maxTensors   = 1 << 16
	maxCodebooks = 1 << 16
	maxCentres   = 1 << 16 // of a codebook
	maxSteps     = 1 << 20
	maxBreaks    = 1<<16 - 1 // of a step function
	maxInstrs    = 1 << 16
	maxTerms     = 1 << 12 // of a Linear
	maxPieces    = 1 << 16 // of a Copy
	maxInputs    = 1 << 8
	maxOutputs   = 1 << 8
	maxLabels    = 1 << 16
	maxSelfTests = 1 << 10
	MaxString    = 1 << 10 // bytes of a name or label

	maxIterations = 1 << 24 // of a loop
	maxWarmup     = 1 << 24 // steps of a stream

	maxElems      = 1 << 24 // of a tensor
	maxTotalElems = 1 << 26 // of all tensors
	maxWeights    = 1 << 28 // of all terms
	maxWork       = 1 << 36 // multiply-accumulates, comparisons and moves of one inference
	maxReach      = 1 << 30 // any position computed for a tap, its padding included
	maxExponent   = 1200    // of a Scale, either sign
)

// A file may hold lists that are longer than itself: equal entries take no bits. These
// bound the entries of a file of size bytes.

// maxEntries bounds the entries of all packed lists and tables.
func maxEntries(size int) int64 { return 1<<16 + 8*int64(size) }

// maxFileWeights bounds the weights of all terms.
func maxFileWeights(size int) int64 { return min(1<<20+256*int64(size), maxWeights) }

// missingBytes is how much a file of size bytes must grow to hold that many entries and weights.
func missingBytes(size int, entries, weights int64) int {
	need := max((entries-maxEntries(0)+7)/8, (min(weights, maxWeights)-maxFileWeights(0)+255)/256)
	return int(max(0, need-int64(size)))
}
