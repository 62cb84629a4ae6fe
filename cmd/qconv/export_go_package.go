package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"go/format"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
	"unicode"

	"qconv/finetune"
	qrt "qconv/runtime"
)

//go:embed export_go.tmpl
var goTemplates string

// goPackage is what the templates of an exported package tell.
type goPackage struct {
	Package, Module, Model, Producer string
	Inputs                           []goInput
	Outputs                          []goOutput
	// Classes says that the only output holds scores of classes, whose names are Labels.
	Classes bool
	Labels  []string
	// Answer is what the example prints.
	Answer string
}

// goInput is an input of the program as a type.
type goInput struct {
	Type, Field string
	Bytes       int
	About       string // one line
	Order       string // of the bytes
	Levels      int    // bytes are levels below it; 0: any byte
	Index       int
	Shape       [3]int
}

// goOutput is an output of the program as a type.
type goOutput struct {
	Type, Field string
	Elements    int
	Shape       [3]int
	Levels      int
	Scale       string // 0 where it is unknown
	Zero        int
	After       string // the normalization that is left; may be empty
}

func isKeyword(name string) bool { return token.IsKeyword(name) }

// newGoPackage describes the package for p, whose file is at path, and runs the example.
func newGoPackage(p *qrt.Program, module, path string, a aim) (*goPackage, error) {
	g := &goPackage{Package: packageName(module[strings.LastIndex(module, "/")+1:]), Module: module, Model: filepath.Base(path), Producer: producer()}
	taken := map[string]bool{"New": true, "Network": true, "Options": true, "Labels": true, "Class": true, "Outputs": true}
	infos := p.InputInfos()
	for i := range p.Inputs {
		in, t := &p.Inputs[i], &p.Tensors[p.Inputs[i].Tensor]
		x := goInput{Bytes: t.Elems(), About: infos[i].String(), Index: i, Order: "channels, rows, columns", Shape: t.Shape}
		if in.Interleaved {
			x.Order = "rows, columns, channels"
		}
		if in.Tables == nil {
			x.Levels = t.Levels
		}
		x.Field = "Input"
		if len(p.Inputs) > 1 {
			x.Field = "Input" + exported(in.Name)
		}
		x.Type = unused(taken, x.Field)
		g.Inputs = append(g.Inputs, x)
	}
	for i, o := range p.Outputs {
		t := &p.Tensors[o.Tensor]
		y := goOutput{Elements: t.Elems(), Shape: t.Shape, Levels: t.Levels, Zero: t.Zero, Scale: strconv.FormatFloat(t.Scale.Float(), 'g', -1, 64)}
		if n := p.Normalization(i); n != nil {
			y.After = n.String()
		}
		y.Type = unused(taken, "Output"+exported(o.Name))
		if len(p.Outputs) == 1 {
			y.Type = "Output"
		}
		y.Field = y.Type
		g.Outputs = append(g.Outputs, y)
	}
	g.Classes = a.looks == finetune.TaskClasses && len(p.Outputs) == 1
	if g.Classes && len(p.Labels) == a.outputs {
		g.Labels = p.Labels
	}
	return g, g.answer(p)
}

// exported is name as that of something that other packages see: letters and digits, without a first digit of its own.
func exported(name string) string {
	var b strings.Builder
	upper := true
	for _, r := range name {
		switch {
		case r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r):
			upper = true
		case upper:
			b.WriteRune(unicode.ToUpper(r))
			upper = false
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unused is name, with a number behind it where it is taken already.
func unused(taken map[string]bool, name string) string {
	free := name
	for i := 2; taken[free]; i++ {
		free = name + "_" + strconv.Itoa(i)
	}
	taken[free] = true
	return free
}

// answer runs the sample of the example.
func (g *goPackage) answer(p *qrt.Program) error {
	runner, err := qrt.NewRunner(p, qrt.Options{Limits: qrt.NoLimits})
	if err != nil {
		return err
	}
	defer runner.Close()
	var inputs [][]byte
	for _, in := range g.Inputs {
		sample, below := make([]byte, in.Bytes), 256
		if in.Levels > 0 {
			below = in.Levels
		}
		for i := range sample {
			sample[i] = byte(i % below)
		}
		inputs = append(inputs, sample)
	}
	outputs, err := runner.Run(inputs...)
	if err != nil {
		return err
	}
	if g.Classes {
		best := 0
		for class, score := range outputs[0] {
			if score > outputs[0][best] {
				best = class
			}
		}
		g.Answer = fmt.Sprint(outputs[0][best], " for ", best)
		return nil
	}
	for _, values := range outputs {
		sum := int64(0)
		for _, v := range values {
			sum += int64(v)
		}
		g.Answer += fmt.Sprint(" ", sum)
	}
	g.Answer = strings.TrimPrefix(g.Answer, " ")
	return nil
}

// files are those that are made for this program.
func (g *goPackage) files() ([]resultFile, error) {
	all, err := template.New("").Parse(goTemplates)
	if err != nil {
		return nil, err
	}
	var files []resultFile
	for _, name := range []string{"go.mod", "ORIGIN.md", "network.go", "network_test.go"} {
		var b bytes.Buffer
		if err := all.ExecuteTemplate(&b, name, g); err != nil {
			return nil, err
		}
		data := bytes.TrimLeft(b.Bytes(), "\n")
		if strings.HasSuffix(name, ".go") {
			if data, err = format.Source(data); err != nil {
				return nil, fmt.Errorf("BUG: %s: %w", name, err)
			}
		}
		files = append(files, resultFile{name, data})
	}
	return files, nil
}
