package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"qconv/onnx"
)

var maxMemoryFlag = &cli.StringFlag{Name: "max-memory", Category: catResult, DefaultText: "by the file's size, at most 4GB",
	Usage: "memory that an ONNX file may take to be read and run once, `BYTES` such as 500MB, 4GB or 1GiB"}

// maxMemory is what --max-memory says, in bytes; 0 where it is not given.
func maxMemory(c *cli.Context) (int64, error) {
	text := c.String(maxMemoryFlag.Name)
	if text == "" {
		return 0, nil
	}
	n, err := parseBytes(text)
	if err != nil {
		return 0, usagef("flag --%s: %v", maxMemoryFlag.Name, err)
	}
	return n, nil
}

// byteUnits are the units of sizes, longer ones before those they end with.
var byteUnits = []struct {
	name  string
	bytes float64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1}, {"", 1}}

// parseBytes reads a size: a positive number with a unit, or of bytes without one.
func parseBytes(text string) (int64, error) {
	s := strings.TrimSpace(text)
	for _, u := range byteUnits {
		if len(s) < len(u.name) || !strings.EqualFold(s[len(s)-len(u.name):], u.name) {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(s[:len(s)-len(u.name)]), 64)
		if n := v * u.bytes; err == nil && n >= 1 && n < 1<<62 {
			return int64(n), nil
		}
		break
	}
	return 0, fmt.Errorf("got %q, want a size such as 500MB, 4GB or 1GiB", text)
}

// readOptions are those of reading an ONNX file.
func readOptions(c *cli.Context, dims map[string]int) (onnx.ReadOptions, error) {
	limit, err := maxMemory(c)
	return onnx.ReadOptions{Dims: dims, MaxMemory: limit}, err
}
