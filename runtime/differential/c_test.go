package differential

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"qconv/export/c"
	"qconv/export/c/ctest"
	"qconv/internal/testtool"
	"qconv/runtime"
)

var (
	exportsFlag = flag.Int("differential.exports", 0, "programs to export as C; 0: as many as take some seconds")
	ccFlag      = flag.String("differential.cc", "", "compiler of exported C with its flags; empty: gcc with sanitizers")
)

// exportBatch is the number of programs that are built into one executable.
const exportBatch = 25

// TestExportedC builds random programs as C, for every target and goal, and demands the integers of the runtime.
func TestExportedC(t *testing.T) {
	cc := strings.Fields(*ccFlag)
	if len(cc) == 0 {
		cc = []string{testtool.Path(t, "gcc", "apt-get install gcc"), "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"}
	}
	count := *exportsFlag
	if count == 0 {
		count = exportBatch
	}
	seeds := []int{445} // levels in halves beside whole ones, in one sum
	for seed := range count {
		seeds = append(seeds, seed)
	}
	for batch := range slices.Chunk(seeds, exportBatch) {
		var cases []ctest.Case
		for _, seed := range batch {
			s := newSource(*seedFlag + uint64(seed))
			var p *runtime.Program
			switch {
			case seed%2 != 0:
				p = s.single().program()
			case seed%4 != 0:
				p = s.network()
			default: // with steps of a stream
				p = s.repeating()
			}
			o := c.Options{Name: fmt.Sprintf("p%d", seed), Target: c.Targets[seed/2%len(c.Targets)], Optimize: []c.Goal{c.Speed, c.Size}[seed/4%2]}
			var fit *c.FitError
			if _, err := c.Export(p, o); errors.As(err, &fit) { // AVR reaches little flash
				o.Target = c.Generic
			}
			k, err := ctest.FromRuntime(o, p, uint32(seed), 3)
			if err != nil {
				t.Fatal(err)
			}
			cases = append(cases, k)
		}
		dir := t.TempDir()
		files, err := ctest.Write(dir, cases)
		if err != nil {
			t.Fatal(err)
		}
		board := ctest.Host(cc...)
		program, err := board.Build(dir, "check", files)
		if err != nil {
			t.Fatal(err)
		}
		if err := board.Check(program); err != nil {
			t.Errorf("programs from seed %d on: %v", *seedFlag+uint64(batch[0]), err)
		}
	}
}
