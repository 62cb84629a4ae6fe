package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/urfave/cli/v2"

	"qconv/finetune"
	"qconv/quant"
	"qconv/runtime/printable"
)

// Figures are worth a warning on fewer than fewSamples, where a share of a half is sure to 4.4 % at best, and where more than oneAnswer of at
// least answered samples get the same class.
const (
	fewSamples = 500
	oneAnswer  = 0.95
	answered   = 20
)

// noteDoubts warns of figures that do not tell what they seem to: of a network, and of the one it was compared with, if any.
func noteDoubts(c *cli.Context, f evalFacts, own finetune.Metrics, other *finetune.Metrics) {
	if own.Samples < fewSamples {
		note(c, "warning: measured on %d samples: figures on fewer than %d are rough, see their 95 %% intervals", own.Samples, fewSamples)
	}
	if f.Task != finetune.TaskClasses || f.Outputs < 2 {
		return
	}
	if f.OneClass != "" {
		note(c, "warning: %s: accuracy on them tells nothing of other classes", f.OneClass)
		return
	}
	stuck, otherStuck := sameAnswer(own), other != nil && sameAnswer(*other)
	switch {
	case stuck && other != nil && !otherStuck:
		note(c, "warning: %s, which those of the network it is compared with do not: it is broken, try more --%s or --%s", f.alikeText(own), levelsFlag.Name, weightsFlag.Name)
	case stuck || otherStuck:
		if !stuck {
			own = *other
		}
		note(c, "warning: %s: %s, which may not be what the network was trained on (--%s, --%s, --%s)", f.alikeText(own), f.Entry, scaleFlag.Name, meanFlag.Name, stdFlag.Name)
	}
}

// sameAnswer says whether nearly all samples get the same class, and their labels do not say so.
func sameAnswer(m finetune.Metrics) bool {
	return m.Samples >= answered && m.Most > oneAnswer && (m.Labelled == 0 || m.MostLabel < m.Most-0.1)
}

func (f evalFacts) alikeText(m finetune.Metrics) string {
	return fmt.Sprintf("%.1f %% of the samples get class %s", 100*m.Most, classText(m.MostClass, f.nameOfClass(m.MostClass)))
}

// nameOfClass is the name of a class; empty where that is its number.
func (f evalFacts) nameOfClass(class int) string {
	if class < len(f.Names) {
		return f.Names[class]
	}
	return ""
}

// plainClass is the name of a class, or its number.
func (f evalFacts) plainClass(class int) string {
	return cmp.Or(f.nameOfClass(class), fmt.Sprint(class))
}

// classText is a class, with its name where it has one.
func classText(class int, name string) string {
	if name != "" {
		return fmt.Sprintf("%d (%s)", class, printable.Name(name))
	}
	return fmt.Sprint(class)
}

// nameOfClass is the name of a class by the data or the network; empty where that is its number.
func (s *samples) nameOfClass(class int) string {
	for _, names := range [][]string{s.set.Classes, s.names} {
		if class < len(names) && names[class] != fmt.Sprint(class) {
			return names[class]
		}
	}
	return ""
}

// plainClass is the name of a class, or its number.
func (s *samples) plainClass(class int) string {
	return cmp.Or(s.nameOfClass(class), fmt.Sprint(class))
}

// entry says how samples enter the network.
func (s *samples) entry() string {
	low, high := math.Inf(1), math.Inf(-1)
	for _, in := range s.set.Inputs() {
		for _, table := range in.Values {
			low, high = math.Min(low, math.Min(float64(table[0]), float64(table[255]))), math.Max(high, math.Max(float64(table[0]), float64(table[255])))
		}
	}
	if low > high {
		return "numbers enter as the data have them"
	}
	return fmt.Sprintf("pixels 0..255 enter as %.4g..%.4g", low, high)
}

// oneClass says that all samples have the same label, and where they are; empty where that is not so.
func oneClass(s *samples) string {
	labels := s.set.Labels
	if len(labels) < 2 || s.task() != finetune.TaskClasses {
		return ""
	}
	for _, l := range labels {
		if l != labels[0] {
			return ""
		}
	}
	return fmt.Sprintf("%s: from %s on, all %d samples are of class %s", printable.Name(s.set.Spec), printable.Text(s.set.Name(0)), len(labels), classText(labels[0], s.nameOfClass(labels[0])))
}

// meaningful are the samples without labels that say nothing of a network: those of a single class, and names of classes for a single number.
func (s *samples) meaningful() *samples {
	if oneClass(s) != "" || s.Labelled() && s.aim.outputs == 1 {
		return s.unlabelled()
	}
	return s
}

// unlabelled are the samples without their labels.
func (s *samples) unlabelled() *samples { return s.with(s.set.Unlabelled()) }

// noteFirstSteps warns of states that the data have nothing for: all samples are a first step then.
func noteFirstSteps(c *cli.Context, m *quant.Model, s *samples) {
	for i, in := range s.set.Inputs() {
		k := slices.IndexFunc(m.States(), func(p quant.StatePair) bool { return p.Input == m.Graph.Inputs[i].Name })
		if k >= 0 && in.Zero() {
			p := m.States()[k]
			note(c, "warning: the data have no state %s, which is zeros: ranges, weights and figures are those of a first step; qconv import --%s W --%s %s=%s makes of the file a network over W steps, for data of as many",
				printable.Name(p.Input), overFlag.Name, stateFlag.Name, printable.Name(p.Input), printable.Name(p.Output))
			return
		}
	}
}

// fewCalibration is how many samples ranges are chosen from at least without a warning.
const fewCalibration = 10

// noteFewCalibration warns of ranges that are chosen from hardly any samples.
func noteFewCalibration(c *cli.Context, s *samples) {
	if n := s.Len(); n < fewCalibration {
		note(c, "warning: %s: %d samples, the last of which is %s, are few to choose ranges from: give %d typical ones or more", printable.Name(s.set.Spec), n, printable.Text(s.set.Name(n-1)), fewCalibration)
	}
}

// checkCodebooks reports, before long work, a layer that codebooks have no room for: all of its weights would become zero, or one number near it.
func checkCodebooks(path string, m *quant.Model, cfg quant.ClusterConfig) error {
	list, err := quant.Vanishing(m, cfg)
	if err != nil || len(list) == 0 {
		return err
	}
	name := list[0].Weights.Name
	for _, l := range m.Layers() {
		if l.Weights == list[0].Weights {
			name = l.Name
		}
	}
	own := cfg.For(list[0].Weights.Name)
	why, remedy := fmt.Sprintf("the largest is %.2g, the next centre %.2g", list[0].Largest, list[0].Next), fmt.Sprintf("give more --%s", weightsFlag.Name)
	if list[0].Next == 0 {
		why = "there is no other centre"
	}
	if cfg.Scope != quant.ScopeLayer {
		remedy += fmt.Sprintf(", or --%s %s", scopeFlag.Name, quant.ScopeLayer)
	}
	if own.Prune > 0 {
		remedy += fmt.Sprintf(", or less --%s", pruneFlag.Name)
	}
	more := ""
	if n := len(list) - 1; n > 0 {
		more = fmt.Sprintf(" (and those of %d more)", n)
	}
	return inputf("%s: layer %s: all %d weights would become %.2g with --%s %d --%s %s%s: %s; %s", printable.Name(path), printable.Name(name),
		list[0].Weights.Shape.Elems(), list[0].Centre, weightsFlag.Name, own.Weights, scopeFlag.Name, cfg.Scope, more, why, remedy)
}
