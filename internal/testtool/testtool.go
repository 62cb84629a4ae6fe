// Package testtool finds the programs besides Go that tests run. A test whose program is
// missing is skipped, unless the environment variable QCONV_REQUIRE, a list of names
// separated by commas, names it: then the test fails. Continuous integration names all.
package testtool

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Path finds a program on the path of the system. install says how to get it.
func Path(t testing.TB, name, install string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, name, install)
	}
	return path
}

// Numpy finds a Python 3 that has numpy.
func Numpy(t testing.TB) (python string) {
	t.Helper()
	return pythonWith(t, "numpy", "apt-get install python3-numpy")
}

// Torch finds a Python 3 that has PyTorch, with numpy, onnx and Pillow.
func Torch(t testing.TB) (python string) {
	t.Helper()
	return pythonWith(t, "torch", "apt-get install python3-torch python3-numpy python3-onnx python3-pil", "numpy", "onnx", "PIL")
}

// Pillow finds a Python 3 that has Pillow and numpy.
func Pillow(t testing.TB) (python string) {
	t.Helper()
	return pythonWith(t, "PIL", "apt-get install python3-pil python3-numpy", "numpy")
}

// pythonWith finds a Python 3 that has a module and others beside it.
func pythonWith(t testing.TB, module, install string, others ...string) string {
	t.Helper()
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(python, "-c", "import "+strings.Join(append(others, module), ", ")).Run() == nil {
			return python
		}
	}
	missing(t, module, install)
	return ""
}

// missing skips the test or, where the program is required, fails it.
func missing(t testing.TB, name, install string) {
	t.Helper()
	if required(os.Getenv("QCONV_REQUIRE"), name) {
		t.Fatalf("%s is not installed, but QCONV_REQUIRE names it (%s)", name, install)
	}
	t.Skipf("%s is not installed (%s)", name, install)
}

func required(list, name string) bool { return slices.Contains(strings.Split(list, ","), name) }

// ONNXRuntime finds a node that loads the package onnxruntime-node: from the folder that the environment variable
// QCONV_ONNXRUNTIME names, or as node itself finds packages.
func ONNXRuntime(t testing.TB) (node string) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err == nil {
		err = exec.Command(node, "-e", "require(require.resolve('onnxruntime-node', {paths: [process.env.QCONV_ONNXRUNTIME || process.cwd()]}))").Run()
	}
	if err != nil {
		missing(t, "onnxruntime-node", "npm install onnxruntime-node in the folder that QCONV_ONNXRUNTIME names")
	}
	return node
}
