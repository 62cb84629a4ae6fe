package main

import (
	"strings"
	"testing"
	"time"
)

func TestProgressDescription(t *testing.T) {
	details := []string{"loss 0.0123", "acc 98.4%", "3842 images/s", "val agreement 98.75 %"}
	for columns, want := range map[int]string{
		20:  "finetune",
		80:  "finetune loss 0.0123 acc 98.4% 3842 images/s",
		100: "finetune loss 0.0123 acc 98.4% 3842 images/s val agreement 98.75 %",
		160: "finetune loss 0.0123 acc 98.4% 3842 images/s val agreement 98.75 %",
	} {
		p := newProgress(nil, "finetune", "steps", 1500)
		got := p.description(500, 20*time.Second, details, columns)
		if got != want {
			t.Errorf("on %d columns: %q, want %q", columns, got, want)
		}
		line := got + " 100% |" + strings.Repeat("#", barWidth(columns)) + "| (500/1500) [20s:40s]"
		if len(line) > columns && columns > 20 {
			t.Errorf("on %d columns, %q wraps", columns, line)
		}
		// Times take room of their own.
		if got := p.description(500, 20*time.Hour, details, 80); got != "finetune loss 0.0123 acc 98.4%" {
			t.Errorf("after long: %q", got)
		}
	}
}
