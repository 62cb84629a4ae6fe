package onnx

import (
	"strings"
	"testing"
)

// TestJointSoftmax reads a softmax over several dimensions together, as files before opset 13 have it: the
// dimensions from axis on are joined before it and divided behind it. A batch counts as one sample.
func TestJointSoftmax(t *testing.T) {
	for _, c := range []struct {
		opset int
		op    string
		axis  int
		batch any
		want  string // operators with their axes and results, or an error
	}{
		{11, "Softmax", 1, "N", "Reshape[N,24] Softmax[N,24] Reshape[N,4,2,3]"},
		{12, "LogSoftmax", 2, "N", "Reshape[N,4,6] LogSoftmax[N,4,6] Reshape[N,4,2,3]"},
		{11, "Softmax", 0, "N", "Reshape[N,24] Softmax[N,24] Reshape[N,4,2,3]"},
		{11, "Softmax", 0, 5, "Reshape[120] Softmax[120] Reshape[5,4,2,3]"}, // a leading axis of fixed size is an axis
		{11, "Softmax", 3, "N", "Softmax[N,4,2,3]"},
		{13, "Softmax", 1, "N", "Softmax[N,4,2,3]"},
	} {
		g, err := Decode(marshal(t, file(c.opset, in("x", c.batch, 4, 2, 3), out("y"), call(c.op, "x", "y", attr("axis", c.axis)))))
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		var got []string
		for _, n := range g.Nodes {
			got = append(got, n.Op.Type()+n.Outputs[0].Shape.String())
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s of opset %d, axis %d: got %q, want %q", c.op, c.opset, c.axis, got, c.want)
		}
		if g.Outputs[0].Name != "y" || g.Outputs[0] != g.Nodes[len(g.Nodes)-1].Outputs[0] {
			t.Errorf("%+v: the output is not that of the last node", c)
		}
	}
}
