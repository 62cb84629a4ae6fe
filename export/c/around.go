package c

import (
	"bytes"
	"embed"
	"strings"
	"text/template"
)

//go:embed around
var around embed.FS

// aroundFiles are the files that build the sources, by their template.
var aroundFiles = []struct{ template, path string }{
	{"readme.tmpl", "README.md"},
	{"makefile.tmpl", "Makefile"},
	{"cmake.tmpl", "CMakeLists.txt"},
	{"properties.tmpl", "library.properties"},
	{"sketch.tmpl", "examples/NAME_selftest/NAME_selftest.ino"},
	{"main.tmpl", "test/main.c"},
	{"module.tmpl", "zephyr/module.yml"},
	{"zephyr.tmpl", "zephyr/CMakeLists.txt"},
	{"kconfig.tmpl", "zephyr/Kconfig"},
}

// around writes what builds the sources, and what explains them.
func (g *generator) around() ([]File, error) {
	var files []File
	data := struct {
		Report
		Name, Upper, Parameters, Flag string
		Args, NullArgs                string
		Inputs, Outputs               []string
		Rows, Stream                  bool
		Warmup                        int
	}{Report: g.report, Name: g.o.Name, Upper: strings.ToUpper(g.o.Name), Parameters: g.parameters(), Flag: "-O2"}
	if g.p.Stream != nil {
		data.Stream, data.Warmup = true, g.p.Stream.Warmup
	}
	if g.o.Optimize == Size {
		data.Flag = "-Os"
	}
	for k := range g.p.Inputs {
		data.Inputs = append(data.Inputs, g.inputName(k))
		data.Rows = data.Rows || g.p.Tensors[g.p.Inputs[k].Tensor].Shape[1] > 1
	}
	for k := range g.p.Outputs {
		data.Outputs = append(data.Outputs, g.outputType(g.p.Outputs[k])+" "+g.outputName(k)+"["+data.Upper+"_"+strings.ToUpper(g.outputName(k))+"_COUNT]")
	}
	for _, f := range aroundFiles {
		t, err := template.ParseFS(around, "around/"+f.template)
		if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		if err := t.Execute(&b, data); err != nil {
			return nil, err
		}
		files = append(files, File{strings.ReplaceAll(f.path, "NAME", g.o.Name), b.Bytes()})
	}
	return files, nil
}
