package testtool

import "testing"

func TestRequired(t *testing.T) {
	for _, c := range []struct {
		list, name string
		want       bool
	}{
		{"", "numpy", false},
		{"numpy", "numpy", true},
		{"qemu-arm-static,numpy", "numpy", true},
		{"qemu-arm-static", "qemu-arm", false},
	} {
		if got := required(c.list, c.name); got != c.want {
			t.Errorf("required(%q, %q) = %v", c.list, c.name, got)
		}
	}
}
