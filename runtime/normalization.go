package runtime

import (
	"fmt"
	"math"
	"strings"

	"qconv/runtime/printable"
)

// Normalization is what a program leaves to the reader of an output: the output holds scores, and the network
// whose program it is ends in their Softmax. Scores have the order of the probabilities, so what only wants the
// best class needs nothing more.
type Normalization struct {
	Output int  // position in Program.Outputs
	Log    bool // the logarithm of the probabilities is meant
	// Shape is that of the network's output; a leading 0 stands for the batch.
	Shape []int
	// The output is [outer][Length][Inner]; a Softmax runs over the Length elements of a line, which are Inner apart.
	Length, Inner int
}

// Normalization is what is left to the reader of output i, nil for nothing.
func (p *Program) Normalization(i int) *Normalization {
	for k := range p.Normalizations {
		if n := &p.Normalizations[k]; n.Output == i {
			return n
		}
	}
	return nil
}

// LeftToReader says in words what the reader of the outputs has to do, one line for each output with a normalization.
func (p *Program) LeftToReader() []string {
	var lines []string
	for i := range p.Normalizations {
		n := &p.Normalizations[i]
		lines = append(lines, fmt.Sprintf("output %s holds scores before %v", printable.Name(p.Outputs[n.Output].Name), n))
	}
	return lines
}

// Apply turns scores, in real numbers, into what the network delivers. It is for showing results, and in
// floating point.
func (n *Normalization) Apply(scores []float64) {
	block := n.Length * n.Inner
	for at := range scores {
		if at%block >= n.Inner {
			continue // not the first of a line
		}
		top, sum := math.Inf(-1), 0.0
		for k := range n.Length {
			top = max(top, scores[at+k*n.Inner])
		}
		for k := range n.Length {
			sum += math.Exp(scores[at+k*n.Inner] - top)
		}
		for k := range n.Length {
			v := &scores[at+k*n.Inner]
			if n.Log {
				*v -= top + math.Log(sum)
			} else {
				*v = math.Exp(*v-top) / sum
			}
		}
	}
}

// String says what is left: "Softmax over axis 1 of [N,10]".
func (n *Normalization) String() string {
	name := "Softmax"
	if n.Log {
		name = "LogSoftmax"
	}
	var dims []string
	for d, size := range n.Shape {
		if text := fmt.Sprint(size); d > 0 || size > 0 {
			dims = append(dims, text)
		} else {
			dims = append(dims, "N")
		}
	}
	return fmt.Sprintf("%s over %s of [%s]", name, n.axes(), strings.Join(dims, ","))
}

// axes names the dimensions that a line covers.
func (n *Normalization) axes() string {
	inner := 1
	for last := len(n.Shape) - 1; last >= 0; last-- {
		if inner == n.Inner && n.Shape[last] > 1 || last == 0 {
			length := 1
			for first := last; first >= 0 && n.Shape[first] > 0; first-- {
				length *= n.Shape[first]
				switch {
				case length == n.Length && first == last:
					return fmt.Sprintf("axis %d", last)
				case length == n.Length:
					return fmt.Sprintf("axes %d to %d", first, last)
				}
			}
			break
		}
		inner *= n.Shape[last]
	}
	return fmt.Sprintf("lines of %d elements", n.Length)
}
