package main

import "testing"

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]int64{
		"500MB": 500e6, "4GB": 4e9, "1GiB": 1 << 30, "1.5 GiB": 3 << 29, "64kib": 64 << 10, "12": 12, "7B": 7, "2TB": 2e12,
		"": 0, "GB": 0, "-1MB": 0, "0": 0, "NaN": 0, "Inf": 0, "4GX": 0, "1e30": 0, "0.1B": 0,
	} {
		if got, err := parseBytes(text); got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: got %d, %v, want %d", text, got, err, want)
		}
	}
}
