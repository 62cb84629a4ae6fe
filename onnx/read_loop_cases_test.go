package onnx

import (
	"google.golang.org/protobuf/proto"

	"qconv/onnx/internal/pb"
)

// loopNode is a Loop whose body has the parts given.
func loopNode(inputs, outputs string, body ...any) *pb.NodeProto {
	return call("Loop", inputs, outputs, &pb.AttributeProto{Name: proto.String("body"), Type: pb.AttributeProto_GRAPH.Enum(), G: file(1, body...).Graph})
}

// typed is a value of a type of its own.
func kindOf(name string, kind pb.TensorProto_DataType, dims ...any) input {
	v := in(name, dims...)
	v.GetType().GetTensorType().ElemType = proto.Int32(int32(kind))
	return v
}

func yields(v input) output { return output{v.ValueInfoProto} }

// counters are the inputs of a body that every Loop has.
func counters() []any {
	return []any{kindOf("i", pb.TensorProto_INT64), kindOf("c", pb.TensorProto_BOOL), yields(kindOf("c2", pb.TensorProto_BOOL)), call("Identity", "c", "c2")}
}

// body is one of a Loop with counters.
func body(parts ...any) []any { return append(counters(), parts...) }

func oneOf(name string, kind pb.TensorProto_DataType, x int64) *pb.TensorProto {
	t := &pb.TensorProto{Name: proto.String(name), DataType: proto.Int32(int32(kind))}
	if kind == pb.TensorProto_BOOL {
		t.Int32Data = []int32{int32(x)}
	} else {
		t.Int64Data = []int64{x}
	}
	return t
}

func count(name string, x int64) *pb.TensorProto { return oneOf(name, pb.TensorProto_INT64, x) }
func flag(name string, x int64) *pb.TensorProto  { return oneOf(name, pb.TensorProto_BOOL, x) }

// loopCase is a file of a Loop; loops is how many loops it becomes, the others being read iteration by iteration.
type loopCase struct {
	name  string
	batch int
	loops int
	m     *pb.ModelProto
}

func loopCases() []loopCase {
	five, yes := count("m", 5), flag("t", 1)
	z, x := in("z", "N", 3), in("x", "N", 5, 3)
	step := call("Gather", "x i", "e", attr("axis", 1))
	state := []any{in("s", "N", 3), dense("s2", "N", 3)}
	with := func(lists ...[]any) []any {
		var all []any
		for _, l := range lists {
			all = append(all, l...)
		}
		return all
	}
	// A body takes the types of lists from what is around it.
	list := func(name string) *pb.ValueInfoProto { return &pb.ValueInfoProto{Name: proto.String(name)} }
	return []loopCase{
		{"steps of a sequence", 2, 1, file(13, five, yes, z, x, out("y"), loopNode("m t z", "y", body(with(state, []any{step, call("Add", "s e", "u"), call("Tanh", "u", "s2")})...)...))},
		{"collected", 2, 1, file(13, five, yes, z, x, out("y"), out("all"), loopNode("m t z", "last all",
			body(with(state, []any{dense("o", "N", 3), step, call("Add", "s e", "u"), call("Tanh", "u", "s2"), call("Mul", "s2 e", "o")})...)...), call("Relu", "last", "y"))},
		{"condition of its own", 2, 1, file(13, five, z, x, out("y"), loopNode("m - z", "y", kindOf("i", pb.TensorProto_INT64), kindOf("c", pb.TensorProto_BOOL), yields(kindOf("c2", pb.TensorProto_BOOL)),
			flag("always", 1), call("Identity", "always", "c2"), in("s", "N", 3), dense("s2", "N", 3), step, call("Add", "s e", "s2")))},
		{"number of iterations from the shape", 2, 1, file(13, yes, z, x, out("y"), call("Shape", "x", "shape"), count("one", 1), call("Gather", "shape one", "m"),
			loopNode("m t z", "y", body(with(state, []any{step, call("Add", "s e", "s2")})...)...))},
		{"backwards", 2, 1, file(13, five, yes, count("four", 4), z, x, out("y"), loopNode("m t z", "y", body(with(state, []any{call("Sub", "four i", "at"), call("Gather", "x at", "e", attr("axis", 1)),
			call("Add", "s e", "u"), call("Tanh", "u", "s2")})...)...))},
		{"part of the sequence, and its neighbour", 2, 1, file(13, count("m", 4), yes, count("one", 1), z, x, out("y"), loopNode("m t z", "y", body(with(state, []any{step, call("Add", "i one", "at"),
			call("Gather", "x at", "f", attr("axis", 1)), call("Sub", "e f", "g"), call("Add", "s g", "u"), call("Tanh", "u", "s2")})...)...))},
		{"positions in a list", 2, 1, file(13, five, yes, integers("zero", 0), z, x, out("y"), loopNode("m t z", "y", body(with(state, []any{call("Unsqueeze", "i zero", "at"),
			integers("ax", 1), call("Gather", "x at", "f", attr("axis", 1)), call("Squeeze", "f ax", "e"), call("Add", "s e", "u"), call("Tanh", "u", "s2")})...)...))},
		{"slices", 2, 1, file(13, five, yes, integers("zero", 0), integers("one", 1), z, x, out("y"), loopNode("m t z", "y", body(with(state, []any{call("Unsqueeze", "i zero", "at"),
			call("Add", "at one", "end"), call("Slice", "x at end one", "f"), call("Squeeze", "f one", "e"), call("Add", "s e", "u"), call("Tanh", "u", "s2")})...)...))},
		{"a state that counts", 2, 1, file(13, five, yes, count("from", 4), z, x, out("y"), out("k"), loopNode("m t z from", "y n", body(with(state, []any{kindOf("at", pb.TensorProto_INT64), yields(kindOf("at2", pb.TensorProto_INT64)),
			count("one", 1), call("Sub", "at one", "at2"), call("Gather", "x at", "e", attr("axis", 1)), call("Add", "s e", "u"), call("Tanh", "u", "s2")})...)...), call("Cast", "n", "nf", attr("to", 1)), call("Add", "y nf", "k"))},
		{"a list of results", 2, 1, file(13, five, yes, z, x, out("y"), call("SequenceEmpty", "", "none"), loopNode("m t z none", "last list",
			body(with(state, []any{input{list("l")}, output{list("l2")}, step, call("Add", "s e", "u"), call("Tanh", "u", "s2"), call("SequenceInsert", "l s2", "l2")})...)...),
			call("ConcatFromSequence", "list", "y", attr("axis", 1), attr("new_axis", 1)))},
		{"a list of results, joined", 2, 1, file(13, five, yes, z, x, out("y"), call("SequenceEmpty", "", "none"), loopNode("m t z none", "last list",
			body(with(state, []any{input{list("l")}, output{list("l2")}, step, call("Add", "s e", "u"), call("Tanh", "u", "s2"), call("SequenceInsert", "l s2", "l2")})...)...),
			call("ConcatFromSequence", "list", "y", attr("axis", 1)))},
		{"the batch behind the steps", 2, 1, file(13, five, yes, z, in("x", 5, "N", 3), out("y"), out("all"), loopNode("m t z", "y all",
			body(with(state, []any{dense("o", "N", 3), call("Gather", "x i", "e"), call("Add", "s e", "u"), call("Tanh", "u", "s2"), call("Neg", "s2", "o")})...)...))},
		{"the batch behind the steps, backwards", 2, 1, file(13, five, yes, count("four", 4), z, in("x", 5, "N", 3), out("y"), loopNode("m t z", "y",
			body(with(state, []any{call("Sub", "four i", "at"), call("Gather", "x at", "e"), call("Add", "s e", "u"), call("Tanh", "u", "s2")})...)...))},
		{"no sequence", 2, 1, file(13, five, yes, z, floats("w", 3, 3), out("y"), loopNode("m t z", "y", body(with(state, []any{call("MatMul", "s w", "u"), call("Tanh", "u", "s2")})...)...))},
		{"no sequence, and a constant state", 2, 1, file(13, five, yes, z, floats("begin", 1, 3), floats("w", 3, 3), out("y"), loopNode("m t begin", "y", body(in("s", "any", 3), yields(in("s2", "other", 3)),
			call("MatMul", "s w", "u"), call("Add", "u z", "v"), call("Tanh", "v", "s2"))...))},
		{"while counters are small", 2, 1, file(13, z, x, yes, out("y"), out("all"), count("start", 0), loopNode("- t z start start", "y k j all", kindOf("i", pb.TensorProto_INT64), kindOf("c", pb.TensorProto_BOOL), yields(kindOf("c2", pb.TensorProto_BOOL)),
			in("s", "N", 3), dense("s2", "N", 3), kindOf("k", pb.TensorProto_INT64), yields(kindOf("k2", pb.TensorProto_INT64)), kindOf("j", pb.TensorProto_INT64), yields(kindOf("j2", pb.TensorProto_INT64)), dense("o", "N", 3), count("one", 1), count("three", 3), count("many", 1<<31-1),
			call("Gather", "x k", "e", attr("axis", 1)), call("Add", "s e", "u"), call("Tanh", "u", "s2"), call("Neg", "s2", "o"), call("Add", "k one", "k2"), call("Add", "j one", "j2"),
			call("Less", "k2 three", "below"), call("Greater", "many j2", "few"), call("And", "below few", "c2")))},
		{"until a condition fails", 2, 0, file(13, z, x, out("y"), count("start", 0), loopNode("- - z start", "y k", kindOf("i", pb.TensorProto_INT64), kindOf("c", pb.TensorProto_BOOL), yields(kindOf("c2", pb.TensorProto_BOOL)),
			in("s", "N", 3), dense("s2", "N", 3), kindOf("k", pb.TensorProto_INT64), yields(kindOf("k2", pb.TensorProto_INT64)), count("two", 2), count("most", 5),
			call("Gather", "x k", "e", attr("axis", 1)), call("Add", "s e", "u"), call("Tanh", "u", "s2"), call("Add", "k two", "k2"), call("Less", "k2 most", "c2")))},
		{"the number in the arithmetic", 2, 0, file(13, count("m", 3), yes, z, x, out("y"), loopNode("m t z", "y", body(with(state, []any{step, call("Cast", "i", "f", attr("to", 1)), call("Mul", "e f", "g"), call("Add", "s g", "s2")})...)...))},
		{"positions from the end", 2, 0, file(13, count("m", 3), yes, count("one", 1), z, x, out("y"), loopNode("m t z", "y", body(with(state, []any{call("Sub", "i one", "at"), call("Gather", "x at", "e", attr("axis", 1)), call("Add", "s e", "s2")})...)...))},
		{"a state that grows", 2, 0, file(13, count("m", 3), yes, z, x, out("y"), loopNode("m t z", "y", body(in("s", "N", "any"), yields(in("s2", "N", "other")), step, call("Tanh", "e", "f"), call("Concat", "s f", "s2", attr("axis", 1)))...))},
		{"one iteration", 2, 1, file(13, count("m", 1), yes, z, x, out("y"), out("all"), loopNode("m t z", "y all", body(with(state, []any{dense("o", "N", 3), step, call("Add", "s e", "s2"), call("Relu", "s2", "o")})...)...))},
		{"no iteration", 2, 0, file(13, count("m", 0), yes, z, out("y"), loopNode("m t z", "last", body(with(state, []any{call("Tanh", "s", "s2")})...)...), call("Relu", "last", "r"), call("Concat", "r r", "y", attr("axis", 1)))},
		{"loop in a loop", 2, 1, file(13, five, yes, count("three", 3), z, x, out("y"), loopNode("m t z", "y", body(with(state, []any{step, call("Add", "s e", "u"), loopNode("three t u", "v",
			kindOf("j", pb.TensorProto_INT64), kindOf("d", pb.TensorProto_BOOL), yields(kindOf("d2", pb.TensorProto_BOOL)), in("p", "N", 3), dense("p2", "N", 3), call("Identity", "d", "d2"), call("Tanh", "p", "p2")), call("Neg", "v", "s2")})...)...))},
		{"recurrent layer in a loop", 2, 2, file(13, count("m", 2), yes, in("z", 1, "N", 2), in("x", "N", 2, 4, 3), floats("w", 1, 2, 3), floats("r", 1, 2, 2), out("y"), loopNode("m t z", "y",
			body(in("s", 1, "N", 2), dense("s2", 1, "N", 2), call("Gather", "x i", "e", attr("axis", 1)), call("Transpose", "e", "seq", attr("perm", []int{1, 0, 2})), call("RNN", "seq w r - - s", "- s2", attr("hidden_size", 2)))...))},
		{"Scan in a Scan", 2, 1, file(13, z, in("x", "N", 5, 4, 3), out("a"), scanNode("z x", "a", 1, []any{in("s", "N", 3), in("e", "N", 4, 3), dense("a2", "N", 3),
			scanNode("s e", "a2", 1, []any{in("p", "N", 3), in("f", "N", 3), dense("p2", "N", 3), call("Add", "p f", "q"), call("Tanh", "q", "p2")}, attr("scan_input_axes", []int{1}))}, attr("scan_input_axes", []int{1})))},
		{"a state that nothing reads", 2, 1, file(13, five, yes, z, x, out("y"), loopNode("m t z", "y", body(with(state, []any{step, call("Tanh", "e", "s2")})...)...))},
		{"a state that is another one in the next iteration", 2, 1, file(13, five, yes, z, x, out("y"), out("w"), loopNode("m t z z", "y w", body(with(state, []any{in("v", "N", 3), dense("v2", "N", 3), step,
			call("Add", "v e", "u"), call("Tanh", "u", "s2"), call("Identity", "s", "v2")})...)...))},
		{"collected results of a loop in a loop", 2, 1, file(13, five, yes, count("three", 3), z, x, out("y"), loopNode("m t z", "last rows", body(with(state, []any{yields(in("o", 3, "N", 3)), step, call("Add", "s e", "s2"),
			loopNode("three t s2", "v o", kindOf("j", pb.TensorProto_INT64), kindOf("d", pb.TensorProto_BOOL), yields(kindOf("d2", pb.TensorProto_BOOL)), in("p", "N", 3), dense("p2", "N", 3), dense("q", "N", 3),
				call("Identity", "d", "d2"), call("Tanh", "p", "p2"), call("Neg", "p2", "q"))})...)...), call("Transpose", "rows", "y", attr("perm", []int{2, 0, 1, 3})))},
		{"a constant state that depends on itself alone", 2, 1, file(13, five, yes, z, floats("begin", 1, 3), out("y"), loopNode("m t begin z", "w y", body(in("a", "any", 3), yields(in("a2", "any", 3)), in("q", "N", 3), dense("q2", "N", 3),
			call("Tanh", "a", "a2"), call("Add", "q a", "u"), call("Tanh", "u", "q2"))...))},
		{"a list of results, the last in front", 2, 0, file(13, five, yes, count("zero", 0), x, out("y"), call("SequenceEmpty", "", "none"), loopNode("m t none", "list",
			body(input{list("l")}, output{list("l2")}, step, call("Tanh", "e", "f"), call("SequenceInsert", "l f zero", "l2"))...), call("ConcatFromSequence", "list", "y", attr("axis", 1), attr("new_axis", 1)))},
		{"recurrent layer in a Scan, backwards", 2, 3, file(13, in("z", 1, "N", 2), in("x", "N", 4, 3, 3), floats("w", 1, 2, 3), floats("r", 1, 2, 2), out("a"), out("all"), scanNode("z x", "a all", 1,
			[]any{in("s", 1, "N", 2), in("e", "N", 4, 3), dense("s2", 1, "N", 2), dense("o", "N", 2, 3), call("Transpose", "e", "seq", attr("perm", []int{1, 0, 2})), call("RNN", "seq w r - - s", "h s2", attr("hidden_size", 2)),
				integers("lead", 0), call("Squeeze", "s2 lead", "last"), integers("two", 2), call("Unsqueeze", "last two", "col"), call("Concat", "col col col", "o", attr("axis", 2))},
			attr("scan_input_axes", []int{2}), attr("scan_input_directions", []int{1}), attr("scan_output_axes", []int{1}), attr("scan_output_directions", []int{1})))},
	}
}
