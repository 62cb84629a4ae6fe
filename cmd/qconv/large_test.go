package main

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "qconv/onnx" // registers the messages of ONNX files
)

// Models for tests are written as the text form of ONNX messages, so that any file, right or wrong, can be
// made.

// modelMessage is the message of a model whose text form is given.
func modelMessage(t testing.TB, text string) proto.Message {
	t.Helper()
	kind, err := protoregistry.GlobalTypes.FindMessageByName("qconv.onnx.ModelProto")
	if err != nil {
		t.Fatal(err)
	}
	m := kind.New().Interface()
	if err := prototext.Unmarshal([]byte(text), m); err != nil {
		t.Fatalf("%v in %.300s", err, text)
	}
	return m
}

// modelFile is an ONNX file of a message.
func modelFile(t testing.TB, m proto.Message) []byte {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// modelText collects the text form of a model of one input x.
type modelText struct {
	nodes             []string
	rest              strings.Builder
	functions         strings.Builder
	input, opset      string
	outputs, produced int
}

// node adds a node with a name of its own.
func (m *modelText) node(op, inputs, outputs string, attributes ...string) {
	m.nodes = append(m.nodes, fmt.Sprintf("node{name:'n%d' %s}\n", len(m.nodes), nodeText(op, inputs, outputs, attributes...)))
}

// nodeText is a node without the name; names of operands are separated by blanks, and - is one left out.
func nodeText(op, inputs, outputs string, attributes ...string) string {
	var b strings.Builder
	domain := ""
	if d, name, found := strings.Cut(op, ":"); found {
		domain, op = d, name
	}
	fmt.Fprintf(&b, "op_type:'%s' domain:'%s' ", op, domain)
	for _, in := range strings.Fields(inputs) {
		fmt.Fprintf(&b, "input:'%s' ", strings.TrimPrefix(in, "-"))
	}
	for _, out := range strings.Fields(outputs) {
		fmt.Fprintf(&b, "output:'%s' ", strings.TrimPrefix(out, "-"))
	}
	for _, a := range attributes {
		b.WriteString(attributeText(a))
	}
	return b.String()
}

// attributeText is an attribute given as name=1 (an integer), name=1, (a list), name=0.5 or name=text.
func attributeText(a string) string {
	name, value, _ := strings.Cut(a, "=")
	kind, field := "STRING", "s:'"+value+"'"
	var i int
	var f float64
	if _, err := fmt.Sscanf(value, "%g", &f); err == nil {
		kind, field = "FLOAT", fmt.Sprintf("f:%g", f)
	}
	if _, err := fmt.Sscanf(value, "%d", &i); err == nil && !strings.Contains(value, ".") {
		kind, field = "INT", fmt.Sprintf("i:%d", i)
	}
	if strings.Contains(value, ",") {
		kind, field = "INTS", "ints:["+strings.Trim(value, ",")+"]"
	}
	return fmt.Sprintf("attribute{name:'%s' type:%s %s}", name, kind, field)
}

// floats adds a float constant of equal elements.
func (m *modelText) floats(name string, value float64, dims ...int) {
	m.rest.WriteString("initializer{" + tensorText(name, value, dims...) + "}\n")
}

func tensorText(name string, value float64, dims ...int) string {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return fmt.Sprintf("name:'%s' data_type:1 dims:[%s] float_data:[%s]", name, listText(dims...), strings.TrimSuffix(strings.Repeat(fmt.Sprintf("%g,", value), n), ","))
}

// integers adds a constant that is a list of integers.
func (m *modelText) integers(name string, v ...int) {
	fmt.Fprintf(&m.rest, "initializer{name:'%s' data_type:7 dims:%d int64_data:[%s]}\n", name, len(v), listText(v...))
}

func listText(v ...int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(v), " ", ","), "[]")
}

// output declares an output.
func (m *modelText) output(name string) {
	fmt.Fprintf(&m.rest, "output{name:'%s' type{tensor_type{elem_type:1}}}\n", name)
}

// String is the whole model.
func (m *modelText) String() string {
	input, opset := m.input, m.opset
	if input == "" {
		input = "1,4,2,2"
	}
	if opset == "" {
		opset = "17"
	}
	var dims strings.Builder
	for _, d := range strings.Split(input, ",") {
		fmt.Fprintf(&dims, "dim{dim_value:%s}", d)
	}
	return fmt.Sprintf("ir_version:8 opset_import{version:%s} opset_import{domain:'d' version:1}\n%sgraph{name:'g' input{name:'x' type{tensor_type{elem_type:1 shape{%s}}}}\n%s%s}",
		opset, m.functions.String(), dims.String(), strings.Join(m.nodes, ""), m.rest.String())
}
