package main

import (
	"errors"
	"fmt"
	"strings"

	"qconv/runtime"
	"qconv/runtime/printable"
)

// Exit codes.
const (
	exitOK       = 0
	exitFailure  = 1
	exitUsage    = 2
	exitBadInput = 3
)

func exitCode(err error) int {
	var usage *usageError
	var option *runtime.OptionError
	var input *inputError
	var format *runtime.FormatError
	var limit *runtime.LimitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage), errors.As(err, &option):
		return exitUsage
	case errors.As(err, &input), errors.As(err, &format), errors.As(err, &limit):
		return exitBadInput
	}
	return exitFailure
}

// separate are the errors that were joined.
func separate(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, separate(e)...)
		}
		return all
	}
	return []error{err}
}

// explain is err as it is printed, with the flag that raises an exceeded limit.
func explain(err error) string {
	text := printable.Text(strings.ReplaceAll(err.Error(), "\n", " "))
	var limit *runtime.LimitError
	switch {
	case !errors.As(err, &limit):
		return text
	case limit.Memory:
		return fmt.Sprintf("%s; --max-memory %d allows it", text, limit.Need)
	}
	return fmt.Sprintf("%s; --max-macs %d allows it", text, limit.Need)
}

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
