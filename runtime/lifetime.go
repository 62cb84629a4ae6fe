package runtime

// Lifetime says when a tensor is needed, in positions of instructions.
type Lifetime struct {
	// First is the instruction that writes it, and the first one of a loop whose iterations write it together; -1 is an input or a state of a stream.
	First int
	// Last is the last instruction that needs it, and the last one of a loop where an iteration leaves it to the next; below First nothing does.
	Last int
	// Kept says that it is needed when Last has run: at the end of an iteration, or of a step of a stream. So Last cannot write where it lies.
	Kept bool
}

// Lifetimes are those of all tensors, as instructions, loops and streams need them. Whoever reads outputs needs these longer.
func (p *Program) Lifetimes() []Lifetime {
	v := p.lives()
	list := make([]Lifetime, len(p.Tensors))
	for t := range list {
		list[t] = Lifetime{First: v.from[t], Last: v.until[t] >> 1, Kept: v.until[t]&1 != 0}
	}
	return list
}
