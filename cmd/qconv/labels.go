package main

import (
	"os"
	"strings"

	"github.com/urfave/cli/v2"
)

// readLabels takes class names from --labels: a list a,b,c, or a file with one per line.
// Without the flag, labels stay nil.
func readLabels(c *cli.Context) ([]string, error) {
	value := c.String(labelsFlag.Name)
	if value == "" {
		return nil, nil
	}
	names := strings.Split(value, ",")
	if len(names) == 1 {
		text, err := os.ReadFile(value)
		if err != nil {
			return nil, inputf("--%s: %w; a list of names has commas", labelsFlag.Name, err)
		}
		names = strings.Split(strings.TrimRight(string(text), "\r\n"), "\n")
	}
	for i, name := range names {
		names[i] = strings.TrimSpace(name)
		if names[i] == "" {
			return nil, inputf("--%s: name %d is empty", labelsFlag.Name, i)
		}
	}
	return names, nil
}
