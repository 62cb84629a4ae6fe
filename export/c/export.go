package c

import (
	"bytes"
	"embed"
	"fmt"
	"math"
	"math/bits"
	"strings"
	"text/template"

	"qconv/runtime"
)

// Options are the choices of [Export].
type Options struct {
	Name     string // of the network: an identifier of C
	Target   Target // "" stands for Generic
	Optimize Goal   // "" stands for Speed

	// MaxFlash and MaxRAM are the most bytes that code and constants may take, and the arena; 0: any. The fastest forms of layers
	// that fit are taken. Code is estimated.
	MaxFlash, MaxRAM int
}

// File is a file of the folder.
type File struct {
	Path string // with slashes
	Data []byte
}

// Result is what [Export] makes.
type Result struct {
	Files []File
	Report
}

// Report is what a network takes on a machine.
type Report struct {
	Target       Target  `json:"target"`
	Optimize     Goal    `json:"optimize"`
	FlashBytes   int     `json:"flash_bytes"` // constants and code
	Constants    int     `json:"constant_bytes"`
	Code         int     `json:"code_bytes"`            // about
	RAMBytes     int     `json:"ram_bytes"`             // the arena; the stack comes on top
	StateBytes   int     `json:"state_bytes,omitempty"` // of the arena: what a stream keeps from step to step
	Entry        string  `json:"-"`                     // the function that runs the network, or a step of a stream
	Tensors      int     `json:"tensor_bytes"`          // of the arena: what activations would take alone
	Instructions int     `json:"instructions"`          // of one inference, or step of a stream, about
	Layers       []Layer `json:"layers"`
	// Tally counts what the kernels do: what Instructions is estimated from.
	Tally tally `json:"-"`
}

// Layer is what an instruction of the program takes.
type Layer struct {
	Name         string `json:"name"`
	Kernel       string `json:"kernel"`
	Constants    int    `json:"constant_bytes"` // that no earlier one has
	Work         int    `json:"work_bytes"`     // of the arena
	Runs         int    `json:"runs"`           // in an inference: iterations of a loop, or 1
	MACs         int    `json:"macs"`           // of all runs
	Instructions int    `json:"instructions"`   // of all runs, about
}

//go:embed kernels
var kernels embed.FS

// kernelOrder lists the kernels, those that others need first. A %d stands for the rows that are added before a lane could overflow.
var kernelOrder = []string{"level", "level_search", "product", "lookup", "lanes", "sum%d", "fill", "codes", "taps%d", "scale", "dense%d", "maxpool", "maxpool_inside", "map", "map2", "copy", "argmax", "matmul", "enter"}

// generator makes the sources of one program.
type generator struct {
	p        *runtime.Program
	o        Options
	tables   tables
	used     map[string]bool
	vars     map[string]any // of the templates
	level    string         // kernel for step functions
	groups   []int          // of rows that are added before a lane could overflow, ascending
	taken    []form         // by instruction; nil: another kernel
	arena    arena
	slack    int      // the arena may exceed that of the tensors by that part in 16
	spare    int      // bytes of flash that forms may take in all; 0: any
	calls    []string // statements, by instruction
	runs     []int64  // of every instruction, in an inference
	moved    map[*runtime.Loop]*moving
	initials []string        // statements that fill the states of a stream
	wordsOf  map[int]bool    // by group: rows of whole bytes are added
	least    bool            // no smaller forms are left
	density  map[int]float64 // by tensor: see digitsOf
	tensors  int             // bytes of the arena for tensors alone
	entries  []string        // the names of the descriptions of inputs
	report   Report
}

func (g *generator) use(kernel string) { g.used[kernel] = true }

// literal writes a number of 32 bits.
func literal(v int32) string {
	if v == math.MinInt32 {
		return "(-2147483647 - 1)"
	}
	return fmt.Sprint(v)
}

// Export writes p, which must be valid, as C. It is an error if a name is no identifier, and a [*FitError] if a limit is exceeded.
func Export(p *runtime.Program, o Options) (*Result, error) {
	if o.Target == "" {
		o.Target = Generic
	}
	if o.Optimize == "" {
		o.Optimize = Speed
	}
	if err := CheckName(o.Name); err != nil {
		return nil, err
	}
	slack, spare := 2, o.maxFlash()
	for {
		g, err := generate(p, o, slack, spare)
		if err != nil {
			return nil, err
		}
		r := &g.report
		if o.MaxRAM > 0 && r.RAMBytes > o.MaxRAM {
			if slack == 0 {
				return nil, o.ramError(r.RAMBytes)
			}
			slack--
			continue
		}
		if most := o.maxFlash(); most > 0 && r.FlashBytes > most {
			if spare < most/2 || g.least {
				return nil, o.flashError(r.FlashBytes)
			}
			spare -= max(64, r.FlashBytes-most)
			continue
		}
		return g.result()
	}
}

// generate makes the sources of p with so much slack in the arena, in forms that take about spare bytes of flash.
func generate(p *runtime.Program, o Options, slack, spare int) (*generator, error) {
	g := &generator{p: p, o: o, used: map[string]bool{}, wordsOf: map[int]bool{}, level: "level", slack: slack, spare: spare, runs: p.Runs(), moved: map[*runtime.Loop]*moving{},
		vars: map[string]any{"WEIGHT": "uint8_t", "NIBBLES": false, "CODES": false, "LISTS": 0, "BREAK": "uint16_t", "EACH": false}}
	for i := range p.Steps {
		s := reduced(&p.Steps[i])
		if s.long() {
			g.level = "level_search"
		}
		if !s.narrow(o.Optimize) {
			g.vars["BREAK"] = "uint32_t"
		}
	}
	for i := range p.Codebooks {
		if len(p.Codebooks[i].Centres) > 256 {
			g.vars["WEIGHT"] = "uint16_t"
		}
	}
	if err := g.layOut(); err != nil {
		return nil, err
	}
	g.vars["BIAS"] = g.biasType()
	g.denseVars()
	inputs := g.inputs()
	g.initials = g.writeInitials()
	before := g.tables.bytes
	g.report = Report{Target: o.Target, Optimize: o.Optimize, RAMBytes: max(4, g.arena.bytes), StateBytes: g.stateBytes(), Entry: g.entry(), Tensors: g.tensors}
	for n, instr := range p.Instrs {
		l := g.describeLayer(n)
		if err := g.instruction(n, instr); err != nil {
			return nil, fmt.Errorf("instruction %d: %w", n, err)
		}
		l.Constants, before = g.tables.bytes-before, g.tables.bytes
		g.report.Layers = append(g.report.Layers, l)
	}
	for k := range p.Inputs {
		g.report.Tally[moveOne] += float64(p.Tensors[p.Inputs[k].Tensor].Elems())
	}
	g.countHandOvers()
	g.report.Instructions = g.report.Tally.instructions(o.Target, o.Optimize)
	g.entries = inputs
	g.report.Constants = g.tables.bytes
	g.report.Code = g.codeBytes()
	g.report.FlashBytes = g.report.Constants + g.report.Code
	return g, nil
}

// biasType is the type of C that holds all biases.
func (g *generator) biasType() string {
	for _, n := range g.linears() {
		bias := g.p.Instrs[n].(*runtime.Linear).Bias
		if f, ok := g.taken[n].(*tapsForm); ok {
			bias = f.bias
		}
		for _, b := range bias {
			if b != int32(int16(b)) {
				return "int32_t"
			}
		}
	}
	return "int16_t"
}

// result writes the files.
func (g *generator) result() (*Result, error) {
	source, err := g.source()
	if err != nil {
		return nil, err
	}
	r := &Result{Report: g.report, Files: []File{
		{g.o.Name + ".h", g.header()},
		{g.o.Name + ".c", source},
		{g.o.Name + "_tables.h", g.tablesFile()},
	}}
	around, err := g.around()
	if err != nil {
		return nil, err
	}
	r.Files = append(r.Files, around...)
	return r, nil
}

// instruction writes the tables of an instruction and its call.
func (g *generator) instruction(n int, instr runtime.Instr) error {
	switch i := instr.(type) {
	case *runtime.Linear:
		return g.taken[n].write(g, n, i)
	case *runtime.MaxPool:
		g.maxPool(i)
	case *runtime.Map:
		g.mapping(i)
	case *runtime.Map2:
		g.map2(i)
	case *runtime.Copy:
		g.copying(n, i)
	case *runtime.ArgMax:
		g.argMax(i)
	case *runtime.MatMul:
		g.matMul(n, i)
	default:
		return fmt.Errorf("a %T, which is no instruction", instr)
	}
	return nil
}

// call adds a statement that runs a kernel on a layer.
func (g *generator) call(kernel, layer string, size int) {
	g.use(kernel)
	name := g.tables.structs("q_"+kernel+"_layer", kernel, size, []string{layer})
	g.calls = append(g.calls, fmt.Sprintf("q_%s(%s);", kernel, name))
}

// tablesFile is the file of constants.
func (g *generator) tablesFile() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "/* Constants of %s.c, which includes this file in their place. Generated by qconv. */\n", g.o.Name)
	b.WriteString(g.tables.text.String())
	return b.Bytes()
}

// fragments are the texts of all kernels that are used.
func (g *generator) fragments() (string, error) {
	var b strings.Builder
	g.vars["ANYWORDS"] = false
	for _, words := range g.wordsOf {
		g.vars["ANYWORDS"] = g.vars["ANYWORDS"].(bool) || words
	}
	for _, kernel := range kernelOrder {
		file, numbered := strings.CutSuffix(kernel, "%d")
		groups := []int{0}
		if numbered {
			groups = g.groups
		}
		for _, n := range groups {
			if !numbered && !g.used[kernel] || numbered && file != "sum" && !g.used[fmt.Sprintf(kernel, n)] {
				continue
			}
			text, err := kernels.ReadFile("kernels/" + file + ".c")
			if err != nil {
				return "", err
			}
			t, err := template.New(file).Option("missingkey=error").Parse(string(text))
			if err != nil {
				return "", err
			}
			g.vars["WORDS"], g.vars["SMALL"] = g.wordsOf[n], g.o.Optimize == Size
			g.vars["GROUP"], g.vars["SHIFT"], g.vars["REST"], g.vars["ALL"] = n, bits.Len(uint(n))-1, n-1, make([]int, n)
			for i := range n {
				g.vars["ALL"].([]int)[i] = i
			}
			if err := t.Execute(&b, g.vars); err != nil {
				return "", err
			}
			b.WriteByte('\n')
		}
	}
	return b.String(), nil
}

// weights decodes the weights of a term.
func weights(t *runtime.Term) ([]uint16, error) {
	w := make([]uint16, t.Weights.Len())
	return w, t.Weights.Decode(w)
}
