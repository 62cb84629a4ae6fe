// Package kernel holds the inner loops of the runtime: linear layers by look-up
// ([Lookup]), by grouped addition ([Grouped]), by sorted addition ([Sorted], and [Patched] for
// positions that share weights), by look-ups of many positions ([Depthwise]), by sums of channels
// ([Pooled]) and from coded weights ([Expanded], which writes programs of Grouped while it runs, and [Packed]),
// requantization, pooling, index maps and copies. A [Linear] is a layer in the form that estimates call the fastest, or
// where memory is scarce in one of its [Options]; a new form gets a number, a name and its lines there.
//
// Every kernel is a value made once by a New function, which may multiply, divide and
// allocate, and whose Run method does none of these: all offsets, strides and tables
// are prepared. Nothing in a kernel changes after New; what Run needs to write on is
// its destination and a [Scratch]. So one kernel may run in several goroutines, each
// with its own Scratch.
//
// Calls on the run path are direct (no func values, no interfaces), so that the set of
// functions reachable from a Run method can be read off a binary.
package kernel
