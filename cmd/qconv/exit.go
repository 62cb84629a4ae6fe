package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"qconv/finetune/dataset"
	"qconv/onnx"
	"qconv/quant"
	"qconv/runtime"
	"qconv/runtime/printable"
)

// Exit codes.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitBadInput    = 3
	exitUnsupported = 4
	exitGate        = 5
)

// exitTable gives the exit code of an error by its type; the first row that matches
// decides, and an error that matches none is a failure.
var exitTable = []struct {
	code    int
	matches func(error) bool
}{
	{exitFailure, is[*outputError]},
	{exitFailure, isInterrupt},
	{exitUsage, is[*usageError]},
	{exitUsage, is[*runtime.OptionError]},
	{exitGate, is[*gateError]},
	{exitUnsupported, is[*onnx.UnsupportedError]},
	{exitUnsupported, is[*quant.StreamError]},
	{exitUsage, is[*quant.StatesError]},
	{exitUnsupported, is[*quant.LookAheadError]},
	{exitUnsupported, doesNotFit},
	{exitBadInput, is[*onnx.FormatError]},
	{exitBadInput, is[*runtime.FormatError]},
	{exitBadInput, is[*runtime.LimitError]},
	{exitBadInput, is[*dataset.FormatError]},
	{exitBadInput, is[*inputError]},
	{exitBadInput, func(err error) bool { return errors.Is(err, fs.ErrNotExist) }},
}

func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	for _, row := range exitTable {
		if row.matches(err) {
			return row.code
		}
	}
	return exitFailure
}

// errorText is the text of an error without what is not printable: names in it are quoted where it was made, but
// for those that the system names.
func errorText(err error) string {
	text := err.Error()
	var file *fs.PathError
	if errors.As(err, &file) && file.Path != "" {
		text = strings.ReplaceAll(text, file.Path, printable.Name(file.Path))
	}
	return printable.Text(text)
}

// is tells whether err or an error it wraps is an E.
func is[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// isInterrupt tells whether the work stopped because the context was cancelled.
func isInterrupt(err error) bool { return errors.Is(err, context.Canceled) }

// usageError says that the command line is wrong.
type usageError struct{ problem string }

func (e *usageError) Error() string { return e.problem }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// inputError says that a file the user named cannot be used.
type inputError struct{ err error }

func (e *inputError) Error() string { return e.err.Error() }
func (e *inputError) Unwrap() error { return e.err }

func inputf(format string, args ...any) error {
	return &inputError{fmt.Errorf(format, args...)}
}

// outputError says that a result could not be written.
type outputError struct{ err error }

func (e *outputError) Error() string { return "cannot write the result: " + e.err.Error() }
func (e *outputError) Unwrap() error { return e.err }

// interruptedError says that Ctrl-C stopped the work, and what is left of it.
type interruptedError struct{ state string }

func (e *interruptedError) Error() string { return "interrupted " + e.state }
func (e *interruptedError) Unwrap() error { return context.Canceled }

// gateError says that a network missed the accuracy the user demanded.
type gateError struct{ problem string }

func (e *gateError) Error() string { return e.problem }
