// Package qconv_test holds the tests that concern the module as a whole.
package qconv_test

import (
	"bufio"
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// allowed lists, for every package tree of the module, what it may depend on besides the
// standard library and itself: prefixes of import paths, as docs/design.md lays down. What an
// allowed module needs in turn is allowed too; qconv's own packages are always
// checked, however far away they are.
var allowed = map[string]struct {
	own     []string // of this module, directly or not
	modules []string // of others, imported directly
}{
	"qconv/runtime": {},
	"qconv/onnx":    {modules: []string{"google.golang.org/protobuf"}},
	"qconv/quant":   {own: []string{"qconv/onnx", "qconv/runtime"}},
	"qconv/finetune": {
		own: []string{"qconv/onnx", "qconv/quant", "qconv/runtime"},
		modules: []string{
			"gorgonia.org/", "github.com/chewxy/hm", "go4.org/unsafe/assume-no-moving-gc",
			"github.com/owulveryck/onnx-go", "github.com/sbinet/npyio",
			"golang.org/x/sys", "gonum.org/v1/gonum/dsp/fourier",
		},
	},
	"qconv/export/c": {own: []string{"qconv/runtime"}},
	"qconv/cmd/qconv": {own: []string{"qconv/"}, modules: []string{
		"github.com/urfave/cli/v2", "github.com/schollz/progressbar/v3", "golang.org/x/term",
		"github.com/sbinet/npyio", "golang.org/x/image", "gonum.org/v1/plot", "github.com/xrash/smetrics",
		"qconv", // the source of the runtime
	}},
	"qconv/cmd/qconv/internal/atomicfile": {},
	"qconv/cmd/qconv/internal/plain":      {},
	"qconv/cmd/qrun":                      {own: []string{"qconv/runtime"}},
	"qconv/docs/pictures":                 {modules: []string{"gonum.org/v1/plot"}},
	"qconv/internal/testtool":             {},
	"qconv/testdata":                      {own: []string{"qconv/testdata"}, modules: []string{"golang.org/x/image"}},
}

func TestImports(t *testing.T) {
	deps := list(t, "-deps", "-f", `{{if not .Standard}}{{.ImportPath}} {{join .Imports ","}}{{end}}`, "./...")
	imports := map[string][]string{}
	for _, line := range deps {
		path, list, _ := strings.Cut(line, " ")
		imports[path] = strings.Split(list, ",")
	}
	standard := map[string]bool{"": true, "C": false}
	for _, path := range list(t, "std") {
		standard[path] = true
	}
	for path := range imports {
		if !strings.HasPrefix(path, "qconv/") {
			continue
		}
		tree, rule := ruleFor(path)
		if tree == "" {
			t.Errorf("package %s belongs to no tree of the table", path)
			continue
		}
		for _, dep := range imports[path] {
			switch {
			case standard[dep], within(dep, tree):
			case strings.HasPrefix(dep, "qconv/"):
				if !hasPrefix(dep, rule.own) {
					t.Errorf("%s imports %s, which points backwards", path, dep)
				}
			case !hasPrefix(dep, rule.modules):
				t.Errorf("%s imports %s, which it may not", path, dep)
			}
		}
	}
}

// ruleFor finds the longest tree that holds path.
func ruleFor(path string) (string, struct{ own, modules []string }) {
	best := ""
	for tree := range allowed {
		if within(path, tree) && len(tree) > len(best) {
			best = tree
		}
	}
	return best, struct{ own, modules []string }(allowed[best])
}

func within(path, tree string) bool { return path == tree || strings.HasPrefix(path, tree+"/") }

func hasPrefix(path string, prefixes []string) bool {
	for _, p := range prefixes {
		if within(path, strings.TrimSuffix(p, "/")) {
			return true
		}
	}
	return false
}

// list runs go list and returns its lines.
func list(t *testing.T, args ...string) []string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v\n%s", args, err, stderr.String())
	}
	var lines []string
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		if s.Text() != "" {
			lines = append(lines, s.Text())
		}
	}
	return lines
}
