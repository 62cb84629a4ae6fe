package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"path/filepath"
	"strconv"

	"github.com/urfave/cli/v2"

	"qconv/cmd/qconv/internal/atomicfile"
	"qconv/finetune"
	"qconv/runtime/printable"
)

var predictionsFlag = &cli.StringFlag{Name: "predictions", Category: catResult, Usage: "write `FILE.csv` with a line for every sample: its file or place in the file, its label or targets, and what each network says"}

// predictions is the file of --predictions, which is written when all samples are in.
type predictions struct {
	file     *atomicfile.File
	text     bytes.Buffer
	csv      *csv.Writer
	compared bool
	shown    int // outputs that have columns of their own
}

// newPredictions takes hold of the file that the flag names; nil where it is not given. Those of a part have no file: they are kept in that of the part.
func newPredictions(c *cli.Context, inputs ...string) (*predictions, error) {
	path := c.String(predictionsFlag.Name)
	if path == "" {
		return nil, nil
	}
	p := &predictions{}
	p.csv = csv.NewWriter(&p.text)
	if c.IsSet(shardFlag.Name) {
		return p, nil
	}
	if html := c.String(htmlFlag.Name); html != "" && filepath.Clean(html) == filepath.Clean(path) {
		return nil, usagef("flag --%s and flag --%s name the same file", htmlFlag.Name, predictionsFlag.Name)
	}
	if err := checkKind(path, ".csv"); err != nil {
		return nil, err
	}
	var err error
	if p.file, err = claim(c, path, inputs...); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *predictions) release() {
	if p != nil && p.file != nil {
		p.file.Release()
	}
}

// head writes the names of the columns. Numbers have columns for each target and output, up to shownTargets of them.
func (p *predictions) head(data *samples, compared bool) {
	if p == nil {
		return
	}
	p.compared = compared
	if data.task() == finetune.TaskClasses {
		row := []string{"sample", "label", "prediction", "score"}
		if compared {
			row = append(row, "against_prediction", "against_score")
		}
		p.csv.Write(row)
		return
	}
	row := []string{"sample", "mse"}
	if data.aim.outputs <= shownTargets {
		p.shown = data.aim.outputs
	}
	for e := range p.shown {
		if data.set.Targets != nil {
			row = append(row, fmt.Sprintf("target_%d", e))
		}
		row = append(row, fmt.Sprintf("output_%d", e))
		if compared {
			row = append(row, fmt.Sprintf("against_%d", e))
		}
	}
	p.csv.Write(row)
}

// class adds a sample of a class.
func (p *predictions) class(name string, w worstSample, score, otherScore float64) {
	row := []string{printable.Text(name), printable.Text(w.Label), printable.Text(w.Answer), decimal(score)}
	if p.compared {
		row = append(row, printable.Text(w.Other), decimal(otherScore))
	}
	p.csv.Write(row)
}

// values adds a sample of numbers. off is the mean squared error against the targets, the input or the other network.
func (p *predictions) values(name string, target []float32, own, other []float64, off float64) {
	row := []string{printable.Text(name), decimal(off)}
	for e := range p.shown {
		if target != nil {
			row = append(row, decimal(float64(target[e])))
		}
		row = append(row, decimal(own[e]))
		if other != nil {
			row = append(row, decimal(other[e]))
		}
	}
	p.csv.Write(row)
}

// table is the whole table; empty without one.
func (p *predictions) table() string {
	if p == nil {
		return ""
	}
	p.csv.Flush()
	return p.text.String()
}

// write stores the file.
func (p *predictions) write(table string) error {
	if p == nil {
		return nil
	}
	return writeResult(p.file, []byte(table))
}

// decimal is a number with as many digits as float32 has; empty for what is none.
func decimal(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', 7, 64)
}
