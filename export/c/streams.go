package c

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// entry is the function that runs the network: on one sample, or on the next step of a stream.
func (g *generator) entry() string {
	if g.p.Stream != nil {
		return g.o.Name + "_step"
	}
	return g.o.Name + "_run"
}

// stateBytes is the memory of all states.
func (g *generator) stateBytes() int {
	n := 0
	for _, s := range states(g.p) {
		n += g.p.Tensors[s.To].Elems()
	}
	return n
}

// countHandOvers counts what carries and states move.
func (g *generator) countHandOvers() {
	count := func(h handOver, times int) {
		if g.at(h.from) != g.at(h.to) {
			g.report.Tally[moveOne] += float64(g.p.Tensors[h.to].Elems()) * float64(times)
		}
	}
	for i := range g.p.Loops {
		for _, c := range g.p.Loops[i].Carries {
			count(handOver{c.From, c.To}, g.p.Loops[i].Count)
		}
	}
	for _, s := range states(g.p) {
		count(handOver{s.From, s.To}, 1)
	}
}

// writeInitials writes the levels that states begin with, and returns the statements that fill the states.
func (g *generator) writeInitials() []string {
	var list []string
	for _, s := range states(g.p) {
		n := g.p.Tensors[s.To].Elems()
		if len(s.Initial) == 1 {
			list = append(list, fmt.Sprintf("memset(Q_BYTES(%d), %d, %d);", g.at(s.To), s.Initial[0], n))
			continue
		}
		table := add(&g.tables, "uint8_t", "initial", s.Initial)
		list = append(list, fmt.Sprintf("for (i = 0; i < %d; i++) Q_BYTES(%d)[i] = %s[i];", n, g.at(s.To), table))
	}
	return list
}

// writeStates writes what a stream needs: the function that fills its states, and the one that hands them to the next step.
func (g *generator) writeStates(b *bytes.Buffer) {
	if g.p.Stream == nil {
		return
	}
	fmt.Fprintf(b, "static uint8_t q_begun; /* 1: the states are filled */\n\nvoid %s_reset(void) {\n", g.o.Name)
	if slices.ContainsFunc(g.initials, func(s string) bool { return strings.HasPrefix(s, "for") }) {
		b.WriteString("    uint32_t i;\n")
	}
	for _, s := range append(g.initials, "q_begun = 1;") {
		b.WriteString("    " + s + "\n")
	}
	b.WriteString("}\n\n")
	b.WriteString("/* What a step leaves becomes what the next one finds, once the outputs are read. */\nstatic void q_next(void) {\n")
	var moves bytes.Buffer
	for _, s := range states(g.p) {
		g.writeHandOver(&moves, "    ", handOver{s.From, s.To})
	}
	if moves.Len() == 0 {
		moves.WriteString("    /* Nothing to do: all stay where they are. */\n")
	}
	b.WriteString(moves.String() + "}\n\n")
}
