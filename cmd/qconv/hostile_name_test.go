package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// evilName hides text and forges lines.
const evilName = "a\nqconv: all is well\x1b[31m\u202e\a\r\t\u2028\x7f\u009b1m"

// fullModel has a part of every kind that holds text. It has an integer form.
const fullModel = `ir_version:8 producer_name:"p" producer_version:"1" domain:"md" model_version:1 doc_string:"doc"
opset_import{version:17} opset_import{domain:"d" version:1}
metadata_props{key:"author" value:"somebody"}
functions{name:"F" domain:"d" doc_string:"doc" input:"a" output:"b" attribute:"alpha" opset_import{version:17}
  node{name:"leaky" op_type:"LeakyRelu" input:"a" output:"t" attribute{name:"alpha" type:FLOAT ref_attr_name:"alpha"}}
  node{name:"plain" op_type:"Identity" input:"t" output:"b"}}
graph{name:"g" doc_string:"doc"
  input{name:"x" doc_string:"doc" type{denotation:"IMAGE" tensor_type{elem_type:1 shape{dim{dim_param:"N" denotation:"DATA_BATCH"} dim{dim_value:1} dim{dim_value:28} dim{dim_value:28}}}}}
  node{name:"pool" op_type:"AveragePool" doc_string:"doc" input:"x" output:"p"
    attribute{name:"kernel_shape" doc_string:"doc" type:INTS ints:[14,14]} attribute{name:"strides" type:INTS ints:[14,14]} attribute{name:"auto_pad" type:STRING s:"NOTSET"}}
  node{name:"flat" op_type:"Flatten" input:"p" output:"f"}
  node{name:"gemm" op_type:"Gemm" domain:"" input:"f" input:"w" input:"c" output:"z"}
  node{name:"const" op_type:"Constant" output:"c" attribute{name:"value" type:TENSOR t{name:"tensor" doc_string:"doc" data_type:1 dims:2 float_data:[0.5,-0.5]}}}
  node{name:"call" op_type:"F" domain:"d" input:"z" output:"y" attribute{name:"alpha" type:FLOAT f:0.25}}
  initializer{name:"w" doc_string:"doc" data_type:1 dims:[4,2] float_data:[1,0,0,1,-1,0.5,0.5,1]}
  value_info{name:"z" doc_string:"doc" type{tensor_type{elem_type:1 shape{dim{dim_param:"N"} dim{dim_value:2}}}}}
  output{name:"y" doc_string:"doc" type{tensor_type{elem_type:1 shape{dim{dim_param:"N"} dim{dim_value:2}}}}}
}`

// Parts that are refused, each with text of its own.
var refusedParts = map[string]string{
	"external data":       `initializer{name:"e" data_type:1 dims:2 data_location:EXTERNAL external_data{key:"location" value:"weights.bin"} external_data{key:"offset" value:"0"}} node{name:"n" op_type:"Mul" input:"y" input:"e" output:"q"} output{name:"q" type{tensor_type{elem_type:1}}}`,
	"sparse data":         `sparse_initializer{values{name:"e" data_type:1 dims:1 float_data:1} indices{name:"i" data_type:7 dims:1 int64_data:0} dims:2} node{name:"n" op_type:"Mul" input:"y" input:"e" output:"q"} output{name:"q" type{tensor_type{elem_type:1}}}`,
	"attributes":          `node{name:"n" op_type:"Relu" input:"y" output:"q" attribute{name:"strings" type:STRINGS strings:["s","t"]} attribute{name:"more" type:FLOATS floats:1}} output{name:"q" type{tensor_type{elem_type:1}}}`,
	"sequence":            `input{name:"s" type{denotation:"t"}} node{name:"n" op_type:"SequenceAt" input:"s" output:"q"} output{name:"q" type{tensor_type{elem_type:1}}}`,
	"dimension":           `input{name:"s" type{tensor_type{elem_type:1 shape{dim{dim_param:"N"} dim{dim_param:"height"}}}}} node{name:"n" op_type:"Relu" input:"s" output:"q"} output{name:"q" type{tensor_type{elem_type:1}}}`,
	"contradicting shape": `node{name:"n" op_type:"Concat" input:"y" input:"x" output:"q" attribute{name:"axis" type:INT i:1}} output{name:"q" type{tensor_type{elem_type:1}}}`,
	"cycle":               `node{name:"n" op_type:"Add" input:"y" input:"q" output:"q"} output{name:"q" type{tensor_type{elem_type:1}}}`,
	"no such value":       `node{name:"n" op_type:"Add" input:"y" input:"nothing" output:"q"} output{name:"q" type{tensor_type{elem_type:1}}}`,
	"NaN":                 `initializer{name:"e" data_type:1 dims:1 float_data:nan} node{name:"n" op_type:"Mul" input:"y" input:"e" output:"q"} output{name:"q" type{tensor_type{elem_type:1}}}`,
}

// text is a text in a message: a field, and the position in it if it is a list.
type text struct {
	m     protoreflect.Message
	field protoreflect.FieldDescriptor
	at    int
}

func (s text) String() string { return fmt.Sprintf("%s[%d]", s.field.FullName(), s.at) }

func (s text) get() protoreflect.Value {
	if s.field.IsList() {
		return s.m.Get(s.field).List().Get(s.at)
	}
	return s.m.Get(s.field)
}

func (s text) set(name string) {
	v := protoreflect.ValueOfString(name)
	if s.field.Kind() == protoreflect.BytesKind {
		v = protoreflect.ValueOfBytes([]byte(name))
	}
	if s.field.IsList() {
		s.m.Mutable(s.field).List().Set(s.at, v)
		return
	}
	s.m.Set(s.field, v)
}

// texts are all places of a message that hold text, or could.
func texts(m protoreflect.Message) []text {
	var list []text
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		isText := f.Kind() == protoreflect.StringKind || f.Kind() == protoreflect.BytesKind && f.Name() != "raw_data"
		switch {
		case isText && f.IsList():
			for k := range m.Get(f).List().Len() {
				list = append(list, text{m, f, k})
			}
		case isText && (f.ContainingOneof() == nil || m.Has(f)):
			list = append(list, text{m, f, 0})
		case f.Message() != nil && f.IsList():
			for k := range m.Get(f).List().Len() {
				list = append(list, texts(m.Get(f).List().Get(k).Message())...)
			}
		case f.Message() != nil && m.Has(f):
			list = append(list, texts(m.Get(f).Message())...)
		}
	}
	return list
}

// TestHostileModelNames puts a name that does harm into every text of a model, one at a time and into all that
// need not be one of a few, and looks at all that commands print.
func TestHostileModelNames(t *testing.T) {
	dir := t.TempDir()
	var data bytes.Buffer
	z := zip.NewWriter(&data)
	for i := range 4 {
		w, err := z.Create(fmt.Sprintf("%c/%d.png", 'a'+i%2, i))
		if err != nil {
			t.Fatal(err)
		}
		w.Write(tinyPNG(t, uint8(50*i)))
	}
	z.Close()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	samples, picture := file("samples.zip", data.Bytes()), file("p.png", tinyPNG(t, 9))
	model, imported, program := filepath.Join(dir, "m.onnx"), filepath.Join(dir, "m.q.onnx"), filepath.Join(dir, "m.qlut")
	taken := 0
	try := func(what string, m proto.Message) {
		os.Remove(imported)
		os.Remove(program)
		file("m.onnx", modelFile(t, m))
		commands := [][]string{{"import", model, "-o", imported, "--scale", "1/255"}, {"import", "-v", "--check-only", model}, {"inspect", model}}
		if code, _, _ := call(commands[0]...); code == exitOK {
			commands = append(commands, []string{"inspect", imported}, []string{"run", imported, "--input", picture}, []string{"eval", imported, "--data", samples},
				[]string{"convert", imported, "--fast", "--calib", samples, "-o", program})
			if code, _, _ := call(commands[len(commands)-1]...); code == exitOK {
				taken++
				commands = append(commands, []string{"inspect", program}, []string{"inspect", "--bytes", program}, []string{"run", program, "--input", picture}, []string{"eval", program, "--data", samples, "--against", imported})
			}
		}
		for _, command := range commands {
			code, stdout, stderr := call(command...)
			hostileText(t, what+": "+command[0], stdout+stderr)
			if code != exitOK && code != exitBadInput && code != exitUnsupported {
				t.Errorf("%s: %q ends with %d: %s", what, command, code, stderr)
			}
			if lines := errorLines(stderr); code == exitBadInput && lines != 1 {
				t.Errorf("%s: %q fails with %d lines, want 1:\n%s", what, command, lines, stderr)
			}
			if command[0] == "inspect" && command[1] == "--bytes" {
				continue
			}
			code, stdout, stderr = call(append(command, "--json")...)
			hostileText(t, what+": "+command[0]+" --json", stdout+stderr)
			if stdout != "" && !json.Valid([]byte(stdout)) || stdout == "" && code == exitOK {
				t.Errorf("%s: %q --json prints no JSON: %q", what, command, stdout)
			}
		}
	}
	models := map[string]string{"full": fullModel}
	for name, part := range refusedParts {
		models[name] = strings.TrimSuffix(fullModel, "}") + part + "}"
	}
	for name, source := range models {
		base := modelMessage(t, source)
		for i, s := range texts(base.ProtoReflect()) {
			if name != "full" && !strings.Contains(refusedParts[name], fmt.Sprintf("%q", s.get().String())) {
				continue // tried in the model without the part
			}
			m := proto.Clone(base)
			texts(m.ProtoReflect())[i].set(evilName + "\xff")
			try(fmt.Sprintf("%s, %s", name, s), m)
		}
		m := proto.Clone(base)
		for _, s := range texts(m.ProtoReflect()) {
			switch old := s.get().String(); s.field.Name() {
			case "op_type", "s", "key", "location":
			case "name":
				if s.m.Descriptor().Name() == "AttributeProto" || s.m.Descriptor().Name() == "FunctionProto" {
					break
				}
				s.set(evilName + old)
			case "input", "output", "doc_string", "producer_name", "producer_version", "dim_param", "denotation", "value":
				if old != "" || s.field.Name() == "doc_string" {
					s.set(evilName + old)
				}
			}
		}
		try(name+", all", m)
	}
	if taken < 20 {
		t.Errorf("%d models are taken, want many", taken)
	}
}

// errorLines counts the lines of an error, without the warnings before it.
func errorLines(stderr string) int {
	n := 0
	for line := range strings.Lines(stderr) {
		if !strings.HasPrefix(line, "warning: ") {
			n++
		}
	}
	return n
}
