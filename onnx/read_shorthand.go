package onnx

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Files have more operators than a Graph. What other operators can say in several words is read as
// these, by a phrase: nothing behind the reader knows that there was a shorter one.

// phrase reads an operator as several nodes, which it adds to s, and returns their result. It is called
// where the shapes of all operands are known. Where it finds the node wrong or more than it can take, it notes
// that in r; its result does not count then.
type phrase func(r *nodeReader, s *spelling) *Value

// phrased reads a node by its phrase. With an operand of unknown shape nothing is known of the result.
func (r *nodeReader) phrased(name string, say phrase, unknown bool) {
	if unknown {
		return
	}
	r.words = &spelling{name: name, places: r.places}
	r.said = []*Value{say(r, r.words)}
	r.finish()
}

// also gives a further result of a phrase, that in place i of the node's results.
func (r *nodeReader) also(i int, v *Value) {
	for len(r.later) <= i {
		r.later = append(r.later, nil)
	}
	r.later[i] = v
}

// wrong says whether anything speaks against the node so far, so that its shapes are not to be relied on.
func (r *nodeReader) wrong(s *spelling) bool {
	return r.err != nil || len(r.refusals) > 0 || s.err != nil
}

// phrase adds the nodes of a phrase to the graph.
func (d *decoder) phrase(p *node, r *nodeReader, outputs []*Value) error {
	s := r.words
	if r.alias && len(s.nodes) == 0 && d.rename(&Node{Inputs: r.said, Outputs: outputs}) {
		return nil
	}
	results := slices.Clone(r.said)
	for i, v := range r.later {
		if v != nil {
			for len(results) <= i {
				results = append(results, nil)
			}
			results[i] = v
		}
	}
	if list := d.sequences[results[0]]; list != nil {
		d.sequences[outputs[0]] = list
		results[0] = nil
	}
	final := map[*Value]*Value{} // values of the phrase that are results of the node
	for i, out := range outputs {
		var v *Value
		if i < len(results) {
			v = results[i]
		}
		if v == nil {
			if d.sequences[out] == nil && r.used(i) {
				return refusef("output %d (%q) is used, which has no form here", i, out.Name)
			}
			continue
		}
		made := slices.ContainsFunc(s.nodes, func(n *Node) bool { return slices.Contains(n.Outputs, v) })
		if pl, placed := d.places[v]; placed && d.nameBase(s, pl, out) {
			continue
		}
		if !made || final[v] != nil {
			s.nodes = append(s.nodes, &Node{Op: &Identity{}, Inputs: []*Value{v}, Outputs: []*Value{out}})
			continue
		}
		final[v] = out
	}
	for _, v := range s.constants {
		v.Name = d.unique(v.Name)
	}
	for i, n := range s.nodes {
		part := strings.HasPrefix(n.Name, p.name+namedPart)
		switch {
		case part:
			n.Name = d.freeNode(n.Name)
		case i == len(s.nodes)-1:
			n.Name = p.name
		default:
			n.Name = d.nodeName(p.name, n.Op)
		}
		d.names[n.Name] = true
		for _, list := range [][]*Value{n.Inputs, n.Outputs} {
			for k, v := range list {
				if out := final[v]; out != nil {
					list[k] = out
				}
			}
		}
		for _, v := range n.Inputs {
			if v != nil && d.exact[v] != nil {
				return refusef("operand %q is computed from the batch size", v.Name)
			}
		}
		for _, v := range n.Outputs {
			if v.Name == "" {
				v.Name = d.unique(cmp.Or(s.wishes[v], n.Name))
			}
		}
		if err := d.add(n, nil); err != nil {
			return err
		}
	}
	if r.made != nil {
		d.codes[outputs[0].Name] = r.made
	}
	return nil
}

// finishPhrase does what [decoder.node] does for a single node: it tells what is wrong from what is refused.
func (d *decoder) finishPhrase(p *node, where string, r *nodeReader, outputs []*Value) error {
	err := r.words.err
	if len(r.refusals) == 0 && slices.ContainsFunc(r.codes, func(c *codes) bool { return c != nil }) {
		r.refusef("arithmetic with integer codes")
	}
	if err == nil && r.err == nil && len(r.refusals) == 0 {
		err = d.phrase(p, r, outputs)
	}
	var refused *refusal
	switch {
	case r.err != nil:
		return &FormatError{Where: where, Err: r.err}
	case errors.As(err, &refused):
		r.refusals = append(r.refusals, refused.reason)
	case err != nil:
		return &FormatError{Where: where, Err: err}
	}
	if len(r.refusals) > 0 {
		d.refuseNode(p, joinReasons(r.refusals))
		for _, v := range outputs {
			d.unknown[v] = true
		}
	}
	return nil
}

// nodeName makes a name of a node that no other has.
func (d *decoder) nodeName(of string, op Op) string {
	return d.freeNode(of + "." + op.Type())
}

// freeNode is a name that no node has: the wish, or that with a number behind it.
func (d *decoder) freeNode(wish string) string {
	name := wish
	for k := 2; d.names[name]; k++ {
		name = fmt.Sprintf("%s%d", wish, k)
	}
	return name
}

// nameBase gives a result of a phrase that stands elsewhere in the graph than in the file the name of the result out, if it is made by the phrase
// and has no name yet.
func (d *decoder) nameBase(s *spelling, pl place, out *Value) bool {
	made := slices.ContainsFunc(s.nodes, func(n *Node) bool { return slices.Contains(n.Outputs, pl.base) })
	if !made || pl.base.Name != "" {
		return false
	}
	pl.base.Name = out.Name
	d.places.make(out, pl.base, pl.at)
	return true
}
