package journeys

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"qconv/internal/testtool"
)

// TestTorch runs the tests of finetune/torch: among them those that compare the levels of programs, which this qconv
// converts, with those of PyTorch.
func TestTorch(t *testing.T) {
	python := testtool.Torch(t)
	folder, bin := filepath.Join(repository(t), "finetune", "torch", "tests"), t.TempDir()
	build(t, nil, "-o", bin+"/", "./cmd/qconv", "./cmd/qrun")
	tests, err := filepath.Glob(filepath.Join(folder, "test_*.py"))
	if err != nil || len(tests) == 0 {
		t.Fatalf("no tests (%v)", err)
	}
	for _, path := range tests {
		name := strings.TrimSuffix(filepath.Base(path), ".py")
		t.Run(name, func(t *testing.T) {
			if name == "test_exact" {
				if testing.Short() {
					t.Skip("trains six networks")
				}
				if _, err := os.Stat(filepath.Join(repository(t), "..", "shared", "data")); err != nil {
					t.Skip("needs ../shared/data, which is not there")
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, python, "-W", "ignore", "-m", "unittest", name)
			cmd.Dir = folder
			cmd.Env = append(os.Environ(), "QCONV="+bin+"/qconv", "QRUN="+bin+"/qrun", "OMP_NUM_THREADS=1",
				"QCONV_TORCH_STEPS=12", "QCONV_TORCH_SAMPLES=200", "QCONV_TORCH_TRACED=4", "PYTHONDONTWRITEBYTECODE=1")
			out, err := cmd.CombinedOutput()
			t.Logf("%s", out)
			if err != nil {
				t.Fatal(err)
			}
			if ran := regexp.MustCompile(`(?m)^Ran ([0-9]+) test`).FindSubmatch(out); ran == nil || string(ran[1]) == "0" {
				t.Error("no test ran")
			}
		})
	}
}
