// Package qconv holds source that programs of this module need beside themselves: that of the runtime, which is given away with a
// network, and what counts instructions under QEMU.
package qconv

import "embed"

// RuntimeSource is the package runtime and those of this module that it imports, with their tests.
//
//go:embed runtime/*.go runtime/printable/*.go runtime/internal/coding/* runtime/internal/kernel/*.go runtime/internal/kernel/*.s runtime/internal/kernel/*.h
var RuntimeSource embed.FS

// CountPlugin is the plugin of QEMU in C that counts instructions.
//
//go:embed runtime/bench/count.c
var CountPlugin []byte
