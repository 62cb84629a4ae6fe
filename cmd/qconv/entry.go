package main

import (
	"fmt"
	"math"
	"slices"

	"github.com/urfave/cli/v2"

	"qconv/finetune"
	"qconv/onnx"
	"qconv/quant"
	"qconv/runtime/printable"
)

// The first layer is looked at on entrySamples samples. What it gives is far from what was seen in training where it varies farOff times more or less, or
// is more than farOff deviations off, in the median of its channels. Where that is not known, its biases tell: biases of more than 1/littleAdded times what inputs add drown
// it, those of less than 1/muchAdded times drown in it. What inputs of another range than the network's bring about is 255 times more or less,
// so that is wide of both.
const (
	entrySamples = 16
	farOff       = 3
	littleAdded  = 0.05
	muchAdded    = 300
	otherRange   = 8 // times wider or narrower
)

// rangeText names a range of pixels, and the flags that bring it about.
func rangeText(h *quant.PixelHint) string {
	switch {
	case h.High > 16:
		return fmt.Sprintf("0..255 as they are, without --%s", scaleFlag.Name)
	case h.Low < 0:
		return fmt.Sprintf("numbers around 0, as in training: -1..1 is --%s 1/127.5 --%s 1, mean 0 and deviation 1 is --%s 1/255 with --%s and --%s",
			scaleFlag.Name, meanFlag.Name, scaleFlag.Name, meanFlag.Name, stdFlag.Name)
	}
	return fmt.Sprintf("0..1, with --%s 1/255", scaleFlag.Name)
}

// contradicts says whether pixels enter in a range that is far from the one a network suggests.
func contradicts(p quant.Preprocess, h *quant.PixelHint) bool {
	times := math.Abs(p.Apply(0, 255)-p.Apply(0, 0)) / (h.High - h.Low)
	return times > otherRange || times < 1.0/otherRange
}

// suggestion is what a network says of its pixels.
func suggestion(h *quant.PixelHint) string {
	return fmt.Sprintf("the network suggests %s (%s)", rangeText(h), printable.Text(h.Reason))
}

// noteEntry warns where samples seem to enter a network otherwise than those that it was trained on. The hint may be nil.
func noteEntry(c *cli.Context, g *onnx.Graph, h *quant.PixelHint, p quant.Preprocess, s *samples) error {
	found, err := firstLayerDoubt(c, g, h, s)
	if err != nil {
		return err
	}
	suggested := ""
	if s.pixels() && h != nil {
		suggested = "; " + suggestion(h)
	}
	switch {
	case found != "":
		note(c, "warning: %s: %s; %s%s", printable.Name(s.set.Spec), found, s.entry(), suggested)
	case !s.pixels():
	case h != nil && contradicts(p, h):
		note(c, "warning: %s%s", s.entry(), suggested)
	case !p.Given && h == nil && !wholeNumbers(g):
		note(c, "warning: no preprocessing was ever given; pixels enter the network as 0..255 (--%s, --%s, --%s change that)", scaleFlag.Name, meanFlag.Name, stdFlag.Name)
	}
	return nil
}

// wholeNumbers says whether all inputs of a network are of whole numbers, such as the indices of words, which no preprocessing is for.
func wholeNumbers(g *onnx.Graph) bool {
	return !slices.ContainsFunc(g.Inputs, func(v *onnx.Value) bool { return v.Type != onnx.Int })
}

// firstLayerDoubt says what is odd about the first layer's results on some of the samples, or nothing.
func firstLayerDoubt(c *cli.Context, g *onnx.Graph, h *quant.PixelHint, s *samples) (string, error) {
	if len(g.Inputs) != 1 {
		return "", nil
	}
	front := quant.FirstLayer(g, g.Inputs[0])
	if front.Layer == nil {
		return "", nil
	}
	at := slices.IndexFunc(g.Nodes, func(n *onnx.Node) bool { return h != nil && n.Outputs[0].Name == h.Value })
	trained := at >= 0 && len(h.Mean) > 0 && quant.Channels(g.Nodes[at].Outputs[0]) == len(h.Mean)
	if !trained {
		at = slices.Index(g.Nodes, front.Layer)
	}
	means, deviations, err := channelsOf(c, g, at, s)
	if err != nil {
		return "", err
	}
	name := front.Layer.Name
	if name == "" {
		name = front.Layer.Inputs[1].Name
	}
	name = printable.Name(name)
	if trained {
		return offTrained(name, means, deviations, h), nil
	}
	return drowned(name, means, deviations, biasesOf(front.Layer, len(means)), s.pixels() && front.ForSmallNumbers(g)), nil
}

// offTrained compares the channels of a first layer with those that were seen in training.
func offTrained(name string, means, deviations []float64, h *quant.PixelHint) string {
	var off, times []float64
	for ch, mean := range means {
		if was := float64(h.Deviation[ch]); was > 0 {
			off = append(off, math.Hypot(mean-float64(h.Mean[ch]), deviations[ch]-was)/was)
			times = append(times, deviations[ch]/was)
		}
	}
	far, wider := median(off), median(times)
	switch {
	case wider > farOff, wider < 1.0/farOff:
		return fmt.Sprintf("what the first layer, %s, gives varies %.3g times as much as in training", name, wider)
	case far > farOff:
		return fmt.Sprintf("what the first layer, %s, gives is %.3g deviations away from that in training", name, far)
	}
	return ""
}

// drowned compares what inputs add to a first layer's results with its biases, which may be none. small says that pixels enter a layer that is
// made for small numbers.
func drowned(name string, means, deviations, biases []float64, small bool) string {
	if biases == nil {
		return ""
	}
	var varied []float64
	for ch, mean := range means {
		varied = append(varied, deviations[ch]/math.Max(math.Abs(mean), math.SmallestNonzeroFloat64))
	}
	bias := rootMeanSquare(biases)
	if bias == 0 {
		return ""
	}
	added := rootMeanSquare(deviations) / bias
	switch {
	case added < littleAdded && median(varied) < littleAdded:
		return fmt.Sprintf("what the first layer, %s, gives hardly depends on the samples: they change it by %.2g times its biases", name, added)
	case added > muchAdded && small:
		return fmt.Sprintf("the biases of the first layer, %s, count for nothing: samples change what it gives by %.3g times as much", name, added)
	}
	return ""
}

// channelsOf are mean and deviation of every channel of what a node gives for some samples.
func channelsOf(c *cli.Context, g *onnx.Graph, at int, s *samples) (means, deviations []float64, err error) {
	value := g.Nodes[at].Outputs[0]
	start := *g
	start.Nodes, start.Outputs = g.Nodes[:at+1], []*onnx.Value{value}
	count := min(entrySamples, s.Len())
	exec, err := finetune.NewExecutor(&start, 1, finetune.ExecOptions{OutputsOnly: true})
	if err != nil {
		return nil, nil, err
	}
	channels := quant.Channels(value)
	sums, squares, n := make([]float64, channels), make([]float64, channels), 0.0
	buffer := newSampleBuffer(s, 1)
	for k := range count {
		if err := c.Context.Err(); err != nil {
			return nil, nil, err
		}
		inputs, err := buffer.load(1, func(int) int { return k * s.Len() / count })
		if err != nil {
			return nil, nil, err
		}
		out, err := exec.Run(inputs...)
		if err != nil {
			return nil, nil, err
		}
		plane := len(out[0]) / channels
		for i, v := range out[0] {
			sums[i/plane] += float64(v)
			squares[i/plane] += float64(v) * float64(v)
		}
		n += float64(plane)
	}
	for ch, sum := range sums {
		means = append(means, sum/n)
		deviations = append(deviations, math.Sqrt(math.Max(0, squares[ch]/n-sum/n*sum/n)))
	}
	return means, deviations, nil
}

// biasesOf are the biases of a layer, as many as channels; nil for none.
func biasesOf(layer *onnx.Node, channels int) []float64 {
	if len(layer.Inputs) < 3 || layer.Inputs[2] == nil || layer.Inputs[2].Const == nil || len(layer.Inputs[2].Const.Floats) != channels {
		return nil
	}
	var biases []float64
	for _, b := range layer.Inputs[2].Const.Floats {
		biases = append(biases, float64(b))
	}
	return biases
}

// median is that of numbers; 1 of none, which is what nothing differs from.
func median(v []float64) float64 {
	if len(v) == 0 {
		return 1
	}
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

func rootMeanSquare(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x * x
	}
	return math.Sqrt(sum / float64(max(1, len(v))))
}
