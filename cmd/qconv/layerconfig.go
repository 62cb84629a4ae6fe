package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"qconv/finetune"
	"qconv/quant"
	"qconv/runtime/printable"
)

var configFlag = &cli.StringFlag{Name: "config", Category: catQuant, Usage: "`FILE.json` that sets levels, weights and codebook of single layers"}

// layerConfig is the file of --config. Layers are named by their node or by their weights,
// values by their name, as inspect lists them.
type layerConfig struct {
	Layers map[string]layerSettings `json:"layers"`
	Levels map[string]int           `json:"levels"` // by value: how many
}

// layerSettings is what a single layer has of its own; what is left out is as in the rest of
// the network.
type layerSettings struct {
	Weights  int        `json:"weights"`
	Codebook quant.Kind `json:"codebook"`
	Prune    float64    `json:"prune"`
	Freeze   bool       `json:"freeze"`
	// Levels is how many values the layer's result takes once it is rounded.
	Levels int `json:"levels"`
}

// applyLayerConfig reads --end-weights and the file of --config, which goes before, if there are any, into the configurations of a
// model's quantization.
func applyLayerConfig(c *cli.Context, m *quant.Model, cluster *quant.ClusterConfig, calibrate *finetune.CalibrateConfig) error {
	if n := c.Int(endWeightsFlag.Name); n != 0 {
		if n < 0 {
			return usagef("flag --%s: got %d, want 2 or more, or 0", endWeightsFlag.Name, n)
		}
		cluster.Layers = endLayers(m, n)
		if err := cluster.Validate(); err != nil {
			return asUsage(err)
		}
	}
	path := c.String(configFlag.Name)
	if path == "" {
		return nil
	}
	file, err := readLayerConfig(path)
	if err != nil {
		return err
	}
	if err := file.apply(m, cluster, calibrate); err != nil {
		return inputf("%s: %w", printable.Name(path), err)
	}
	return nil
}

// endLayers gives n weights to the layers that read an input of the network or whose result is not rounded, being an output.
func endLayers(m *quant.Model, n int) map[string]quant.LayerCodebook {
	out := map[string]quant.LayerCodebook{}
	for _, l := range m.Layers() {
		if m.InputRead(l.Node) != nil || l.Site == nil {
			out[l.Weights.Name] = quant.LayerCodebook{Weights: n}
		}
	}
	return out
}

func readLayerConfig(path string) (*layerConfig, error) {
	text, err := readText(path, "a JSON file")
	if err != nil {
		return nil, err
	}
	file := &layerConfig{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(file); err != nil {
		return nil, inputf("%s: byte %d: %w", printable.Name(path), d.InputOffset(), err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, inputf("%s: byte %d: something follows the configuration", printable.Name(path), d.InputOffset())
	}
	return file, nil
}

// apply reports all that does not fit the model or is out of range. Levels that the model
// has already of values with a number of their own are dropped, so that they are chosen anew.
func (f *layerConfig) apply(m *quant.Model, cluster *quant.ClusterConfig, calibrate *finetune.CalibrateConfig) error {
	if calibrate.Sites = map[string]int{}; cluster.Layers == nil {
		cluster.Layers = map[string]quant.LayerCodebook{}
	}
	byName := map[string]quant.Layer{}
	var names []string
	for _, l := range m.Layers() {
		byName[l.Weights.Name] = l
		byName[l.Name] = l
		names = append(names, l.Name)
	}
	var problems []string
	for _, name := range slices.Sorted(maps.Keys(f.Layers)) {
		s := f.Layers[name]
		l, ok := byName[name]
		if !ok {
			problems = append(problems, fmt.Sprintf("layer %q: there is none of that name, the network has %s", name, printable.Names(names)))
			continue
		}
		if own := (quant.LayerCodebook{Weights: s.Weights, Codebook: s.Codebook, Prune: s.Prune, Frozen: s.Freeze}); own != (quant.LayerCodebook{}) {
			if own.Weights == 0 {
				own.Weights = cluster.Layers[l.Weights.Name].Weights
			}
			cluster.Layers[l.Weights.Name] = own
		}
		switch {
		case s.Levels == 0:
		case l.Site == nil:
			problems = append(problems, fmt.Sprintf("layer %q: its result is not rounded to levels", name))
		default:
			calibrate.Sites[l.Site.Name] = s.Levels
		}
	}
	sites := map[string]bool{}
	for _, s := range m.Sites {
		sites[s.Value.Name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(f.Levels)) {
		if !sites[name] {
			problems = append(problems, fmt.Sprintf("value %q: no value of that name has levels", name))
		}
		calibrate.Sites[name] = f.Levels[name]
	}
	if len(problems) > 0 {
		return errors.New(strings.Join(problems, "; "))
	}
	for name := range calibrate.Sites {
		delete(m.Levels, name)
	}
	return errors.Join(cluster.Validate(), calibrate.Validate())
}
