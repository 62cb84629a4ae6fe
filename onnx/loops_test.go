package onnx

import (
	"slices"
	"strings"
	"testing"
)

// counter is a graph that adds up the steps of x, with a node outside of the loop between those of its body.
func counter() (*Graph, *Loop) {
	l := &Loop{Name: "l", Steps: 4}
	value := func(name string, shape ...int) *Value { return &Value{Name: name, Shape: shape} }
	x, zero := value("x", Batch, 4, 3), value("zero")
	zero.setConst(&Tensor{Type: Float, Shape: Shape{1, 3}, Floats: make([]float32, 3)})
	s, e, t, invariant, last, all := value("s"), value("e"), value("t"), value("i"), value("last"), value("all")
	state := &LoopState{Loop: l, Batched: true}
	g := &Graph{Name: "g", Opset: 13, Inputs: []*Value{x, value("y", Batch, 3)}, Outputs: []*Value{last, all}}
	add := func(op Op, out *Value, in ...*Value) {
		g.Nodes = append(g.Nodes, &Node{Name: out.Name, Op: op, Inputs: in, Outputs: []*Value{out}})
	}
	u := value("u")
	add(state, s, zero)
	add(&LoopTake{Loop: l, Axis: 1}, e, x)
	add(&Add{}, u, s, e)
	add(&Relu{}, invariant, g.Inputs[1])
	add(&Mul{}, t, u, invariant)
	add(&LoopPut{Loop: l, Axis: 1}, all, t)
	add(&LoopNext{Loop: l, State: state}, last, t)
	return g, l
}

func names(g *Graph) string {
	var list []string
	for _, n := range g.Nodes {
		list = append(list, n.Name)
	}
	return strings.Join(list, " ")
}

func TestOrderLoops(t *testing.T) {
	g, l := counter()
	if err := g.InferShapes(); err != nil {
		t.Fatal(err)
	}
	if err := g.CheckLoops(); err == nil || !strings.Contains(err.Error(), `nodes of loop "l" stand apart`) {
		t.Errorf("got error %v, want that the body is apart", err)
	}
	if err := g.OrderLoops(); err != nil {
		t.Fatal(err)
	}
	if got, want := names(g), "i s e u t last all"; got != want {
		t.Errorf("the order is %s, want %s", got, want)
	}
	if err := g.CheckLoops(); err != nil {
		t.Error(err)
	}
	bodies, err := g.Bodies()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range g.Nodes {
		if (bodies[n] == l) != (n.Name != "i") {
			t.Errorf("%s is in loop %v", n.Name, bodies[n])
		}
	}
}

func TestBodyErrors(t *testing.T) {
	node := func(g *Graph, name string) *Node {
		return g.Nodes[slices.IndexFunc(g.Nodes, func(n *Node) bool { return n.Name == name })]
	}
	for _, c := range []struct {
		name   string
		change func(g *Graph, l *Loop)
		want   string
	}{
		{"no LoopNext", func(g *Graph, _ *Loop) {
			g.Nodes = slices.DeleteFunc(g.Nodes, func(n *Node) bool { return n.Name == "last" })
			g.Outputs = g.Outputs[1:]
		}, "the state has no LoopNext"},
		{"a second LoopNext", func(g *Graph, l *Loop) {
			g.Nodes = append(g.Nodes, &Node{Name: "again", Op: node(g, "last").Op, Inputs: node(g, "last").Inputs, Outputs: []*Value{{Name: "again", Shape: Shape{Batch, 3}}}})
		}, "has another LoopNext"},
		{"a value of the body is an output", func(g *Graph, _ *Loop) { g.Outputs = append(g.Outputs, node(g, "u").Outputs[0]) }, `graph output "u": it is a value of the body of loop "l"`},
		{"a state of another shape", func(g *Graph, _ *Loop) { node(g, "t").Outputs[0].Shape = Shape{Batch, 4} }, "it hands [N,4] to a state of shape [N,3]"},
		{"a loop in the loop", func(g *Graph, _ *Loop) {
			g.Nodes = append(g.Nodes, &Node{Name: "inner", Op: &LoopTake{Loop: &Loop{Name: "k", Steps: 3}, Axis: 1}, Inputs: []*Value{node(g, "u").Outputs[0]}, Outputs: []*Value{{Name: "inner", Shape: Shape{Batch}}}})
		}, "loops in loops are not supported"},
		{"a value of two loops", func(g *Graph, _ *Loop) {
			other := &Loop{Name: "k", Steps: 4}
			v := &Value{Name: "w", Shape: Shape{Batch, 3}}
			g.Nodes = append(g.Nodes, &Node{Name: "take", Op: &LoopTake{Loop: other, Axis: 1}, Inputs: g.Inputs[:1], Outputs: []*Value{v}},
				&Node{Name: "both", Op: &Add{}, Inputs: []*Value{v, node(g, "u").Outputs[0]}, Outputs: []*Value{{Name: "both", Shape: Shape{Batch, 3}}}})
		}, `belongs to loop "k"`},
		{"no steps", func(_ *Graph, l *Loop) { l.Steps = 0 }, "has 0 steps, want at least 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, l := counter()
			if err := g.InferShapes(); err != nil {
				t.Fatal(err)
			}
			c.change(g, l)
			if _, err := g.Bodies(); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got error %v, want %q", err, c.want)
			}
		})
	}
}

// TestSimplifyLoops checks that what a loop leaves unused goes, that states stay where something depends on them, and that no state is
// taken for what it begins with.
func TestSimplifyLoops(t *testing.T) {
	g, _ := counter()
	g.Outputs = g.Outputs[1:] // the sequence
	if err := g.InferShapes(); err != nil {
		t.Fatal(err)
	}
	if _, err := Simplify(g); err != nil {
		t.Fatal(err)
	}
	if got, want := names(g), "i s e u t last all"; got != want {
		t.Errorf("nodes %s, want %s: the state is needed", got, want)
	}

	g, _ = counter()
	g.Outputs = g.Outputs[:1] // the last step
	if err := g.InferShapes(); err != nil {
		t.Fatal(err)
	}
	if _, err := Simplify(g); err != nil {
		t.Fatal(err)
	}
	if got, want := names(g), "i s e u t last"; got != want {
		t.Errorf("nodes %s, want %s: the sequence is not needed", got, want)
	}

	// A sequence that depends on no state.
	g, _ = counter()
	g.Outputs = g.Outputs[1:]
	for _, n := range g.Nodes {
		if n.Name == "u" {
			n.Inputs[0] = n.Inputs[1]
		}
	}
	if err := g.InferShapes(); err != nil {
		t.Fatal(err)
	}
	if _, err := Simplify(g); err != nil {
		t.Fatal(err)
	}
	if got, want := names(g), "i e u t all"; got != want {
		t.Errorf("nodes %s, want %s: nothing depends on the state", got, want)
	}
}

// TestCloneLoops checks that a copy has loops and states of its own.
func TestCloneLoops(t *testing.T) {
	g, l := counter()
	if err := g.InferShapes(); err != nil {
		t.Fatal(err)
	}
	c := g.Clone()
	for _, n := range c.Nodes {
		if loopOf(n.Op) == l {
			t.Errorf("%s of the copy belongs to the loop of the original", n.Name)
		}
	}
	if err := c.OrderLoops(); err != nil {
		t.Error(err)
	}
	l.Steps = 5
	if err := c.InferShapes(); err != nil {
		t.Error(err)
	}
}
