package quant

import (
	"fmt"
	"maps"
	"math"
	"math/bits"
	"slices"
)

// Scope says which weights share a codebook.
type Scope string

const (
	// ScopeLayer gives every weight tensor a codebook of its own.
	ScopeLayer Scope = "layer"
	// ScopeNetwork has one codebook over weights divided by their tensor's root mean
	// square; the tensor's scale is free, as it sits in the requantization.
	ScopeNetwork Scope = "network"
	// ScopeGlobal has one codebook over raw weights and biases, as in the paper.
	ScopeGlobal Scope = "global"
)

// Method says how centres are found.
type Method string

const (
	MethodKMeans    Method = "kmeans"
	MethodLaplacian Method = "laplacian"
)

// Kind says which centres a codebook may have.
type Kind string

const (
	// KindFree allows any centres.
	KindFree Kind = "free"
	// KindInteger has evenly spaced centres, the integers -W/2 .. W-1-W/2 times one scale:
	// the codebook for which the fastest kernels exist. Two and four centres are odd integers, which lie evenly
	// around zero: -1, 1 and -3, -1, 1, 3.
	KindInteger Kind = "integer"
	// KindCheap has the centres that are worth their price in additions and in bits: see
	// ClusterConfig.DigitPrice and EntropyPrice.
	KindCheap Kind = "cheap"
)

// UnitScope says which weights share the unit of an integer codebook.
type UnitScope string

const (
	// UnitTensor: all of a tensor.
	UnitTensor UnitScope = "layer"
	// UnitChannel: those of an output channel. Its thresholds take the unit up, so it costs no addition, but where other terms
	// join the accumulator: the integers are then brought to the unit of these. For KindInteger in
	// ScopeLayer; where an accumulator is an output of the network, its channels share a unit.
	UnitChannel UnitScope = "channel"
)

// ClusterConfig says how weights become few.
type ClusterConfig struct {
	Weights  int    // centres per codebook, 2..65536
	Scope    Scope  // which weights share a codebook
	Codebook Kind   // which centres are allowed
	Method   Method // how free centres are found
	// Units says what has a unit of its own; empty is UnitTensor.
	Units UnitScope
	// Bits is the width of the signed integer a free centre becomes, 2..16; 0 chooses
	// [DefaultBits], and for ScopeGlobal more: see [ClusterConfig.CentreBits].
	Bits int
	// DigitPrice and EntropyPrice are what one more addition per weight, and one more bit
	// per weight, may cost in squared error relative to the weights' mean square; for
	// KindCheap. 0 or more.
	DigitPrice, EntropyPrice float64
	// Prune is the share of the weights of every codebook, 0 up to but not 1, that become
	// zero: those of least magnitude. Not for ScopeGlobal, whose codebook holds biases too.
	Prune float64
	// Layers gives single weight tensors, by name, a codebook of their own; for ScopeLayer.
	Layers map[string]LayerCodebook
}

// LayerCodebook is what a single layer's codebook has of its own; zero fields are as in the
// rest of the network.
type LayerCodebook struct {
	Weights  int
	Codebook Kind
	Prune    float64
	// Frozen keeps the layer as it is: where its weights are drawn from a codebook already,
	// they and the codebook stay to the bit. Others are clustered once and not trained.
	Frozen bool
}

// For is the configuration of one weight tensor.
func (c ClusterConfig) For(name string) ClusterConfig {
	own := c.Layers[name]
	if own.Weights != 0 {
		c.Weights = own.Weights
	}
	if own.Codebook != "" {
		c.Codebook = own.Codebook
	}
	if own.Prune != 0 {
		c.Prune = own.Prune
	}
	c.Layers = nil
	return c
}

// DefaultClusterConfig returns 256 k-means centres per layer.
func DefaultClusterConfig() ClusterConfig {
	return ClusterConfig{Weights: 256, Scope: ScopeLayer, Codebook: KindFree, Method: MethodKMeans, DigitPrice: 2e-3, EntropyPrice: 1e-3}
}

// Validate reports the fields that are out of range.
func (c ClusterConfig) Validate() error {
	var problems []string
	if c.Weights < 2 || c.Weights > 65536 {
		problems = append(problems, fmt.Sprintf("weights: got %d, want 2..65536", c.Weights))
	}
	if !slices.Contains([]Scope{ScopeLayer, ScopeNetwork, ScopeGlobal}, c.Scope) {
		problems = append(problems, fmt.Sprintf("scope: got %q, want layer, network or global", c.Scope))
	}
	if !slices.Contains([]Kind{KindFree, KindInteger, KindCheap}, c.Codebook) {
		problems = append(problems, fmt.Sprintf("codebook: got %q, want free, integer or cheap", c.Codebook))
	}
	if !(c.DigitPrice >= 0) || !(c.EntropyPrice >= 0) {
		problems = append(problems, fmt.Sprintf("prices: got %g a digit and %g a bit, want 0 or more", c.DigitPrice, c.EntropyPrice))
	}
	if !(c.Prune >= 0 && c.Prune < 1) {
		problems = append(problems, fmt.Sprintf("prune: got %g, want 0 up to, but not, 1", c.Prune))
	}
	if c.Prune > 0 && c.Scope == ScopeGlobal {
		problems = append(problems, "prune: a codebook of scope global holds biases, which are not pruned; use scope layer or network")
	}
	if c.Method != MethodKMeans && c.Method != MethodLaplacian {
		problems = append(problems, fmt.Sprintf("method: got %q, want kmeans or laplacian", c.Method))
	}
	if c.Units != "" && c.Units != UnitTensor && c.Units != UnitChannel {
		problems = append(problems, fmt.Sprintf("units: got %q, want layer or channel", c.Units))
	}
	if c.Units == UnitChannel && (c.Scope != ScopeLayer || c.Codebook != KindInteger || c.Prune > 0) {
		problems = append(problems, "units: channels have units of their own only with codebook integer, scope layer and no pruning")
	}
	if c.Bits != 0 && (c.Bits < 2 || c.Bits > 16) {
		problems = append(problems, fmt.Sprintf("centre bits: got %d, want 2..16, or 0 to choose", c.Bits))
	}
	if len(c.Layers) > 0 && c.Scope != ScopeLayer {
		problems = append(problems, fmt.Sprintf("layers: got codebooks of single layers with scope %q, want scope layer", c.Scope))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Layers)) {
		if err := c.For(name).Validate(); err != nil {
			problems = append(problems, fmt.Sprintf("layer %q: %v", name, err))
		}
	}
	return joinProblems("quant: clustering", problems)
}

// DefaultBits is the centre width for w centres: 8 bits up to 256 of them, 11 for 1000, at
// most 16. It is a compromise: the fewer bits, the fewer additions a weight costs, and centres
// that lie closer together than the integers are merged.
func DefaultBits(w int) int {
	if w <= 256 {
		return 8
	}
	return min(bits.Len(uint(w-1))+1, 16)
}

// globalBits is the least width of the centres of raw weights: layers of small weights share the unit with
// biases many times as large.
const globalBits = 12

// CentreBits is the width in force of the signed integers that free centres become, at most 16.
func (c ClusterConfig) CentreBits() int {
	switch {
	case c.Bits != 0:
		return c.Bits
	case c.Scope == ScopeGlobal:
		return min(max(globalBits, DefaultBits(c.Weights)+2), 16)
	}
	return DefaultBits(c.Weights)
}

// Fitted is a codebook as it was found for some weights.
type Fitted struct {
	// Centres are real numbers, ascending: where a later fit may start.
	Centres []float64
	// Ints are the centres as integers, ascending and distinct; a weight is Unit times one.
	Ints []int32
	Unit float64
	// Units, one for each output channel, are in place of Unit, which is the largest of them then; nil where all
	// channels have the same.
	Units []float64
	// Threshold is the magnitude up to which weights become zero, whatever centre is
	// nearest; 0 where nothing is pruned.
	Threshold float64
}

// Fit is [ClusterConfig.FitWeighed] of weights that count alike.
func (c ClusterConfig) Fit(weights []float32, warm []float64, iterations int) Fitted {
	return c.FitWeighed(weights, nil, warm, iterations)
}

// FitWeighed finds the codebook of weights, which must be finite and not empty. The error of each counts
// by its importance where k-means finds the centres and nothing is pruned; nil means alike. K-means starts from
// the centres of an earlier fit where there are some (a warm start), and then does
// at most the given number of iterations; 0 means as many as it takes.
func (c ClusterConfig) FitWeighed(weights, importance []float32, warm []float64, iterations int) Fitted {
	var f Fitted
	if c.Prune > 0 {
		importance = nil
		f.Threshold = pruneThreshold(weights, c.Prune)
		weights = beyond(weights, f.Threshold)
		if len(weights) == 0 {
			return Fitted{Centres: []float64{0}, Ints: []int32{0}, Unit: 1, Threshold: f.Threshold}
		}
	}
	if c.Codebook == KindInteger {
		if k := len(warm); k == c.Weights {
			f.Ints = integersAround(k)
			f.Unit = refitUnit(weights, f.Ints, (warm[k-1]-warm[0])/float64(f.Ints[k-1]-f.Ints[0]), max(iterations, 1))
		} else {
			f.Ints, f.Unit = integerCentres(weights, c.Weights)
		}
		f.Centres = Expand(f.Ints, f.Unit)
		return f
	}
	switch {
	case c.Method == MethodLaplacian:
		f.Centres = laplacianCentres(weights, c.Weights)
	case len(warm) > 0:
		f.Centres = kMeans(weights, c.Weights, kMeansOptions{Start: warm, Iterations: iterations, Importance: importance})
	default:
		f.Centres = kMeans(weights, c.Weights, kMeansOptions{Importance: importance})
	}
	if c.exactZero() {
		f.Centres = withZero(f.Centres, c.Weights)
	}
	if unit := grid(weights, c.reach()); unit > 0 {
		if ints, unit := onGrid(weights, unit, c.CentreBits(), c.exactZero()); len(ints) <= c.Weights {
			f.Ints, f.Unit = ints, unit // the weights were quantized before, and stay what they are
			return f
		}
	}
	f.Ints, f.Unit = Snap(f.Centres, c.CentreBits())
	if c.Codebook == KindCheap {
		f.Ints = cheapCentres(weights, f.Ints, f.Unit, c)
	}
	return f
}

// zeroFree is the number of centres from which one of them at zero costs no accuracy.
const zeroFree = 64

// exactZero says whether zero is to be a centre: it costs no addition, but with few centres
// it costs accuracy.
func (c ClusterConfig) exactZero() bool {
	return c.Prune > 0 || c.Codebook == KindCheap || c.Weights >= zeroFree
}

// withZero makes zero one of at most k ascending centres: a further one where there is room,
// otherwise in place of the nearest.
func withZero(centres []float64, k int) []float64 {
	i, found := slices.BinarySearch(centres, 0)
	switch {
	case found:
	case len(centres) < k:
		centres = slices.Insert(centres, i, 0)
	default:
		centres[Nearest(centres, 0)] = 0
	}
	return centres
}

// integerCentres are the k integers around zero with the unit that minimizes the squared
// error of the weights.
func integerCentres(weights []float32, k int) (ints []int32, unit float64) {
	ints = integersAround(k)
	sorted := sortedSample(weights)
	largest := math.Max(math.Abs(sorted[0]), math.Abs(sorted[len(sorted)-1]))
	if largest == 0 {
		return ints, 1
	}
	reach := math.Max(float64(ints[k-1]), 0.5)
	factor := minimize(0.05, 1, func(f float64) float64 { return squaredError(sorted, Expand(ints, f*largest/reach)) })
	return ints, factor * largest / reach
}

// integersAround are -k/2 .. k-1-k/2, or, where zero would take too much of so few, odd.
func integersAround(k int) []int32 {
	ints := make([]int32, k)
	for i := range ints {
		ints[i] = int32(i - k/2)
		if k == 2 || k == 4 {
			ints[i] = int32(2*i - (k - 1))
		}
	}
	return ints
}

// refitUnit improves a unit step by step: weights are assigned to their nearest integer, and the
// unit becomes the least-squares fit, sum(w*c) / sum(c*c). Unlike a search for the best unit
// of all it never jumps.
func refitUnit(weights []float32, ints []int32, unit float64, iterations int) float64 {
	even := EvenlySpaced(ints)
	for range iterations {
		products, squares := 0.0, 0.0
		for _, w := range weights {
			c := even.Nearest(float64(w) / unit)
			products += float64(w) * c
			squares += c * c
		}
		if !(products > 0) {
			return unit
		}
		unit = products / squares
	}
	return unit
}

// Snap rounds centres to integers of the given signed width in a unit of their own:
// unit*ints[i] is within unit/2 of a centre. Centres that fall together are merged, so
// ints may be shorter than centres.
func Snap(centres []float64, bits int) (ints []int32, unit float64) {
	largest := 0.0
	for _, c := range centres {
		largest = math.Max(largest, math.Abs(c))
	}
	if largest == 0 {
		return []int32{0}, 1
	}
	unit = largest / float64(int(1)<<(bits-1)-1)
	for _, c := range centres {
		ints = append(ints, int32(math.Round(c/unit)))
	}
	slices.Sort(ints)
	return slices.Compact(ints), unit
}

// onGrid are the integers that weights are times the unit, which becomes as fine as the signed width allows: biases are
// rounded to it as well. It is divided by a power of two, so that sums which lie halfway between two levels still do. Zero is one of them where it is asked for.
func onGrid(weights []float32, unit float64, bits int, zero bool) (ints []int32, finer float64) {
	if zero {
		ints = append(ints, 0)
	}
	for _, w := range weights {
		ints = append(ints, int32(math.Round(float64(w)/unit)))
	}
	slices.Sort(ints)
	ints = slices.Compact(ints)
	top, factor := max(-ints[0], ints[len(ints)-1]), int32(1)
	for 2*factor*top < 1<<(bits-1) {
		factor *= 2
	}
	for i := range ints {
		ints[i] *= factor
	}
	return ints, unit / float64(factor)
}

// Expand returns the real values unit*ints, ascending.
func Expand(ints []int32, unit float64) []float64 {
	out := make([]float64, len(ints))
	for i, c := range ints {
		out[i] = unit * float64(c)
	}
	return out
}

// Nearest is the position of the centre nearest to v, the upper one of two equally near.
// Centres ascend.
func Nearest(centres []float64, v float64) int {
	i, _ := slices.BinarySearch(centres, v)
	switch {
	case i == 0:
		return 0
	case i == len(centres):
		return i - 1
	case v-centres[i-1] < centres[i]-v:
		return i - 1
	}
	return i
}
