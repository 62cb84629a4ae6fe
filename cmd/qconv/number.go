package main

import (
	"math"
	"strconv"
	"strings"
)

// parseNumber reads a number or a fraction such as 1/255.
func parseNumber(s string) (float64, error) {
	top, bottom, fraction := strings.Cut(s, "/")
	v, err := strconv.ParseFloat(strings.TrimSpace(top), 64)
	if err == nil && fraction {
		var d float64
		d, err = strconv.ParseFloat(strings.TrimSpace(bottom), 64)
		v /= d
	}
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, usagef("%q is not a number, want one such as 0.5 or 1/255", s)
	}
	return v, nil
}

// parseNumbers reads a comma-separated list of numbers; an empty string is an empty list.
func parseNumbers(s string) ([]float64, error) {
	if s == "" {
		return nil, nil
	}
	var out []float64
	for _, part := range strings.Split(s, ",") {
		v, err := parseNumber(part)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// parseSize reads HxW, or one number for a square; an empty string is no size (zero).
func parseSize(s string) (size [2]int, err error) {
	if s == "" {
		return size, nil
	}
	h, w, two := strings.Cut(strings.ToLower(s), "x")
	if !two {
		w = h
	}
	for i, part := range []string{h, w} {
		if size[i], err = strconv.Atoi(part); err != nil || size[i] < 1 {
			return size, usagef("size %q, want HxW such as 28x28", s)
		}
	}
	return size, nil
}

// parseDims reads name=value pairs.
func parseDims(pairs []string) (map[string]int, error) {
	dims := map[string]int{}
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		n, err := strconv.Atoi(value)
		if !ok || name == "" || err != nil || n < 1 {
			return nil, usagef("--dim %q, want NAME=SIZE such as N=1", pair)
		}
		dims[name] = n
	}
	return dims, nil
}
