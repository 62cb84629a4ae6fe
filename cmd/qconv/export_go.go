package main

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	source "qconv"
	"qconv/runtime/printable"
)

var exportGoFlag = &cli.StringFlag{Name: "go", Category: catResult,
	Usage: "a Go module in the new folder `DIR`: the model, the runtime's source, and a package with a typed function that runs it; needs nothing but Go"}

var moduleFlag = &cli.StringFlag{Name: "module", Category: catResult, Usage: "with --go, the `PATH` of the module, such as example.com/firmware/digits; without it the name of the folder"}

var exportGo = exportKind{flag: exportGoFlag, more: []cli.Flag{moduleFlag}, write: writeGo}

// writeGo writes a Go module that holds a program and all that runs it.
func writeGo(c *cli.Context, path, dir string) error {
	p, err := readProgram(c, path)
	if err != nil {
		return err
	}
	model, err := os.ReadFile(path)
	if err != nil {
		return &inputError{err}
	}
	module := c.String(moduleFlag.Name)
	if module == "" {
		full, err := filepath.Abs(dir)
		if err != nil {
			return err
		}
		module = packageName(filepath.Base(full))
	}
	if err := checkModule(module); err != nil {
		return err
	}
	aim, err := programAim(c, p)
	if err != nil {
		return err
	}
	g, err := newGoPackage(p, module, path, aim)
	if err != nil {
		return err
	}
	files, err := runtimeSource(module)
	if err != nil {
		return err
	}
	own, err := g.files()
	if err != nil {
		return err
	}
	files = append(append(files, own...), resultFile{"model.qlut", model})
	if err := writeDir(dir, files); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "written: %s, %d files: package %s of the module %s\n", printable.Name(dir), len(files), g.Package, module)
	return err
}

// notRunning are the files of the runtime that only measure, print or write programs.
var notRunning = []string{
	"runtime/batch.go", "runtime/dump.go", "runtime/runner_profile.go",
}

// runtimeSource are the files of the runtime, in the folder internal of a module.
func runtimeSource(module string) ([]resultFile, error) {
	var files []resultFile
	err := fs.WalkDir(source.RuntimeSource, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, "_test.go") || slices.Contains(notRunning, name) {
			return err
		}
		data, err := fs.ReadFile(source.RuntimeSource, name)
		if path.Ext(name) == ".go" {
			data = []byte(strings.ReplaceAll(string(data), `"qconv/runtime`, `"`+module+`/internal/runtime`))
		}
		files = append(files, resultFile{"internal/" + name, data})
		return err
	})
	return files, err
}

// checkModule refuses what is no path of a module.
func checkModule(module string) error {
	for _, part := range strings.Split(module, "/") {
		letters := strings.Trim(part, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~")
		if part == "" || letters != "" || strings.Trim(part, ".") == "" {
			return usagef("flag --%s: got %q, want the path of a module such as example.com/firmware/digits", moduleFlag.Name, module)
		}
	}
	if first, _, _ := strings.Cut(module, "/"); first == "qconv" || strings.HasPrefix(module, "qconv/") {
		return usagef("flag --%s: %s is this module's own path", moduleFlag.Name, module)
	}
	return nil
}

// packageName makes a name of a package from that of a folder or file: letters and digits, small, a letter first.
func packageName(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' && b.Len() > 0 {
			b.WriteRune(r)
		}
	}
	if b.Len() == 0 || isKeyword(b.String()) || b.String() == "qconv" || b.String() == "main" || b.String() == "internal" || b.String() == "runtime" {
		return b.String() + "net"
	}
	return b.String()
}
