package c

import (
	"fmt"
	"slices"
	"strings"
)

// Target is a kind of machine.
type Target string

// The machines that kernels are chosen for.
const (
	Generic  Target = "generic"
	CortexM0 Target = "cortex-m0"
	RV32I    Target = "rv32i"
	RV32E    Target = "rv32e"
	AVR      Target = "avr"
)

// Targets lists the machines.
var Targets = []Target{CortexM0, RV32I, RV32E, AVR, Generic}

// ParseTarget finds a machine by its name.
func ParseTarget(name string) (Target, error) {
	if t := Target(name); slices.Contains(Targets, t) {
		return t, nil
	}
	return "", fmt.Errorf("unknown target %q, want %s", name, names(Targets))
}

// Goal is what is made small.
type Goal string

// Speed takes the fastest kernels, Size those that take least flash.
const (
	Speed Goal = "speed"
	Size  Goal = "size"
)

// ParseGoal finds a goal by its name.
func ParseGoal(name string) (Goal, error) {
	if g := Goal(name); g == Speed || g == Size {
		return g, nil
	}
	return "", fmt.Errorf("unknown goal %q, want speed or size", name)
}

// names lists values for a message.
func names[S ~string](list []S) string {
	var b strings.Builder
	for i, s := range list {
		switch {
		case i > 0 && i == len(list)-1:
			b.WriteString(" or ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(string(s))
	}
	return b.String()
}

// size is the size of a structure of so many pointers and other bytes, in bytes.
func (t Target) size(pointers, others int) int {
	switch t {
	case AVR:
		return 2*pointers + others
	case Generic:
		return 8*pointers + (others+7)/8*8
	}
	return 4*pointers + (others+3)/4*4
}
