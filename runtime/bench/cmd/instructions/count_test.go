package main

import (
	"slices"
	"strings"
	"testing"
)

// Two blocks, of three instructions and of one, as QEMU lists them.
const listings = `----------------
IN: main
0x00010420:  e59f202c  ldr      r2, [pc, #0x2c]
0x00010424:  e92d4010  push     {r4, lr}
0x00010428:  eb00005b  bl       #0x1059c

----------------
IN: mark
0x0001059c:  e12fff1e  bx       lr

`

const (
	main3 = "Trace 0: 0x7fdf200270c0 [00000480/00010420/00000000/00000200] main\n"
	mark1 = "Trace 0: 0x7fdf20027200 [00000480/0001059c/00000000/00000200] mark\n"
	other = "Trace 1: 0x7fdf200270c0 [00000480/00010420/00000000/00000200] main\n"
	stop3 = "Stopped execution of TB chain before 0x7fdf200270c0 [00010420] main\n"
	stop1 = "Stopped execution of TB chain before 0x7fdf20027200 [0001059c] mark\n"
)

func TestCount(t *testing.T) {
	tests := map[string]struct {
		log  string
		want []int64
	}{
		"nothing":            {"", []int64{0}},
		"one section":        {listings + main3 + main3, []int64{6}},
		"sections":           {listings + main3 + mark1 + main3 + main3 + mark1 + main3, []int64{4, 7, 3}},
		"other threads":      {listings + main3 + other + mark1 + other + main3, []int64{4, 3}},
		"stopped":            {listings + main3 + stop3 + main3 + mark1, []int64{4, 0}},
		"another is stopped": {listings + mark1 + other + stop3 + main3, []int64{1, 3}},
		"stopped at mark":    {listings + main3 + mark1 + stop1 + mark1 + main3, []int64{4, 3}},
		"listed again": {
			listings + main3 + "IN: main\n0x00010420:  e59f202c  ldr r2, [pc]\n\n" + main3, []int64{4},
		},
		"no last line end": {listings + strings.TrimSuffix(main3, "\n"), []int64{3}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := count(strings.NewReader(test.log), 0x1059c)
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("got %v, %v, want %v", got, err, test.want)
			}
		})
	}
}

func TestCountErrors(t *testing.T) {
	for name, log := range map[string]string{
		"unlisted":     "Trace 0: 0x7f [0/00010420/0/0] main\n",
		"no address":   listings + "Trace 0: 0x7f main\n",
		"not a number": listings + "Trace 0: 0x7f [0/xyz/0/0] main\n",
	} {
		if got, err := count(strings.NewReader(log), 1); err == nil {
			t.Errorf("%s: got %v, want an error", name, got)
		}
	}
}
