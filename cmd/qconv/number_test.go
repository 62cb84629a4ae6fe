package main

import (
	"reflect"
	"testing"
)

func TestParseNumbers(t *testing.T) {
	tests := []struct {
		in   string
		want []float64
		ok   bool
	}{
		{"", nil, true},
		{"1/255", []float64{1.0 / 255}, true},
		{"-1,2", []float64{-1, 2}, true},
		{"0.485, 0.456,0.406", []float64{0.485, 0.456, 0.406}, true},
		{"1e-3", []float64{1e-3}, true},
		{"1/0", nil, false},
		{"0/0", nil, false},
		{"nan", nil, false},
		{"inf", nil, false},
		{"1,,2", nil, false},
		{"1/2/3", nil, false},
		{"x", nil, false},
	}
	for _, tt := range tests {
		got, err := parseNumbers(tt.in)
		if (err == nil) != tt.ok || tt.ok && !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q: got %v, error %v, want %v, ok %v", tt.in, got, err, tt.want, tt.ok)
		}
		if err != nil && exitCode(err) != exitUsage {
			t.Errorf("%q: exit code %d, want %d", tt.in, exitCode(err), exitUsage)
		}
	}
}

func TestParseSize(t *testing.T) {
	tests := []struct {
		in   string
		want [2]int
		ok   bool
	}{
		{"", [2]int{}, true},
		{"28x30", [2]int{28, 30}, true},
		{"28X30", [2]int{28, 30}, true},
		{"32", [2]int{32, 32}, true},
		{"0x3", [2]int{}, false},
		{"3x", [2]int{}, false},
		{"3x4x5", [2]int{}, false},
	}
	for _, tt := range tests {
		got, err := parseSize(tt.in)
		if (err == nil) != tt.ok || tt.ok && got != tt.want {
			t.Errorf("%q: got %v, error %v, want %v, ok %v", tt.in, got, err, tt.want, tt.ok)
		}
	}
}

func TestParseDims(t *testing.T) {
	got, err := parseDims([]string{"N=1", "height=32"})
	if want := map[string]int{"N": 1, "height": 32}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, error %v, want %v", got, err, want)
	}
	for _, bad := range []string{"N", "N=", "=1", "N=0", "N=x"} {
		if _, err := parseDims([]string{bad}); exitCode(err) != exitUsage {
			t.Errorf("%q: got %v, want a usage error", bad, err)
		}
	}
}
