package main

import (
	"fmt"
	"os"
	"strings"

	"qconv/runtime"
	"qconv/runtime/bundle"
	"qconv/runtime/printable"
)

// carried is the program behind this executable, which was started by that name; nil without one.
func carried(name string) ([]byte, error) {
	path, err := os.Executable()
	if err != nil && strings.Contains(name, "/") {
		path = name // without /proc
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil // a file that may be run, but not read
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil
	}
	program, err := bundle.Program(f, info.Size())
	if err != nil {
		return nil, &inputError{fmt.Errorf("%s: %w", printable.Name(path), err)}
	}
	return program, nil
}

// fileBytes is the size of the .qlut file.
func (o *options) fileBytes() (int64, error) {
	if o.own != nil {
		return int64(len(o.own)), nil
	}
	info, err := os.Stat(o.model)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// load is [runtime.Load] of the program.
func (o *options) load() (*runtime.Program, *runtime.Runner, error) {
	if o.own == nil {
		return runtime.Load(o.model, o.runtime())
	}
	p, r, err := runtime.LoadBytes(o.own, o.runtime())
	if p == nil {
		err = fmt.Errorf("%s: the program behind the executable: %w", printable.Name(o.model), err)
	}
	return p, r, err
}

// open is [runtime.OpenWithin] of the program.
func (o *options) open(l runtime.Limits) (*runtime.Program, error) {
	if o.own == nil {
		return runtime.OpenWithin(o.model, l)
	}
	l = l.For(int64(len(o.own)))
	p, _, err := runtime.LoadBytes(o.own, runtime.Options{Limits: l})
	if p != nil {
		err = nil
	}
	return p, err
}
