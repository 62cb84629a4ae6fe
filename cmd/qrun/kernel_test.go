package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// TestUnknownKernel names the kernels that there are.
func TestUnknownKernel(t *testing.T) {
	t.Setenv("QCONV_KERNEL", "fast")
	code, text := callDigits(t, "--info")
	if code != exitUsage || !strings.Contains(text, `unknown QCONV_KERNEL "fast", want generic, packed, portable`) {
		t.Errorf("exit code %d: %s", code, text)
	}
}

// TestLeastMemory takes the number that a refusal names, which is enough, while one less is not.
func TestLeastMemory(t *testing.T) {
	info := func(bytes string) (int, string) {
		return callDigits(t, "--info", "--max-memory", bytes)
	}
	code, text := info("1000")
	found := regexp.MustCompile(`--max-memory (\d+) allows it`).FindStringSubmatch(text)
	if code != exitBadInput || found == nil {
		t.Fatalf("exit code %d: %s", code, text)
	}
	if code, text := info(found[1]); code != exitOK {
		t.Errorf("with %s: exit code %d: %s", found[1], code, text)
	}
	var least int64
	fmt.Sscan(found[1], &least)
	if code, text := info(fmt.Sprint(least - 1)); code != exitBadInput || !strings.Contains(text, found[0]) {
		t.Errorf("with one byte less: exit code %d: %s", code, text)
	}
}

// callDigits runs qrun on the program of digits and returns the exit code and what it says on standard error.
func callDigits(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var stderr bytes.Buffer
	args = append(append([]string{"qrun"}, args...), "../../runtime/testdata/digits.qlut")
	return run(args, nil, new(bytes.Buffer), &stderr), stderr.String()
}
