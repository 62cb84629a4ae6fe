package bytesize

import "testing"

func TestParse(t *testing.T) {
	for text, want := range map[string]int64{
		"1": 1, "4096": 4096, "4096B": 4096, "64MB": 64e6, "64mb": 64e6, "1GiB": 1 << 30, "1 GiB": 1 << 30,
		"3kB": 3000, "3KiB": 3072, "2TB": 2e12, "8388607TiB": 8388607 << 40,
	} {
		if got, err := Parse(text); got != want || err != nil {
			t.Errorf("%q: %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "-1", "MB", "1.5GB", "1e9", "0x10", "1 MB ", "5 00", "8388608TiB", "9223372036854775808", "12XB", "１MB"} {
		if got, err := Parse(text); err == nil {
			t.Errorf("%q: %d, want an error", text, got)
		}
	}
}
