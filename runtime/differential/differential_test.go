package differential

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"qconv/quant"
	"qconv/runtime"
	"qconv/runtime/internal/kernel"
)

var (
	layersFlag   = flag.Int("differential.layers", -1, "layers to draw; -1: as many as take some seconds")
	networksFlag = flag.Int("differential.networks", -1, "networks to draw; -1: as many as take some seconds")
	seedFlag     = flag.Uint64("differential.seed", 1, "seed of the first layer and of the first network; the others follow")
	outFlag      = flag.String("differential.out", os.TempDir(), "folder for programs that were computed wrongly")
	machineFlag  = flag.String("differential.machine", goruntime.GOARCH, "name of the machine in the record")
)

// enough is the number of layers and of networks from which on every kernel and every class must have occurred.
var enough = [2]int{1500, 300}

// record is the result of a run for one instruction set. It is printed as one line of JSON behind "differential: ".
type record struct {
	Machine  string         `json:"machine"`
	Set      string         `json:"set"` // of instructions; "any" for what has no vectors
	Networks int            `json:"networks"`
	Layers   int            `json:"layers"`
	Kernels  map[string]int `json:"kernels"` // layers by kernel and by way to run a program
	Ran      map[string]int `json:"ways"`    // networks by way to run them
	Failures int            `json:"failures"`
}

// suite collects the results of all goroutines.
type suite struct {
	t *testing.T
	sync.Mutex
	layers, networks *tally
	drawn            [2]int         // layers and networks
	failures         map[string]int // by instruction set
}

// TestSameIntegers draws layers and networks and compares everything that can run them.
func TestSameIntegers(t *testing.T) {
	s := &suite{t: t, layers: layerTally(), networks: networkTally(), failures: map[string]int{}}
	s.drawn = enough
	if testing.Short() {
		s.drawn = [2]int{200, 40}
	}
	for i, n := range []int{*layersFlag, *networksFlag} {
		if n >= 0 {
			s.drawn[i] = n
		}
	}
	s.each(s.drawn[0], s.layer)
	s.each(s.drawn[1], s.network)
	if testing.Verbose() {
		fmt.Print(s.layers.table(), s.networks.table())
		s.print()
	}
	for i, tally := range []*tally{s.layers, s.networks} {
		if holes := tally.holes(); s.drawn[i] >= enough[i] && len(holes) > 0 {
			t.Errorf("%s never drawn: %s", tally.title, strings.Join(holes, "; "))
		}
	}
}

// each calls f for n seeds in all processors.
func (s *suite) each(n int, f func(seed uint64)) {
	var next atomic.Int64
	var wait sync.WaitGroup
	for range goruntime.GOMAXPROCS(0) {
		wait.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				f(*seedFlag + uint64(i))
			}
		})
	}
	wait.Wait()
}

// print writes the records.
func (s *suite) print() {
	sets := []string{"any"}
	for _, v := range kernel.Available() {
		sets = append(sets, v.String())
	}
	for _, set := range sets {
		r := record{*machineFlag, set, s.drawn[1], s.drawn[0], of(set, s.layers.engines), of(set, s.networks.engines), s.failures[set]}
		line, err := json.Marshal(r)
		if err != nil {
			panic(err)
		}
		fmt.Printf("differential: %s\n", line)
	}
}

// of picks the engines of an instruction set.
func of(set string, engines map[string]int) map[string]int {
	m := map[string]int{}
	for engine, n := range engines {
		if name, on, _ := strings.Cut(engine, "/"); on == set {
			m[name] = n
		}
	}
	return m
}

// fail reports a mismatch of p, whose sample has the given seed, and keeps p.
func (s *suite) fail(m *mismatch, what string, seed uint64, p *runtime.Program, sampleSeed uint32) {
	s.Lock()
	defer s.Unlock()
	_, set, _ := strings.Cut(m.engine, "/")
	s.failures[set]++
	name := filepath.Join(*outFlag, fmt.Sprintf("differential-%s-%d.qlut", what, seed))
	want, err := quant.Simulate(p, p.GenerateInputs(sampleSeed)...)
	if err == nil {
		addSelfTest(p, sampleSeed, want)
		var data []byte
		if data, err = runtime.Encode(p); err == nil {
			err = os.WriteFile(name, data, 0o644)
		}
	}
	if err != nil {
		name = err.Error()
	}
	s.t.Errorf("%s %d: %v\n-differential.%ss 1 -differential.seed %d draws it; the smallest program found: %s", what, seed, m, what, seed, name)
}

// layer draws and compares a layer.
func (s *suite) layer(seed uint64) {
	l := newSource(seed).single()
	ran, m := l.check()
	s.Lock()
	classes := l.classes()
	for _, engine := range ran {
		s.layers.count(engine, classes)
	}
	s.Unlock()
	if m != nil {
		l, m = l.shrink(m)
		s.fail(m, "layer", seed, l.program(), l.seed)
	}
}

// check compares everything that can compute l and returns what did, or the first mismatch.
func (l *single) check() (ran []string, m *mismatch) {
	p := l.program()
	x := p.GenerateInputs(l.seed)
	want, err := quant.Simulate(p, x...)
	if err != nil {
		return nil, &mismatch{"simulate/any", err.Error()}
	}
	var src [][]int32
	for _, k := range l.from {
		src = append(src, want[1+k])
	}
	for _, e := range engines() {
		suits, m := e.check(l.Layer, src, want[0])
		if m != nil {
			return ran, m
		}
		if suits {
			ran = append(ran, e.String())
		}
	}
	for _, w := range ways() {
		if _, m := w.check(p, [][][]byte{x}, [][][]int32{want}); m != nil {
			return ran, m
		}
		ran = append(ran, w.name)
	}
	return ran, nil
}

// drawn is a network, every second time one with loops or states.
func drawn(s *source, seed uint64) *runtime.Program {
	if seed%2 == 0 {
		return s.repeating()
	}
	return s.network()
}

// network draws and compares a network.
func (s *suite) network(seed uint64) {
	p := drawn(newSource(seed), seed)
	ran, m := checkNetwork(p, uint32(seed))
	s.Lock()
	classes := networkClasses(p)
	for _, engine := range ran {
		s.networks.count(engine, classes)
	}
	s.Unlock()
	if m != nil {
		p, m = shrinkNetwork(p, m, uint32(seed))
		s.fail(m, "network", seed, p, uint32(seed))
	}
}

// checkNetwork compares every way to run p on two samples, which are steps of a stream, and returns those that agreed, or the first mismatch.
func checkNetwork(p *runtime.Program, seed uint32) (ran []string, m *mismatch) {
	samples := [][]byte{sample(p, seed), sample(p, seed+1)}
	var want, first [][][]int32 // as the steps of a stream, and each as the first one
	for i, x := range samples {
		for k, part := range inputs(p, x) {
			if len(p.Inputs[k].Tables) > 0 { // any bytes
				runtime.GenerateInput(seed+uint32(i), part, 256)
			}
		}
	}
	stream := quant.NewSimulation(p)
	var steps [][][]byte
	for _, x := range samples {
		steps = append(steps, entered(p, x))
		alone, err := quant.Simulate(p, entered(p, x)...)
		if err != nil {
			return nil, &mismatch{"simulate/any", err.Error()}
		}
		w, err := stream.Step(entered(p, x)...)
		if err != nil {
			return nil, &mismatch{"simulate/any", err.Error()}
		}
		first, want = append(first, alone), append(want, w)
	}
	for _, w := range ways() {
		if _, m := w.check(p, steps, want); m != nil {
			return ran, m
		}
		ran = append(ran, w.name)
	}
	if m := checkBatch(p, append(samples, samples[0]), append(first, first[0])); m != nil {
		return ran, m
	}
	return append(ran, "batch/any"), nil
}
