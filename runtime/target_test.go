package runtime

import (
	"math/rand"
	"reflect"
	"runtime"
	"testing"

	"qconv/runtime/internal/kernel"
)

// hostTarget is this machine as a target.
func hostTarget(t *testing.T) Target {
	for name, v := range map[string]kernel.Vector{"linux/amd64/v1": kernel.Portable, "linux/amd64/v3": kernel.AVX2, "linux/amd64/v4": kernel.AVX512} {
		if runtime.GOARCH == "amd64" && v == kernel.Best() {
			return mustTarget(t, name)
		}
	}
	return mustTarget(t, runtime.GOOS+"/"+runtime.GOARCH)
}

func mustTarget(t *testing.T, name string) Target {
	t.Helper()
	target, err := ParseTarget(name)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// TestMemoryOnThisMachine compares what is planned for a machine of this kind with what a Runner takes.
func TestMemoryOnThisMachine(t *testing.T) {
	host := hostTarget(t)
	r := rand.New(rand.NewSource(70))
	programs := []*Program{allProgram(), tinyProgram(), lenetProgram(r, 32, evenCentres(-8, 7))}
	for seed := range int64(60) {
		programs = append(programs, randomProgram(seed))
	}
	for i, p := range programs {
		for _, o := range []Options{{}, {LowMemory: true}} {
			runner := mustRunner(t, p, o)
			memory, layers, err := p.MemoryOn(host, p.Bytes(), o)
			if err != nil {
				t.Fatal(err)
			}
			if memory != runner.Memory() || !reflect.DeepEqual(layers, runner.Layers()) {
				t.Errorf("program %d, %+v: %+v %v, want %+v %v", i, o, memory, layers, runner.Memory(), runner.Layers())
			}
		}
	}
}

// TestMemoryOnOthers plans for all machines: words of half the size make other programs, and big-endian ones look up weights or products.
func TestMemoryOnOthers(t *testing.T) {
	p := lenetProgram(rand.New(rand.NewSource(71)), 32, evenCentres(-8, 7))
	for name := range architectures {
		m, layers, err := p.MemoryOn(mustTarget(t, "linux/"+name), 1<<20, Options{})
		if err != nil || m.Total() <= 0 || m.Arena != mustRunner(t, p, Options{}).Memory().Arena {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
		low, _, err := p.MemoryOn(mustTarget(t, "linux/"+name), 1<<20, Options{LowMemory: true})
		if err != nil || low.Arena != m.Arena || low.Weights+low.Tables > m.Weights+m.Tables {
			t.Errorf("%s with little memory: %+v, %v, otherwise %+v", name, low, err, m)
		}
		for i, l := range layers {
			wanted := l.Kernel != kernel.NameLookup
			if architectures[name].vector.BigEndian() {
				wanted = l.Kernel == kernel.NameLookup || l.Kernel == kernel.NameProducts
			}
			if _, linear := p.Instrs[i].(*Linear); linear && !wanted {
				t.Errorf("%s: layer %s by %s", name, l.Name, l.Kernel)
			}
		}
	}
}

func TestParseTarget(t *testing.T) {
	if a := mustTarget(t, "linux/arm/5"); a.WordBits() != 32 || a.String() != "linux/arm/5" {
		t.Errorf("linux/arm/5 is %v with words of %d bits", a, a.WordBits())
	}
	for _, name := range []string{"", "arm", "linux", "linux/z80", "linux/arm/9", "linux/arm/5/softfloat", "/arm", "linux/riscv64/rva20u64"} {
		if _, err := ParseTarget(name); err == nil {
			t.Errorf("%q: no error", name)
		} else if _, option := err.(*OptionError); !option {
			t.Errorf("%q: %v is no error about options", name, err)
		}
	}
}
