package main

import (
	"fmt"
	"io"
	"os"

	qrt "qconv/runtime"
	"qconv/runtime/printable"
)

// programInfo is what a program needs and consists of. Memory is that of a Runner on a
// machine with words of WordBits bits, this one or Target, in bytes; LowMemory is that of one with --low-memory.
type programInfo struct {
	Target    string `json:"target,omitempty"`
	FileBytes int    `json:"file_bytes"`
	// Weights are stored indices; UniqueWeights is the most different values that the
	// weights of one codebook take.
	Weights       int     `json:"weights"`
	UniqueWeights int     `json:"unique_weights"`
	BitsPerWeight float64 `json:"bits_per_weight"` // coded
	ArenaBytes    int     `json:"arena_bytes"`
	ScratchBytes  int     `json:"scratch_bytes"`
	WeightBytes   int     `json:"weight_bytes"`
	TableBytes    int     `json:"table_bytes"`
	RAMBytes      int     `json:"ram_bytes"`
	WordBits      int     `json:"word_bits"`
	LowMemory     ram     `json:"low_memory"`
	// ProcessBytes is about what qrun takes at its peak on Target.
	ProcessBytes int64 `json:"process_bytes,omitempty"`
	MACs         int   `json:"macs"`
	// Tables is what the look-up tables of the program come to.
	Tables tableEntries `json:"table_entries"`
	// Left says which outputs hold scores, and before what.
	Left []string `json:"left_to_reader,omitempty"`
	// Purposes divides FileBytes.
	Purposes purposes      `json:"file_bytes_by_purpose"`
	Layers   []programStep `json:"layers"`
}

// ram is the memory of a Runner in bytes.
type ram struct {
	Arena   int `json:"arena_bytes"`
	Scratch int `json:"scratch_bytes"`
	Weights int `json:"weight_bytes"`
	Tables  int `json:"table_bytes"`
	Total   int `json:"ram_bytes"`
}

func (r ram) String() string {
	return fmt.Sprintf("%s bytes: arena %s, scratch %s, weights %s, tables %s",
		grouped(r.Total), grouped(r.Arena), grouped(r.Scratch), grouped(r.Weights), grouped(r.Tables))
}

// purposes divides the bytes of a file.
type purposes struct {
	Weights int `json:"weights"` // coded indices
	Other   int `json:"other"`   // centres, biases, thresholds, tables, structure, labels, self-tests
}

// programStep is one instruction.
type programStep struct {
	Name          string  `json:"name"`
	Kernel        string  `json:"kernel"`
	Op            string  `json:"op"`
	Output        [3]int  `json:"output"`
	Levels        int     `json:"levels"` // of the output; 0 = accumulators
	Weights       int     `json:"weights"`
	UniqueWeights int     `json:"unique_weights"`
	CodedBytes    int     `json:"coded_bytes"`
	BitsPerWeight float64 `json:"bits_per_weight"`
	MACs          int     `json:"macs"`
}

// inspectProgram gathers all figures of a program whose file has the given size, on this machine or, where target is not empty, on that
// one.
func inspectProgram(p *qrt.Program, fileBytes int, target string, limits qrt.Limits) (*programInfo, error) {
	info := &programInfo{FileBytes: fileBytes, Target: target, MACs: p.MACs(), Left: p.LeftToReader()}
	layers, err := info.measure(p, limits)
	if err != nil {
		return nil, err
	}
	used := make([]map[uint16]bool, len(p.Codebooks))
	for i, instr := range p.Instrs {
		out := &p.Tensors[instr.Dst()]
		s := programStep{Op: opName(instr), Output: out.Shape, Levels: out.Levels}
		if i < len(layers) {
			s.Name, s.Kernel, s.MACs = layers[i].Name, layers[i].Kernel, layers[i].MACs
		}
		if l, ok := instr.(*qrt.Linear); ok {
			if err := s.countWeights(l, used); err != nil {
				return nil, err
			}
		}
		info.Weights += s.Weights
		info.Purposes.Weights += s.CodedBytes
		info.Layers = append(info.Layers, s)
	}
	info.Tables = countTables(p, used)
	for _, u := range used {
		info.UniqueWeights = max(info.UniqueWeights, len(u))
	}
	info.BitsPerWeight = bitsPer(info.Purposes.Weights, info.Weights)
	info.Purposes.Other = fileBytes - info.Purposes.Weights
	return info, nil
}

// countWeights adds the weights of all terms and notes, by codebook, the centres they use.
func (s *programStep) countWeights(l *qrt.Linear, used []map[uint16]bool) error {
	for k := range l.Terms {
		t := &l.Terms[k]
		indices := make([]uint16, t.Weights.Len())
		if err := t.Weights.Decode(indices); err != nil {
			return err
		}
		here := map[uint16]bool{}
		if used[t.Codebook] == nil {
			used[t.Codebook] = map[uint16]bool{}
		}
		for _, w := range indices {
			here[w] = true
			used[t.Codebook][w] = true
		}
		s.Weights += len(indices)
		s.CodedBytes += t.Weights.CodedBytes()
		s.UniqueWeights = max(s.UniqueWeights, len(here))
	}
	s.BitsPerWeight = bitsPer(s.CodedBytes, s.Weights)
	return nil
}

func bitsPer(bytes, weights int) float64 {
	if weights == 0 {
		return 0
	}
	return 8 * float64(bytes) / float64(weights)
}

func opName(i qrt.Instr) string {
	switch i.(type) {
	case *qrt.Linear:
		return "Linear"
	case *qrt.MaxPool:
		return "MaxPool"
	case *qrt.Map:
		return "Map"
	case *qrt.Map2:
		return "Map2"
	case *qrt.ArgMax:
		return "ArgMax"
	case *qrt.MatMul:
		return "MatMul"
	case *qrt.Copy:
		return "Copy"
	}
	return fmt.Sprintf("%T", i)
}

func (i *programInfo) printTotals(w io.Writer) {
	fmt.Fprintf(w, "file     %s bytes: weights %s, other %s\n", grouped(i.FileBytes), grouped(i.Purposes.Weights), grouped(i.Purposes.Other))
	fmt.Fprintf(w, "weights  %s, %d different, %.2f bits each\n", grouped(i.Weights), i.UniqueWeights, i.BitsPerWeight)
	fmt.Fprintf(w, "RAM      %v\n", ram{i.ArenaBytes, i.ScratchBytes, i.WeightBytes, i.TableBytes, i.RAMBytes})
	fmt.Fprintf(w, "         %v, with --low-memory\n", i.LowMemory)
	where := "this machine"
	if i.Target != "" {
		where = i.Target
	}
	fmt.Fprintf(w, "         on %s, whose words have %d bits\n", where, i.WordBits)
	if i.ProcessBytes > 0 {
		fmt.Fprintf(w, "process  about %s bytes at the peak of qrun: itself, Go's runtime, the program and twice what lives\n", grouped(int(i.ProcessBytes)))
	}
	fmt.Fprintf(w, "tables   %v\n", i.Tables)
	fmt.Fprintf(w, "MACs     %s\n", grouped(i.MACs))
	for _, line := range i.Left {
		fmt.Fprintln(w, line)
	}
}

func (i *programInfo) printLayers(w io.Writer) {
	t := table{left: 1}
	t.add("layer", "levels", "weights", "different", "bits", "MACs", "kernel")
	for _, s := range i.Layers {
		levels, different, bits := "-", "", ""
		if s.Levels > 0 {
			levels = fmt.Sprint(s.Levels)
		}
		if s.Weights > 0 {
			different, bits = fmt.Sprint(s.UniqueWeights), fmt.Sprintf("%.2f", s.BitsPerWeight)
		}
		t.add(printable.Name(s.Name), levels, grouped(s.Weights), different, bits, grouped(s.MACs), s.Kernel)
	}
	t.print(w)
}

// fileSize is the size of a file in bytes.
func fileSize(path string) (int, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return int(info.Size()), nil
}
