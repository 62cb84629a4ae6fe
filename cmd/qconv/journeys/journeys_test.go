// Package journeys tests qconv from outside, as its users meet it: the commands that documents show, and the training in PyTorch that calls it. Here are
// those that take minutes.
package journeys

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// repository is the folder of the module.
func repository(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// build is go build in the repository.
func build(t *testing.T, env []string, args ...string) {
	t.Helper()
	cmd := exec.Command("go", append([]string{"build"}, args...)...)
	cmd.Dir, cmd.Env = repository(t), append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
