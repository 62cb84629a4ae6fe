package main

import _ "unsafe" // for go:linkname

// procPin keeps this goroutine running until procUnpin: Go's scheduler would stop it every 10 ms, of which QEMU's are short,
// and what that takes would be counted. It must neither block nor allocate in between.
//
//go:linkname procPin runtime.procPin
func procPin() int

//go:linkname procUnpin runtime.procUnpin
func procUnpin()
