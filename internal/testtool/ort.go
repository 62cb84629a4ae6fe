package testtool

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"testing"
)

//go:embed ort.js
var ortScript string

// ORT is a process of node that runs models in ONNX Runtime, one after the other.
type ORT struct {
	node  string
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	alive bool
}

// Tensor is one of a run: Data holds the elements in the machine's order of bytes.
type Tensor struct {
	Type string `json:"type"` // as in JavaScript: float32, uint8
	Dims []int  `json:"dims"`
	Data []byte `json:"data"`
}

// Rejection is why ONNX Runtime does not take a model, in its own words.
type Rejection string

func (r Rejection) Error() string { return string(r) }

// NewORT looks for ONNX Runtime. The process ends with the test.
func NewORT(t testing.TB) *ORT {
	r := &ORT{node: ONNXRuntime(t)}
	t.Cleanup(r.stop)
	return r
}

func (r *ORT) start() error {
	r.cmd = exec.Command(r.node, "-e", ortScript)
	var err error
	if r.in, err = r.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := r.cmd.Start(); err != nil {
		return err
	}
	r.out, r.alive = bufio.NewReader(out), true
	if line, err := r.out.ReadString('\n'); err != nil || line != "ready\n" {
		r.stop()
		return errors.New("node did not start: " + line)
	}
	return nil
}

func (r *ORT) stop() {
	if r.alive {
		r.alive = false
		r.in.Close()
		r.cmd.Process.Kill()
		r.cmd.Wait()
	}
}

// Run computes the outputs of a model, by name, for several sets of inputs. The graph is run as it is, without optimizations.
func (r *ORT) Run(model []byte, runs ...map[string]Tensor) ([]map[string]Tensor, error) {
	if !r.alive {
		if err := r.start(); err != nil {
			return nil, err
		}
	}
	request, err := json.Marshal(map[string]any{"model": model, "runs": runs})
	if err != nil {
		return nil, err
	}
	if _, err := r.in.Write(append(request, '\n')); err != nil {
		r.stop()
		return nil, err
	}
	line, err := r.out.ReadBytes('\n')
	if err != nil {
		r.stop()
		return nil, Rejection("the process died")
	}
	var answer struct {
		Error string
		Runs  []map[string]Tensor
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		return nil, err
	}
	if answer.Error != "" {
		return nil, Rejection(answer.Error)
	}
	return answer.Runs, nil
}
