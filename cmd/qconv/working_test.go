package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestWorking counts the lines of work that takes longer and longer.
func TestWorking(t *testing.T) {
	for _, c := range []struct {
		takes time.Duration
		lines int
	}{{0, 0}, {silence - time.Millisecond, 0}, {silence + time.Millisecond, 1}, {silence + 2*plainEvery + time.Millisecond, 3}} {
		synctest.Test(t, func(t *testing.T) {
			var text bytes.Buffer
			done := tell(&text, "convert: choose ranges")
			time.Sleep(c.takes)
			done()
			done()
			time.Sleep(time.Minute)
			if n := strings.Count(text.String(), "convert: choose ranges, "); n != c.lines || strings.ContainsAny(text.String(), "\r\033") {
				t.Errorf("work of %v: %q, want %d lines", c.takes, text.String(), c.lines)
			}
		})
	}
}

// TestWorkingBeside writes notes while work tells itself: no line may be torn. The race detector looks at it too.
func TestWorkingBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		w := &lockedWriter{w: &text}
		done := tell(w, "convert: choose ranges")
		for range 20 {
			time.Sleep(plainEvery / 3)
			fmt.Fprintln(w, "note")
		}
		done()
		lines := strings.Split(strings.TrimSpace(text.String()), "\n")
		for _, line := range lines {
			if line != "note" && !strings.HasPrefix(line, "convert: choose ranges, ") {
				t.Errorf("a line is %q", line)
			}
		}
		if len(lines) < 25 {
			t.Errorf("got %d lines", len(lines))
		}
	})
}
