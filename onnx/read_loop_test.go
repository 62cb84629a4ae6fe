package onnx

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"qconv/internal/testtool"
	"qconv/onnx/internal/pb"
)

// TestLoops compares Loops of all kinds with ONNX Runtime, and how they are read.
func TestLoops(t *testing.T) {
	ort := testtool.NewORT(t)
	for _, c := range loopCases() {
		t.Run(c.name, func(t *testing.T) {
			data := marshal(t, c.m)
			g, err := Decode(data)
			if err != nil {
				t.Fatal(err)
			}
			loops := map[*Loop]bool{}
			for _, n := range g.Nodes {
				if l := loopOf(n.Op); l != nil {
					loops[l] = true
				}
			}
			if len(loops) != c.loops {
				t.Errorf("it became %d loops, want %d", len(loops), c.loops)
			}
			agree(t, ort, data, ReadOptions{}, max(c.batch, 1))
		})
	}
}

// TestLoopErrors checks that what is wrong with a Loop is said in one line.
func TestLoopErrors(t *testing.T) {
	five, yes := count("m", 5), flag("t", 1)
	z, x := in("z", "N", 3), in("x", "N", 5, 3)
	step := call("Gather", "x i", "e", attr("axis", 1))
	sum := body(in("s", "N", 3), dense("s2", "N", 3), step, call("Add", "s e", "s2"))
	for _, c := range []struct {
		name        string
		m           *pb.ModelProto
		unsupported bool
		want        string
	}{
		{"number not known", file(13, yes, z, x, in("n", "N", 1), out("y"), call("Cast", "n", "m", attr("to", 7)), loopNode("m t z", "y", sum...)), true, "the number of its iterations is computed when the network runs"},
		{"condition not known", file(13, five, z, x, in("n", "N", 1), out("y"), call("Cast", "n", "t", attr("to", 9)), loopNode("m t z", "y", sum...)), true, "its condition is computed when the network runs"},
		{"condition computed", file(13, five, yes, z, x, out("y"), loopNode("m t z", "y", kindOf("i", pb.TensorProto_INT64), kindOf("c", pb.TensorProto_BOOL), yields(kindOf("c2", pb.TensorProto_BOOL)), in("s", "N", 3), dense("s2", "N", 3),
			step, call("Add", "s e", "s2"), call("Cast", "s2", "c2", attr("to", 9)))), true, "whether it goes on is computed"},
		{"without end", file(13, z, yes, out("y"), loopNode("- t z", "y", body(in("s", "N", 3), dense("s2", "N", 3), call("Tanh", "s", "s2"))...)), true, "too many to be read one by one"},
		{"without end and work", file(13, z, yes, out("y"), loopNode("- t z", "y", body(in("s", "N", 3), yields(in("s", "N", 3)))...)), true, "too many to be read one by one"},
		{"loops in loops", file(13, z, count("m", 20000), yes, out("y"), loopNode("m t z", "y", body(in("s", "N", 3), dense("s2", "N", 3), loopNode("m t s", "s2", kindOf("j", pb.TensorProto_INT64), kindOf("d", pb.TensorProto_BOOL),
			yields(kindOf("d2", pb.TensorProto_BOOL)), in("p", "N", 3), dense("p2", "N", 3), call("Identity", "d", "d2"), call("Tanh", "p", "p2")))...)), true, "a loop in the body of another that runs too often"},
		{"nothing collected", file(13, count("m", 0), yes, z, x, out("y"), loopNode("m t z", "q y", body(in("s", "N", 3), dense("s2", "N", 3), dense("o", "N", 3), step, call("Add", "s e", "s2"), call("Neg", "e", "o"))...)), true, "it runs no iteration"},
		{"unsupported operator", file(13, five, yes, z, x, out("y"), loopNode("m t z", "y", body(in("s", "N", 3), dense("s2", "N", 3), step, call("Multinomial", "e", "f"), call("Add", "s f", "s2"))...)), true, "(Multinomial, opset 13): the operator is not supported"},
		{"inputs", file(13, five, yes, z, x, out("y"), loopNode("m t", "y", sum...)), false, "with a body of 3 and 2"},
		{"one input", file(13, five, out("y"), loopNode("m", "y", sum...)), false, "1 inputs, want"},
		{"no body", file(13, five, yes, z, out("y"), call("Loop", "m t z", "y")), false, "and a body"},
		{"kind of the number", file(13, yes, z, x, out("y"), loopNode("t t z", "y", sum...)), false, "want one integer"},
		{"no such value", file(13, five, yes, z, x, out("y"), loopNode("m t z", "y", body(in("s", "N", 3), dense("s2", "N", 3))...)), false, "is computed by no node"},
		{"name twice", file(13, five, yes, z, x, out("y"), loopNode("m t z", "y", body(in("s", "N", 3), in("s", "N", 3), dense("s2", "N", 3))...)), false, "body"},
		{"state missing", file(13, five, yes, x, out("y"), loopNode("m t -", "y", sum...)), false, "state 0 is missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Decode(marshal(t, c.m))
			var format *FormatError
			var unsupported *UnsupportedError
			if errors.As(err, &unsupported) != c.unsupported || errors.As(err, &format) == c.unsupported || !strings.Contains(fmt.Sprint(err), c.want) {
				t.Errorf("got error %v of type %T, want %q", err, err, c.want)
			}
		})
	}
}
