package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"qconv/internal/testtool"
	"qconv/runtime"
)

// section is what count.c reports: instructions, loads, stores, and instructions of other threads.
type section [4]int64

// TestCount runs this command under QEMU with the plugin that counts: equal inferences take equally many instructions,
// and those of the layers add up to them.
func TestCount(t *testing.T) {
	if testing.Short() {
		t.Skip("builds for two platforms")
	}
	dir := t.TempDir()
	plugin := filepath.Join(dir, "count.so")
	runOrFail(t, exec.Command(testtool.Path(t, "cc", "apt-get install gcc"), "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", plugin, "../../count.c"))
	const program = "../../../testdata/digits.qlut"
	p, err := runtime.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	samples := filepath.Join(dir, "samples.f32")
	if err := os.WriteFile(samples, make([]byte, 4*p.SampleBytes()), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, target := range []struct{ arch, qemu string }{{"arm", "qemu-arm"}, {"arm64", "qemu-aarch64"}} {
		t.Run(target.arch, func(t *testing.T) {
			qemu := testtool.Path(t, target.qemu, "apt-get install qemu-user")
			measure := filepath.Join(dir, "measure-"+target.arch)
			goBuild := exec.Command("go", "build", "-o", measure, ".")
			goBuild.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+target.arch, "GOARM=5", "CGO_ENABLED=0")
			runOrFail(t, goBuild)
			sections := func(mode string) []section {
				list := filepath.Join(dir, "sections.json")
				cmd := exec.Command(qemu, "-d", "plugin", "-D", list, "-plugin", plugin, measure, program, samples, mode)
				cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1")
				runOrFail(t, cmd)
				text, err := os.ReadFile(list)
				var s []section
				if err == nil {
					err = json.Unmarshal(text, &s)
				}
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			const count = 4
			all := sections("4")
			if len(all) != 3+count+1 {
				t.Fatalf("%d sections, want start, loading, samples, %d inferences and the end", len(all), count)
			}
			inference := all[3+count-1]
			if before := all[3+count-2]; max(before[0], inference[0])-min(before[0], inference[0]) > 2000 {
				t.Errorf("two equal inferences are %v and %v", before, inference)
			}
			if loads, stores := inference[1], inference[2]; stores < 1 || loads < stores || loads+stores > inference[0] {
				t.Errorf("%d instructions, %d loads, %d stores", inference[0], loads, stores)
			}
			layers := sections("layers")
			if len(layers) != 4+len(p.Instrs)+1 {
				t.Fatalf("%d sections, want %d of instructions and 5", len(layers), len(p.Instrs))
			}
			sum := int64(0)
			for _, s := range layers[3 : 4+len(p.Instrs)] {
				sum += s[0]
			}
			// The marks take instructions, too, and so do attempts to stop the goroutine.
			if slack := 500 * int64(len(p.Instrs)+1); sum < inference[0]-slack || sum > inference[0]+slack {
				t.Errorf("layers take %d instructions, an inference %d", sum, inference[0])
			}
		})
	}
}

func runOrFail(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
}
