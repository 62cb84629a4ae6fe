package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"strconv"
	"time"

	qrt "qconv/runtime"
	"qconv/runtime/printable"
)

//go:embed against.js
var againstScript string

// turns is how often bench and a rival take turns.
const turns = 10

// rival is a network in ONNX Runtime, which runs in Node.js.
type rival struct {
	Model          string  `json:"model"`
	Version        string  `json:"version"`
	NsPerInference int64   `json:"ns_per_inference"` // the median, without the call
	CallNs         int64   `json:"call_ns"`          // what a call of a network of one element takes
	Runs           int     `json:"runs"`
	Ratio          float64 `json:"ratio"` // its time through ours

	ctx     context.Context
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *bufio.Reader
}

// rivalInput is an input of one sample.
type rivalInput struct {
	Shape []int  `json:"shape"`
	Data  []byte `json:"data"` // float32, little-endian
}

func newRivalInput(shape []int, values []float32) rivalInput {
	in := rivalInput{Shape: shape}
	for _, v := range values {
		in.Data = binary.LittleEndian.AppendUint32(in.Data, math.Float32bits(v))
	}
	return in
}

// startRival loads the ONNX file at path, which is to have these inputs, for so many threads; without a path there is none.
func startRival(ctx context.Context, path string, threads int, inputs []rivalInput) (*rival, error) {
	if path == "" {
		return nil, nil
	}
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, fmt.Errorf("flag --%s: there is no node on the path: install Node.js 18 or newer, then npm install onnxruntime-node", rivalFlag.Name)
	}
	r := &rival{Model: path, ctx: ctx}
	r.cmd = exec.CommandContext(ctx, node, "-e", againstScript, "--", path, strconv.Itoa(threads))
	if r.in, err = r.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	r.answers = bufio.NewReader(out)
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	// Where node ends at once it says why.
	_ = json.NewEncoder(r.in).Encode(inputs)
	var hello struct {
		Version string
		Missing bool
	}
	if err := r.read(&hello); err != nil {
		r.stop()
		return nil, err
	}
	if hello.Missing {
		r.stop()
		folder := "this folder"
		if named := os.Getenv("QCONV_ONNXRUNTIME"); named != "" {
			folder = printable.Name(named)
		}
		return nil, fmt.Errorf("flag --%s: node finds no package onnxruntime-node from %s: npm install onnxruntime-node there, or name a folder that has it in QCONV_ONNXRUNTIME",
			rivalFlag.Name, folder)
	}
	r.Version = hello.Version
	return r, nil
}

// turn times inferences for d.
func (r *rival) turn(d time.Duration) error {
	if _, err := fmt.Fprintf(r.in, "%g\n", float64(d)/float64(time.Millisecond)); err != nil {
		return errors.Join(r.ctx.Err(), err)
	}
	var all struct {
		MedianNs int64 `json:"median_ns"`
		CallNs   int64 `json:"call_ns"`
		Runs     int
	}
	if err := r.read(&all); err != nil {
		return err
	}
	r.NsPerInference, r.CallNs, r.Runs = max(all.MedianNs-all.CallNs, 0), all.CallNs, all.Runs
	return nil
}

// read takes a line of JSON.
func (r *rival) read(answer any) error {
	line, err := r.answers.ReadBytes('\n')
	if r.ctx.Err() != nil {
		return r.ctx.Err()
	}
	var failure struct{ Error string }
	if err == nil {
		err = json.Unmarshal(line, &failure)
	}
	switch {
	case err != nil:
		return fmt.Errorf("%s: node with onnxruntime-node ended without a result: %w", printable.Name(r.Model), err)
	case failure.Error != "":
		return inputf("%s: ONNX Runtime: %s", printable.Name(r.Model), printable.Text(failure.Error))
	}
	return json.Unmarshal(line, answer)
}

// stop ends the process, if there is one.
func (r *rival) stop() {
	if r == nil {
		return
	}
	r.in.Close()
	r.cmd.Wait()
}

func (r *rival) print(w io.Writer) {
	fmt.Fprintf(w, "%s per inference with ONNX Runtime %s, the median of %d, without %s for a call: %.2f times as long\n",
		time.Duration(r.NsPerInference), printable.Text(r.Version), r.Runs, time.Duration(r.CallNs), r.Ratio)
}

// inTurns repeats once for d, in turns with the rival where there is one.
func inTurns(ctx context.Context, d time.Duration, once func() error, r *rival) error {
	if r == nil {
		return repeat(ctx, d, once)
	}
	for range turns {
		if err := repeat(ctx, d/turns, once); err != nil {
			return err
		}
		if err := r.turn(d / turns); err != nil {
			return err
		}
	}
	return nil
}

// levelInputs are the numbers that levels of the inputs of p stand for.
func levelInputs(p *qrt.Program, levels [][]byte) []rivalInput {
	inputs := make([]rivalInput, len(levels))
	for i, indices := range levels {
		in := &p.Inputs[i]
		t := &p.Tensors[in.Tensor]
		plane := t.Shape[1] * t.Shape[2]
		values := make([]float32, len(indices))
		for k, level := range indices {
			v := float64(int(level)-t.Zero) * t.Scale.Float()
			if in.Shifts != nil {
				v = math.Ldexp(v, int(in.Shifts[k/plane]))
			}
			values[k] = float32(v)
		}
		inputs[i] = newRivalInput(t.Shape[:], values)
	}
	return inputs
}
