package kernel

import (
	"bytes"
	"math/rand"
	"slices"
	"testing"
)

// depthVectors are the instruction sets with functions for [Depthwise].
func depthVectors() (list []Vector) {
	for _, v := range Available() {
		if v.has().depthwise {
			list = append(list, v)
		}
	}
	return list
}

func TestDepthSums(t *testing.T) {
	r := rand.New(rand.NewSource(30))
	for _, v := range depthVectors() {
		for steps := 1; steps <= 5; steps++ {
			for _, n := range []int{1, 2, 9, 25, 300} {
				for _, wide := range []bool{false, true} {
					const channels, guard = 3, 0x5A5A
					lanes, half := channels*steps*64, steps*64/2
					step := 4*half + r.Intn(100)
					buffer := make([]byte, channels*step+depthSlack)
					for i := range buffer {
						buffer[i] = byte(r.Intn(depthLevels) + depthBias)
					}
					taps := make([]int32, n)
					for i := range taps {
						taps[i] = int32(r.Intn(2*half + 1))
					}
					tables := make([]byte, channels*2*n*depthLevels)
					r.Read(tables)
					starts := make([]depthStart, channels)
					for c := range starts {
						lane := uint16(r.Uint32())
						starts[c] = depthStart{lane + lane<<8, lane}
					}
					want, got := make([]uint16, lanes), make([]uint16, lanes+64)
					for i := range got {
						got[i] = guard
					}
					depthSums(want[:lanes/2], want[lanes/2:], half, buffer, step, taps, tables, starts, wide)
					vectorDepthSums(v, got[32:][:lanes/2], got[32+lanes/2:][:lanes/2], half, buffer, step, taps, tables, starts, wide)
					if !slices.Equal(got[32:][:lanes], want) {
						t.Fatalf("%v: %d lanes, %d taps, wide %v: got %v, want %v", v, lanes, n, wide, got[32:][:lanes], want)
					}
					for i, g := range got {
						if (i < 32 || i >= 32+lanes) && g != guard {
							t.Fatalf("%v: %d lanes, %d taps, wide %v: wrote lane %d", v, lanes, n, wide, i-32)
						}
					}
				}
			}
		}
	}
}

// TestDepthPairs compares pairs of channels with one channel after the other.
func TestDepthPairs(t *testing.T) {
	r := rand.New(rand.NewSource(33))
	for _, v := range depthVectors() {
		if !v.has().depthPairs {
			continue
		}
		for steps := 1; steps <= 8; steps++ {
			for _, n := range []int{1, 2, 9, 25} {
				const channels, guard = 6, 0x5A5A
				half := steps * pairStep / 2
				lanes := 2 * channels * half
				step := 4*half + r.Intn(100)
				buffer := make([]byte, channels*step+depthSlack)
				for i := range buffer {
					buffer[i] = byte(r.Intn(depthLevels) + depthBias)
				}
				taps := make([]int32, n)
				for i := range taps {
					taps[i] = int32(r.Intn(2*half + 1))
				}
				tables := make([]byte, channels*n*depthLevels)
				r.Read(tables)
				starts := make([]depthStart, channels)
				for c := range starts {
					lane := uint16(r.Uint32())
					starts[c] = depthStart{lane + lane<<8, lane}
				}
				want := make([]uint16, lanes)
				depthSums(want[:lanes/2], want[lanes/2:], half, buffer, step, taps, tables, starts, false)
				paired := pairTables(tables, n)
				check := func(name string, sums func(even, odd []uint16)) {
					got := slices.Repeat([]uint16{guard}, lanes+64)
					sums(got[32:][:lanes/2], got[32+lanes/2:][:lanes/2])
					if !slices.Equal(got[32:][:lanes], want) {
						t.Fatalf("%s: %d lanes, %d taps: got %v, want %v", name, lanes, n, got[32:][:lanes], want)
					}
					for i, g := range got {
						if (i < 32 || i >= 32+lanes) && g != guard {
							t.Fatalf("%s: %d lanes, %d taps: wrote lane %d", name, lanes, n, i-32)
						}
					}
				}
				check("generic", func(even, odd []uint16) { depthPairs(even, odd, half, buffer, step, taps, paired, starts) })
				check(v.String(), func(even, odd []uint16) { vectorDepthPairs(v, even, odd, half, buffer, step, taps, paired, starts) })
			}
		}
	}
}

func TestDepthFill(t *testing.T) {
	r := rand.New(rand.NewSource(31))
	for _, v := range depthVectors() {
		for cols := 1; cols <= 140; cols++ {
			for stride := 1; stride <= 2; stride++ {
				const rows, channels = 3, 4
				term := depthwise(term([3]int{channels, rows, cols}, 3, stride, r.Intn(4)-1, depthLevels, r.Intn(depthLevels)))
				k := &Depthwise{vector: v, channels: channels, plane: rows * cols, per: 1}
				for a := range 2 {
					k.out[1+a] = (term.Shape[1+a]+2*term.Pad[a]-3)/stride + 1
				}
				if k.out[1] < 1 || k.out[2] < 1 {
					continue
				}
				k.outPlane = k.out[1] * k.out[2]
				if err := k.layout(&term); err != nil {
					t.Fatal(err)
				}
				in := make([]byte, channels*k.plane+Margin)[:channels*k.plane]
				for i := range in {
					in[i] = byte(r.Intn(depthLevels))
				}
				fill := func(vector bool) []byte {
					all := bytes.Repeat([]byte{guard}, channels*k.bytes+2*depthSlack)
					buffer := all[depthSlack:][:channels*k.bytes]
					spread(buffer, byte(k.fill.empty))
					if vector && len(k.fill.rows) > 0 {
						k.fill.channels(v, buffer, in, channels, k.bytes, k.plane)
						return all
					}
					for c := range channels {
						k.fill.generic(buffer[c*k.bytes:], in[c*k.plane:])
					}
					return all
				}
				if !bytes.Equal(fill(true), fill(false)) {
					t.Fatalf("%v: %d columns, stride %d, pad %v: differs", v, cols, stride, term.Pad)
				}
			}
		}
	}
}
