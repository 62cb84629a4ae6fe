package main

import (
	"github.com/urfave/cli/v2"

	"qconv/finetune"
	"qconv/onnx"
	qrt "qconv/runtime"
)

var taskFlag = &cli.StringFlag{Name: "task", Category: catData, Usage: "what the outputs are: `KIND` classes (scores of them) or values (numbers, as in regression); without it told by the data and the network"}

// aim is what the first output of a network means.
type aim struct {
	outputs int // elements of one sample
	steps   int // of a sequence of outputs; 0 where there is one for the sample
	copies  bool
	asked   finetune.Task // by --task
	looks   finetune.Task // by the network alone
}

// readTask reads --task, where the command has it.
func readTask(c *cli.Context) (finetune.Task, error) {
	switch t := finetune.Task(c.String(taskFlag.Name)); t {
	case finetune.TaskAuto, finetune.TaskClasses, finetune.TaskValues:
		return t, nil
	default:
		return "", usagef("flag --%s: got %q, want %s or %s", taskFlag.Name, t, finetune.TaskClasses, finetune.TaskValues)
	}
}

// networkAim is that of a network.
func networkAim(c *cli.Context, g *onnx.Graph) (aim, error) {
	asked, err := readTask(c)
	a := aim{outputs: g.Outputs[0].Shape.Elems(), steps: outputSteps(g), asked: asked, looks: finetune.TaskOf(g)}
	a.copies = len(g.Inputs) == 1 && g.Inputs[0].Shape.Elems() == a.outputs
	return a, err
}

// programAim is that of a program: classes where it is followed by a Softmax or has names of classes, numbers where there is one, where they are no vector, as many
// as go in, or have levels, as behind a nonlinearity.
func programAim(c *cli.Context, p *qrt.Program) (aim, error) {
	asked, err := readTask(c)
	out := &p.Tensors[p.Outputs[0].Tensor]
	a := aim{outputs: out.Elems(), steps: programSteps(p), asked: asked, looks: finetune.TaskClasses}
	a.copies = len(p.Inputs) == 1 && p.SampleBytes() == a.outputs
	switch {
	case p.Normalization(0) != nil, len(p.Labels) > 1 && len(p.Labels) == a.outputs:
	case max(out.Shape[0], out.Shape[1], out.Shape[2]) < a.outputs, a.outputs == 1, a.copies, out.Levels > 0:
		a.looks = finetune.TaskValues
	}
	return a, err
}

// numbers says that what data say of a sample are numbers, although they may look like classes.
func (a aim) numbers() bool {
	return a.asked == finetune.TaskValues || a.asked == finetune.TaskAuto && a.outputs == 1
}

// task is what the first output means, given the data.
func (s *samples) task() finetune.Task {
	switch {
	case s.aim.asked != finetune.TaskAuto:
		return s.aim.asked
	case s.set.Targets != nil:
		return finetune.TaskValues
	case s.set.StepLabels != nil:
		return finetune.TaskClasses
	}
	return s.aim.looks
}

// Target is what the output of sample i should be, or nil.
func (s *samples) Target(i int) []float32 {
	if s.set.Targets == nil {
		return nil
	}
	return s.set.Targets[i]
}

// known says whether data say what the outputs should be: labels, targets, or that they should be the inputs.
func (s *samples) known() bool {
	return s.set.Targets != nil || s.aim.copies && s.task() == finetune.TaskValues || s.Labelled()
}
