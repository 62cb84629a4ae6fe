// Package qconv holds the source of the runtime, for programs that give it away with a network.
package qconv

import "embed"

// RuntimeSource is the package runtime and those of this module that it imports, with their tests.
//
//go:embed runtime/*.go runtime/printable/*.go runtime/internal/coding/* runtime/internal/kernel/*.go runtime/internal/kernel/*.s runtime/internal/kernel/*.h
var RuntimeSource embed.FS
