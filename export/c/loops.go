package c

import (
	"bytes"
	"fmt"
	"strings"

	"qconv/runtime"
)

// moving collects the variables of the present loop: how far pieces have moved on, in elements, by their step from one iteration to the next.
type moving []int

// variable is the name of the variable for a step, or nothing for the step 0.
func (m *moving) variable(step int) string {
	if step == 0 {
		return ""
	}
	for i, s := range *m {
		if s == step {
			return fmt.Sprintf("moved%d", i)
		}
	}
	*m = append(*m, step)
	return fmt.Sprintf("moved%d", len(*m)-1)
}

// plus is an offset with how far it has moved on.
func plus(at int, variable string) string {
	if variable == "" {
		return fmt.Sprint(at)
	}
	return fmt.Sprintf("%d + %s", at, variable)
}

// orZero is a variable as an argument.
func orZero(variable string) string {
	if variable == "" {
		return "0"
	}
	return variable
}

// steps says that all iterations of a loop write the output of i together.
func steps(i *runtime.Copy) bool { return len(i.Pieces) == 1 && i.Pieces[0].OutStep != 0 }

// loopAt is the loop that instruction n is part of, or nil.
func (g *generator) loopAt(n int) *runtime.Loop {
	for i := range g.p.Loops {
		if l := &g.p.Loops[i]; n >= l.First && n < l.First+l.Length {
			return l
		}
	}
	return nil
}

// movingAt are the variables of the loop that instruction n is part of, or nil.
func (g *generator) movingAt(n int) *moving {
	l := g.loopAt(n)
	if l == nil {
		return nil
	}
	if g.moved[l] == nil {
		g.moved[l] = &moving{}
	}
	return g.moved[l]
}

// writeInstructions writes the statements of all instructions, with loops around some.
func (g *generator) writeInstructions(b *bytes.Buffer) {
	for n := 0; n < len(g.calls); {
		l := g.loopAt(n)
		if l == nil {
			g.writeCall(b, "    ", n)
			n++
			continue
		}
		moved := *g.movingAt(n)
		fmt.Fprintf(b, "    { /* instructions %d to %d, %d times */\n        uint32_t left", l.First, l.First+l.Length-1, l.Count)
		for i := range moved {
			fmt.Fprintf(b, ", moved%d = 0", i)
		}
		fmt.Fprintf(b, ";\n        for (left = %d; left > 0; left--) {\n", l.Count)
		for ; n < l.First+l.Length; n++ {
			g.writeCall(b, "            ", n)
		}
		for _, c := range l.Carries {
			g.writeHandOver(b, "            ", handOver{c.From, c.To})
		}
		for i, step := range moved {
			sign := "+"
			if step < 0 {
				sign, step = "-", -step
			}
			fmt.Fprintf(b, "            moved%d %s= %d;\n            Q_KEEP(moved%d);\n", i, sign, step, i)
		}
		b.WriteString("        }\n    }\n")
	}
}

func (g *generator) writeCall(b *bytes.Buffer, indent string, n int) {
	fmt.Fprintf(b, "%[1]s/* %[2]s */\n%[1]s%[3]s\n", indent, g.describe(n), strings.TrimSpace(g.calls[n]))
}

// writeHandOver writes what hands a tensor over, unless it stays where it is.
func (g *generator) writeHandOver(b *bytes.Buffer, indent string, h handOver) {
	if g.at(h.from) != g.at(h.to) {
		fmt.Fprintf(b, "%smemcpy(Q_BYTES(%d), Q_BYTES(%d), %d); /* what the next one begins with */\n", indent, g.at(h.to), g.at(h.from), g.p.Tensors[h.to].Elems())
	}
}
