package runtime

import "qconv/runtime/internal/kernel"

// Memory is what a [Runner] keeps in memory, in bytes, besides the Program itself. It
// counts the contents of all buffers and tables; a few words per instruction for Go's
// own bookkeeping are left out.
type Memory struct {
	Arena   int // activations and outputs, shared by tensors that do not live together
	Scratch int // working memory of the kernels, shared by all instructions; what lies in the arena is not counted again
	Weights int // weights in the form that the kernels read; of some layers the Program's
	Tables  int // everything else that is prepared: products, thresholds, maps, offsets
}

// Total is the sum.
func (m Memory) Total() int { return m.Arena + m.Scratch + m.Weights + m.Tables }

// Memory is the memory this Runner uses. Runners made by [Runner.Clone] share Weights
// and Tables.
func (r *Runner) Memory() Memory {
	return r.ops.takes(r.p)
}

// takes is the memory of a Runner for p.
func (s *ops) takes(p *Program) Memory {
	m := s.memory
	m.Scratch = s.need.Bytes(s.vector) * s.workers
	if s.places != nil {
		m.Scratch = s.arena - s.tensors
	}
	m.Arena = s.tensors + kernel.Margin + p.outputBytes()
	return m
}

// LayerInfo describes how an instruction is carried out.
type LayerInfo struct {
	Name   string // position and kind of the instruction, such as "3 linear 32x10x10"
	Kernel string // the kernel that was chosen
	MACs   int    // multiply-accumulates that the instruction stands for, in all runs
	Runs   int    // how many times it runs in an inference: once, or in every iteration of a loop

	Workers int // goroutines that share it

	// Cost is what the kernel is estimated to take: of a Linear, in additions of words or of vectors, 0 where that is not known;
	// of others, the elements that it compares or moves. It counts every run.
	Cost int64
}

// Layers describes all instructions in order.
func (r *Runner) Layers() []LayerInfo {
	return append([]LayerInfo(nil), r.ops.layers...)
}
