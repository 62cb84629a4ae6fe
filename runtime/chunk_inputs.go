package runtime

import (
	"fmt"
	"unsafe"
)

// FORMAT.md, "INPS: further inputs".

func hasFurtherInputs(p *Program) bool { return len(p.Inputs) > 1 }

func encodeFurtherInputs(w *writer, p *Program) {
	w.string(p.Inputs[0].Name)
	w.uint(len(p.Inputs) - 1)
	for i := 1; i < len(p.Inputs); i++ {
		encodeInput(w, &p.Inputs[i])
		w.string(p.Inputs[i].Name)
	}
}

func decodeFurtherInputs(r *reader, p *Program) {
	r.enter("input", 0)
	p.Inputs[0].Name = r.string("name")
	r.enterChunk("further inputs")
	n := r.count("number", maxInputs-1, 3)
	if !r.hold(n, unsafe.Sizeof(Input{})) {
		return
	}
	for i := 1; i <= n && r.err == nil; i++ {
		r.enter("input", i)
		var in Input
		decodeInput(r, p, &in)
		in.Name = r.string("name")
		p.Inputs = append(p.Inputs, in)
	}
}

// furtherInputs checks the inputs behind the first, and the names of all.
func (c *checker) furtherInputs() *fault {
	inputs := c.p.Inputs
	if len(inputs) > maxInputs {
		return faultf(-1, "%d inputs, want 1..%d", len(inputs), maxInputs)
	}
	if len(inputs) == 1 && inputs[0].Name != "" {
		return faultf(-1, "the only input has the name %q, want none", inputs[0].Name)
	}
	seen := map[string]bool{}
	for i := range inputs {
		if i > 0 {
			if f := c.input(i, inputName(i)); f != nil {
				return f
			}
		}
		name := inputs[i].Name
		if f := checkString(name); f != nil {
			return faultf(i, "the name of input %d %v", i, f)
		}
		if seen[name] {
			return faultf(i, "inputs have the same name %q", name)
		}
		seen[name] = true
	}
	return nil
}

// inputName is what messages call input i.
func inputName(i int) string {
	if i == 0 {
		return "the input"
	}
	return fmt.Sprintf("input %d", i)
}
