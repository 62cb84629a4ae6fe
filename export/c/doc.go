// Package c writes a program of package runtime as C99 for machines without a multiplier, a floating-point unit or an
// operating system: [Export] makes a folder of sources that compute the same integers as a [runtime.Runner], bit for bit.
//
// The sources are made of the kernels in folder kernels, of which those are written that the program uses, and of tables
// of constants. What is multiplied and divided is multiplied and divided here. Weights and tables stay in flash; the arena is all
// the memory that they need.
package c
