//go:build !purego

package kernel

// Every arm64 machine has NEON.
const best = NEON

func supported(v Vector) bool { return v == Portable || v == NEON }
