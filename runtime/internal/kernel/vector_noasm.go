//go:build (!amd64 && !arm64) || purego

package kernel

const best = Portable

func supported(v Vector) bool { return v == Portable }
