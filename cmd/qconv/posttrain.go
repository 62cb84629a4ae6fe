package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"qconv/finetune"
	"qconv/onnx"
	"qconv/quant"
)

// postTrain makes a float model integer without training: levels, codebooks, biases. It returns the data that it
// looked at, to be closed; none for a network that comes quantized and needs none. Demands, if there are any, choose levels and codebooks of every layer, which
// are returned.
func postTrain(c *cli.Context, m *quant.Model, float *onnx.Graph, calibration finetune.CalibrateConfig, clustering quant.ClusterConfig, d demands) (*samples, []chosenLayer, error) {
	spec := c.String(calibFlag.Name)
	if spec == "" && leveled(m) {
		if err := quant.Cluster(m, clustering); err != nil {
			return nil, nil, err
		}
		if m.Carried() {
			return nil, nil, nil
		}
		return nil, nil, usagef("the weights of this quantized model are not kept with --%s %d: give --%s DATA, or keep all of them", weightsFlag.Name, clustering.Weights, calibFlag.Name)
	}
	if spec == "" {
		return nil, nil, usagef("the model was not fine-tuned: give --%s DATA, or run qconv finetune first", calibFlag.Name)
	}
	data, err := openModelSamples(c, spec, m, share{first: calibration.Samples, others: comparedSamples(float)})
	if err != nil {
		return nil, nil, err
	}
	noteFewCalibration(c, data)
	var chosen []chosenLayer
	if d.any() {
		if chosen, err = chooseLayers(c, m, data, d, nil, &clustering, &calibration); err != nil {
			data.set.Close()
			return nil, nil, err
		}
	}
	done := working(c, "choose ranges, cluster weights")
	defer done()
	if err := quantize(c, m, float, data, calibration, clustering, done); err != nil {
		data.set.Close()
		return nil, nil, err
	}
	return data, chosen, nil
}

// quantize chooses levels, clusters weights and corrects biases; unless it is to be fast, it then makes up for what that has lost. A model
// that was balanced on the way, and lost by that, is made anew as it was. clustered is called when all but that is done.
func quantize(c *cli.Context, m *quant.Model, float *onnx.Graph, data *samples, calibration finetune.CalibrateConfig, clustering quant.ClusterConfig, clustered func()) error {
	same, balanced, err := quantizeOnce(c, m, float, data, calibration, clustering)
	if err != nil {
		return err
	}
	if balanced {
		plain, err := freshModel(m, float.Clone())
		if err != nil {
			return err
		}
		calibration.Unbalanced = true
		if _, _, err := quantizeOnce(c, plain, float, data, calibration, clustering); err != nil {
			return err
		}
		with, err := modelLoss(c.Context, float, m, data)
		if err != nil {
			return err
		}
		without, err := modelLoss(c.Context, float, plain, data)
		if err != nil {
			return err
		}
		if with > clearlyMore*without {
			*m, same = *plain, float
		}
	}
	clustered()
	if c.Bool(fastFlag.Name) {
		return nil
	}
	return reconstruct(c, m, same, data, finetune.PostTrainConfig{Cluster: clustering, Samples: calibration.Samples, Seed: c.Uint64(seedFlag.Name)})
}

// freshModel is a model of a network as it was imported, with what m knows beside its levels and weights.
func freshModel(m *quant.Model, g *onnx.Graph) (*quant.Model, error) {
	fresh, err := quant.NewModel(g)
	if err != nil {
		return nil, err
	}
	fresh.Input, fresh.Pixels, fresh.Labels, fresh.Source, fresh.Producer = m.Input, m.Pixels, m.Labels, m.Source, m.Producer
	return fresh, nil
}

// reconstruct is [finetune.PostTrain] with a progress bar for each of its parts.
func reconstruct(c *cli.Context, m *quant.Model, float *onnx.Graph, data *samples, cfg finetune.PostTrainConfig) error {
	var bar *progress
	cfg.Progress = func(work string, done, all int) {
		if bar == nil || bar.what != work {
			bar.finish()
			bar = newProgress(c.App.ErrWriter, work, map[string]string{"reconstruct": "layers", "distil": "steps"}[work], all)
		}
		bar.update(done)
	}
	found, err := finetune.PostTrain(c.Context, m, float, data, cfg)
	bar.finish()
	if err != nil {
		return err
	}
	if found.Undistilled != nil {
		note(c, "weights are not trained together: %v", found.Undistilled)
	}
	var losses []string
	for _, s := range []finetune.Stage{finetune.StageClustered, finetune.StageReconstructed, finetune.StageDistilled} {
		if loss, ok := found.Loss[s]; ok {
			losses = append(losses, fmt.Sprintf("%s %.3g", s, loss))
		}
	}
	if losses != nil {
		note(c, "loss on %d samples held out: %s; kept: %s", found.Held, strings.Join(losses, ", "), found.Kept)
	}
	return nil
}

// clearlyMore is how many times larger a loss must be to speak against balancing: what it saves may be a small
// part of an output.
const clearlyMore = 1.25

// quantizeOnce returns the float network of the same nodes, too.
func quantizeOnce(c *cli.Context, m *quant.Model, float *onnx.Graph, data *samples, calibration finetune.CalibrateConfig, clustering quant.ClusterConfig) (same *onnx.Graph, balanced bool, err error) {
	found, err := finetune.Calibrate(c.Context, m, data, calibration)
	if err != nil {
		return nil, false, err
	}
	if err := checkCodebooks(c.Args().First(), m, clustering); err != nil {
		return nil, false, err
	}
	if balanced = len(found.Balanced) > 0; balanced {
		float = m.Graph.Clone()
	}
	if err := quant.Cluster(m, clustering); err != nil {
		return nil, false, err
	}
	if clustering.Scope == quant.ScopeGlobal {
		return float, balanced, nil // its biases are centres too
	}
	return float, balanced, finetune.CorrectBias(c.Context, m, float, data, calibration.Samples)
}
