package ortfuzz

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"testing"

	"qconv/internal/testtool"
)

// onnxRuntime is a process of node that runs models, one after the other.
type onnxRuntime struct {
	node  string
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	alive bool
}

// tensor is one of a run, as testdata/ort.js has it.
type tensor struct {
	Type string `json:"type"`
	Dims []int  `json:"dims"`
	Data string `json:"data"`
}

var kindNames = map[kind]string{float32s: "float32", uint8s: "uint8", int8s: "int8", int32s: "int32", int64s: "int64", bools: "bool", doubles: "float64"}

func newRuntime(t testing.TB) *onnxRuntime {
	r := &onnxRuntime{node: testtool.ONNXRuntime(t)}
	t.Cleanup(r.stop)
	return r
}

func (r *onnxRuntime) start() error {
	r.cmd = exec.Command(r.node, "testdata/ort.js")
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

func (r *onnxRuntime) stop() {
	if r.alive {
		r.alive = false
		r.in.Close()
		r.cmd.Process.Kill()
		r.cmd.Wait()
	}
}

// run computes the outputs of a model, by name, for several sets of inputs. An error that is a rejection is
// ONNX Runtime's own text.
func (r *onnxRuntime) run(model []byte, runs ...map[string]tensor) ([]map[string]tensor, error) {
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
		return nil, rejection("the process died")
	}
	var answer struct {
		Error string
		Runs  []map[string]tensor
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		return nil, err
	}
	if answer.Error != "" {
		return nil, rejection(answer.Error)
	}
	return answer.Runs, nil
}

// rejection is why ONNX Runtime does not take a model.
type rejection string

func (r rejection) Error() string { return string(r) }

func newTensor(k kind, dims []int, values []float64) tensor {
	return tensor{Type: kindNames[k], Dims: append([]int{}, dims...), Data: base64.StdEncoding.EncodeToString(raw(k, values))}
}

func (t tensor) values() []float64 {
	data, err := base64.StdEncoding.DecodeString(t.Data)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return unraw(t.Type, data)
}
