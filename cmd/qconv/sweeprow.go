package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"qconv/finetune"
	"qconv/onnx"
	"qconv/quant"
	"qconv/runtime/printable"
)

// sweepRow is what one network of a sweep came to, as its file holds it.
type sweepRow struct {
	Name     string     `json:"name"`
	Levels   int        `json:"levels"`
	Weights  int        `json:"weights"`
	Codebook quant.Kind `json:"codebook"`
	// Key is the digest of Made, which says by which flags and from what the network was made.
	Key  string `json:"key"`
	Made runKey `json:"made"`
	// Failed is why there is no network; what follows is then empty.
	Failed        string       `json:"failed,omitempty"`
	Program       string       `json:"program,omitempty"` // the file, beside this one
	SHA256        string       `json:"sha256,omitempty"`
	FileBytes     int          `json:"file_bytes,omitempty"`
	BitsPerWeight float64      `json:"bits_per_weight,omitempty"`
	MACs          int          `json:"macs,omitempty"`
	Tables        tableEntries `json:"table_entries"`
	// Float and Metrics are measured on the same samples, which neither trained nor chose a network.
	Float   *metrics `json:"float,omitempty"`
	Metrics *metrics `json:"metrics,omitempty"`
	// Warnings are those of making the network.
	Warnings []string `json:"warnings,omitempty"`
}

func (r *sweepRow) encode() ([]byte, error) {
	text, err := json.MarshalIndent(r, "", "  ")
	return append(printable.JSON(text), '\n'), err
}

// readRow reads the row of that name in a folder; nil where there is none, or its program is not there as it was.
func readRow(dir, name string) (*sweepRow, error) {
	path := filepath.Join(dir, name+".json")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	text, err := readText(path, "a row of a sweep")
	if err != nil {
		return nil, err
	}
	row := &sweepRow{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(row); err != nil || row.Key != row.Made.digest() || row.Name != name || !row.whole() {
		return nil, inputf("%s is no row of a sweep; remove it, or give another folder with -o", printable.Name(path))
	}
	if row.Failed != "" {
		return row, nil
	}
	if size, err := fileSize(filepath.Join(dir, row.Program)); err != nil || size != row.FileBytes {
		return nil, nil
	}
	return row, nil
}

// whole says that a row has all that others are compared by.
func (r *sweepRow) whole() bool {
	return r.Failed != "" || r.Metrics != nil && r.Float != nil && r.figure().value != nil && r.Program == r.Name+".qlut"
}

// text is the result in a few words.
func (r *sweepRow) text() string {
	if r.Failed != "" {
		return "failed: " + r.Failed
	}
	by := r.figure()
	return fmt.Sprintf("%s bytes, %s %s", grouped(r.FileBytes), by.name, by.text())
}

// figure is the metric that rows are compared by: accuracy, or else agreement, R2, or the signal-to-noise ratio. All are better the larger they are.
func (r *sweepRow) figure() metric {
	m := r.Metrics
	for _, v := range m.values() {
		if v.value != nil && v.name != "MSE" && v.name != "difference" && v.name != "top-5" {
			return v
		}
	}
	return metric{name: "nothing"}
}

// makeRow makes and measures a network. What is wrong with this combination alone is the row's result; other errors end the sweep.
func (s *sweep) makeRow(ctx context.Context, k cell) (*sweepRow, error) {
	row := &sweepRow{Name: k.name, Levels: k.levels, Weights: k.cluster.Weights, Codebook: k.cluster.Codebook, Key: s.made.digest(), Made: s.made}
	c, said := quietly(ctx, s.c)
	m, err := s.network(c, k)
	row.Warnings = said.warnings()
	var diverged *finetune.DivergedError
	switch {
	case errors.As(err, &diverged), is[*onnx.UnsupportedError](err), is[*inputError](err):
		row.Failed = printable.Text(err.Error())
		return row, nil
	case err != nil:
		return nil, err
	}
	_, data, err := compile(m)
	if err != nil {
		return nil, named(s.path, err)
	}
	sum := sha256.Sum256(data)
	row.Program, row.SHA256, row.FileBytes = k.name+".qlut", hex.EncodeToString(sum[:]), len(data)
	file, err := claim(s.c, s.at(row.Program), s.path)
	if err != nil {
		return nil, err
	}
	if err := writeResult(file, data); err != nil {
		return nil, err
	}
	return row, s.measure(c, row)
}

// measure takes the figures of a row from the program that was written.
func (s *sweep) measure(c *cli.Context, row *sweepRow) error {
	p, err := readProgram(c, s.at(row.Program))
	if err != nil {
		return err
	}
	info, err := inspectProgram(p, row.FileBytes, "", programLimits(c))
	if err != nil {
		return err
	}
	row.BitsPerWeight, row.MACs, row.Tables = info.BitsPerWeight, info.MACs, info.Tables
	net, err := newIntegerNetwork(p, s.parts.report, programLimits(c))
	if err != nil {
		return err
	}
	against, err := s.float.network()
	if err != nil {
		return err
	}
	own, others, err := evaluate(c, "measure", net, against)
	if err != nil {
		return err
	}
	if row.Metrics, row.Float = &own, others; row.figure().value == nil {
		row.Failed = "its outputs are no numbers that can be measured"
	}
	return nil
}

// network trains a network, or reconstructs it.
func (s *sweep) network(c *cli.Context, k cell) (*quant.Model, error) {
	m, err := freshModel(s.model, s.model.Graph.Clone())
	if err != nil {
		return nil, err
	}
	if k.train == nil {
		return m, quantize(c, m, m.Graph.Clone(), s.parts.train, k.calibrate, k.cluster, func() {})
	}
	cfg := *k.train
	cfg.Task, cfg.Teacher = s.parts.train.aim.asked, m.Graph.Clone()
	if s.parts.choose != nil {
		cfg.Validation = s.parts.choose
	}
	if _, err := finetune.Calibrate(c.Context, m, s.parts.train, k.calibrate); err != nil {
		return nil, err
	}
	if err := checkCodebooks(s.path, m, k.cluster); err != nil && cfg.Schedule != finetune.ScheduleNone {
		return nil, err
	}
	result, err := finetune.Tune(c.Context, m, s.parts.train, cfg)
	if err == nil && result.Stopped {
		err = context.Canceled
	}
	return m, err
}

// said collects what a command says while it works quietly.
type said struct{ bytes.Buffer }

// warnings are the lines that are worth keeping.
func (s *said) warnings() (list []string) {
	for line := range strings.Lines(s.String()) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "warning: "); ok {
			list = append(list, text)
		}
	}
	return list
}

// quietly is the command with another context, and without a standard error: what it says there is collected.
func quietly(ctx context.Context, c *cli.Context) (*cli.Context, *said) {
	s := &said{}
	app, own := *c.App, *c
	app.ErrWriter = s
	own.App, own.Context = &app, ctx
	return &own, s
}

// floatAnswers are the outputs of the float network for the samples that all rows are measured on. Rows may ask at the same time.
type floatAnswers struct {
	*floatNetwork
	outputs [][]float64 // by sample; nil where they would take too much memory
}

// keptAnswers bounds the outputs that are kept.
const keptAnswers = 1 << 24

func newFloatAnswers(c *cli.Context, m *quant.Model, s *samples) (*floatAnswers, error) {
	net, err := newFloatNetwork(m.Graph, nil, s)
	if err != nil {
		return nil, err
	}
	a := &floatAnswers{floatNetwork: net}
	_, elems := net.Sizes()
	if s.Len()*elems > keptAnswers {
		return a, nil
	}
	outputs := make([][]float64, s.Len())
	all := make([]int, s.Len())
	for i := range outputs {
		outputs[i], all[i] = make([]float64, elems), i
	}
	if err := net.Predict(c.Context, all, outputs); err != nil {
		return nil, err
	}
	a.outputs = outputs
	return a, nil
}

// network is the float network for one row: a new one where its outputs are not known.
func (a *floatAnswers) network() (network, error) {
	if a.outputs != nil {
		return a, nil
	}
	return newFloatNetwork(a.graph, nil, a.samples)
}

// Predict tells what is known.
func (a *floatAnswers) Predict(_ context.Context, samples []int, dst [][]float64) error {
	for k, i := range samples {
		copy(dst[k], a.outputs[i])
	}
	return nil
}
