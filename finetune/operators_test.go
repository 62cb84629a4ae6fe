package finetune

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// withoutFloatForm are operators of package onnx that the float engine lacks, with the
// reason of each.
var withoutFloatForm = map[string]string{}

// ofLoops are operators that are laid with all of their loop; the networks of TestLoopUnrolled have each of them.
var ofLoops = map[string]bool{"LoopTake": true, "LoopState": true, "LoopPut": true, "LoopNext": true}

// TestOpsComplete demands a float form of every typed operator of package onnx. The
// operators are read from its source: what the Type methods return.
func TestOpsComplete(t *testing.T) {
	names, family := onnxOperators(t)
	if len(names) < 60 {
		t.Fatalf("found %d operators in package onnx, want at least 60: %q", len(names), names)
	}
	for _, name := range names {
		have := operators[name] != nil || family[name] || ofLoops[name]
		reason, excepted := withoutFloatForm[name]
		switch {
		case !have && !excepted:
			t.Errorf("operator %s has no float form", name)
		case have && excepted:
			t.Errorf("operator %s has a float form, but is listed as lacking one: %s", name, reason)
		}
	}
	for _, table := range [][]string{slices.Collect(maps.Keys(operators)), slices.Collect(maps.Keys(withoutFloatForm))} {
		for _, name := range table {
			if !slices.Contains(names, name) {
				t.Errorf("package onnx has no operator %s", name)
			}
		}
	}
}

// familyMethods are those that make an operator one of a family, which is laid as such.
var familyMethods = map[string]bool{"Apply": true, "Combine": true, "Moves": true, "isView": true, "spell": true}

// onnxOperators are the names of all typed operators, and which belong to a family.
func onnxOperators(t *testing.T) (names []string, family map[string]bool) {
	t.Helper()
	files, err := filepath.Glob("../onnx/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var methods []*ast.FuncDecl
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range source.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil {
				methods = append(methods, f)
			}
		}
	}
	byType := map[string][]string{} // names by Go type
	member := map[string]bool{}     // Go types with a method of a family
	for _, f := range methods {
		star, ok := f.Recv.List[0].Type.(*ast.StarExpr)
		if !ok {
			continue
		}
		receiver := star.X.(*ast.Ident).Name
		if !ast.IsExported(receiver) { // known while a file is read only
			continue
		}
		switch name := f.Name.Name; {
		case familyMethods[name]:
			member[receiver] = true
		case name == "Type":
			var text *ast.BasicLit
			if result, ok := f.Body.List[0].(*ast.ReturnStmt); ok {
				text, _ = result.Results[0].(*ast.BasicLit)
			}
			if text != nil {
				name, err := strconv.Unquote(text.Value)
				if err != nil {
					t.Fatal(err)
				}
				byType[receiver] = []string{name}
			} else { // one of several names, which a field says
				byType[receiver] = []string{receiver}
			}
		}
	}
	family = map[string]bool{}
	for receiver, list := range byType {
		names = append(names, list...)
		for _, name := range list {
			family[name] = member[receiver]
		}
	}
	slices.Sort(names)
	return names, family
}
