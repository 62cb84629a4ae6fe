package main

import (
	"bytes"
	"io"

	"github.com/urfave/cli/v2"
)

var quietFlag = &cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Category: catResult, Usage: "no progress and no notes on standard error, only warnings and errors"}

// quiet lets nothing but warnings pass to standard error where that is asked for. Errors go there by themselves.
func quiet(c *cli.Context) error {
	if c.Bool(quietFlag.Name) {
		c.App.ErrWriter = warningsOnly{c.App.ErrWriter}
	}
	return nil
}

// warningsOnly passes on lines that are warnings, each given as a whole.
type warningsOnly struct{ w io.Writer }

func (q warningsOnly) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		if bytes.HasPrefix(line, []byte("warning:")) {
			if _, err := q.w.Write(line); err != nil {
				return 0, err
			}
		}
	}
	return len(p), nil
}
