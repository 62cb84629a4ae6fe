package finetune

import (
	"context"
	"math"
	"slices"

	"qconv/onnx"
)

// probeValues bounds the outputs of the float network that a probe keeps.
const probeValues = 1 << 24

// probe measures how far networks of the same nodes are from the float network, whose outputs it keeps: the scores of classes, or the first output.
type probe struct {
	data    Data
	samples []int
	exec    *Executor // of the float network
	head    string
	task    Task
	elems   int         // of the head
	steps   int         // that a sample has classes of, see ClassSteps
	want    []float32   // of all samples
	first   [][]float32 // inputs of some samples, for means of values inside
	// square is the mean square of want, variance its variance.
	square, variance float64
	float            Loss
}

// newProbe runs the float network g on at most limit samples, evenly picked; 0 means all.
func newProbe(ctx context.Context, g *onnx.Graph, data Data, limit int, asked Task) (*probe, error) {
	v, task := headFor(g, data, asked)
	p := &probe{data: data, head: v.Name, task: task, elems: v.Shape.Elems(), steps: 1}
	if task == TaskClasses {
		p.steps = ClassSteps(v.Shape)
	}
	if most := max(1, probeValues/p.elems); limit == 0 || limit > most {
		limit = most
	}
	p.samples = evenly(data.Len(), limit)
	var err error
	if p.exec, err = NewExecutor(g, BatchFor(g, min(validationBatch, len(p.samples))), ExecOptions{}); err != nil {
		return nil, err
	}
	p.want = make([]float32, 0, len(p.samples)*p.elems)
	err = p.run(ctx, p.exec, func(b *batch, got []float32) {
		p.want = append(p.want, got...)
		if p.first == nil {
			for _, x := range b.inputs {
				p.first = append(p.first, slices.Clone(x))
			}
		}
	})
	if err != nil {
		return nil, err
	}
	var all moments
	for _, x := range p.want {
		all.add(float64(x))
	}
	p.square, p.variance = all.squares/float64(max(all.n, 1)), all.variance()
	p.float, err = p.measure(ctx, p.exec)
	return p, err
}

// run gives the heads of all samples to use, batch by batch.
func (p *probe) run(ctx context.Context, exec *Executor, use func(b *batch, got []float32)) error {
	return eachBatch(ctx, p.data, inOrder(p.samples, exec.Batch()), func(_ int, b *batch) error {
		if _, err := exec.Run(b.inputs...); err != nil {
			return err
		}
		use(b, exec.Value(p.head))
		return nil
	})
}

// measure compares a network with the float one.
func (p *probe) measure(ctx context.Context, exec *Executor) (Loss, error) {
	divergence, distance := 0.0, 0.0
	same, right, labelled, done := 0, 0, 0, 0 // done are samples, or steps
	elems := p.elems / p.steps
	unused := make([]float32, elems)
	err := p.run(ctx, exec, func(b *batch, got []float32) {
		for s, label := range b.classes(p.steps) {
			x, w := got[s*elems:][:elems], p.want[done*elems:][:elems]
			done++
			distance += squaredDistance(x, w)
			if p.task != TaskClasses {
				continue
			}
			l := classLoss{n: 1, classes: elems, temperature: 1, teacher: 1}
			divergence += l.distil(unused, x, w)
			if Argmax(x) == Argmax(w) {
				same++
			}
			if label >= 0 {
				labelled++
				if Argmax(x) == label {
					right++
				}
			}
		}
	})
	if err != nil {
		return Loss{}, err
	}
	n := float64(max(done, 1))
	distance /= n * float64(elems)
	loss := Loss{Divergence: finite(distance / max(p.square, math.SmallestNonzeroFloat64)), SNR: mostSNR}
	if distance > 0 {
		loss.SNR = math.Max(-mostSNR, math.Min(10*math.Log10(p.variance/finite(distance)), mostSNR))
	}
	if p.task == TaskClasses {
		agreement := float64(same) / n
		loss.Divergence, loss.Agreement = finite(divergence/n), &agreement
		if labelled > 0 {
			accuracy := float64(right) / float64(labelled)
			loss.Accuracy = &accuracy
		}
	}
	return loss, nil
}

// mostSNR is the signal-to-noise ratio of float32 rounding, in decibels.
const mostSNR = 150

// finite is a loss as a number that JSON knows: one that is none, or too large, is the largest.
func finite(loss float64) float64 {
	if math.IsNaN(loss) || loss > math.MaxFloat32 {
		return math.MaxFloat32
	}
	return loss
}
