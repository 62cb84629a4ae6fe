package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// maxTextBytes bounds the files of labels and configurations.
const maxTextBytes = 16 << 20

// readText reads a small text file; want says what it should be. Pipes and devices, which could block or never end, are
// refused.
func readText(path, want string) ([]byte, error) {
	if err := checkInput(path, want); err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, &inputError{err}
	}
	if !info.Mode().IsRegular() {
		return nil, inputf("%q is no regular file, want %s", path, want)
	}
	if info.Size() > maxTextBytes {
		return nil, inputf("%q has %d bytes, want at most %d", path, info.Size(), maxTextBytes)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, &inputError{err}
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxTextBytes))
	if err != nil {
		return nil, &inputError{err}
	}
	return text, nil
}

// readLabels takes class names from --labels: a list a,b,c, or a file with one per line.
// Without the flag, labels stay nil.
func readLabels(c *cli.Context) ([]string, error) {
	value := c.String(labelsFlag.Name)
	if value == "" {
		return nil, nil
	}
	names := strings.Split(value, ",")
	if len(names) == 1 {
		text, err := readText(value, "a file with a name per line")
		if err != nil {
			return nil, fmt.Errorf("--%s: %w; a list of names has commas", labelsFlag.Name, err)
		}
		names = strings.Split(strings.TrimRight(strings.TrimPrefix(string(text), "\ufeff"), "\r\n"), "\n")
	}
	for i, name := range names {
		names[i] = strings.TrimSpace(name)
		if names[i] == "" {
			return nil, inputf("--%s: name %d is empty", labelsFlag.Name, i)
		}
	}
	if err := checkNames(names); err != nil {
		return nil, inputf("--%s: %w", labelsFlag.Name, err)
	}
	return names, nil
}

// checkNames reports a class name that no program can hold.
func checkNames(names []string) error {
	const most = 1 << 10
	for i, name := range names {
		if len(name) > most {
			return fmt.Errorf("name %d has %d bytes, want at most %d", i, len(name), most)
		}
		if !utf8.ValidString(name) {
			return fmt.Errorf("name %d is %q, want valid UTF-8", i, name)
		}
	}
	return nil
}
