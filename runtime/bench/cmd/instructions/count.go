package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
)

// count reads QEMU's log and returns the instructions of the main thread between the
// executions of the block at mark, which belongs to the section it ends.
//
// The lines that matter:
//
//	0x00010420:  e59f202c  ldr r2, [pc, #0x2c]       an instruction of a new block, behind "IN:"
//	Trace 0: 0x7fdf200270c0 [00000480/00010420/...]  thread 0 is about to execute the block at 0x10420
//	Stopped execution of TB chain before 0x... [00010420] ...   and did not
func count(log io.Reader, mark uint64) ([]int64, error) {
	lines := bufio.NewReader(log)
	sizes := map[uint64]int64{}
	sections := []int64{0}
	var block uint64 // address of the block being listed, 0 before its first instruction
	var last uint64  // block that the main thread executed last
	listing := false // inside a listing
	ended := false   // last ended a section
	for number := 1; ; number++ {
		line, err := lines.ReadSlice('\n')
		if err == io.EOF && len(line) == 0 {
			return sections, nil
		} else if err != nil && err != io.EOF {
			return nil, fmt.Errorf("QEMU's log: line %d: %w", number, err)
		}
		line = bytes.TrimSpace(line)
		switch {
		case bytes.HasPrefix(line, []byte("IN:")):
			listing, block = true, 0
		case len(line) == 0:
			listing = false
		case listing && bytes.HasPrefix(line, []byte("0x")):
			address, _, _ := bytes.Cut(line[2:], []byte(":"))
			at, err := parseHex(address)
			if err != nil {
				return nil, fmt.Errorf("QEMU's log: line %d: address: %w", number, err)
			}
			if block == 0 {
				block = at
				sizes[block] = 0
			}
			sizes[block]++
		case bytes.HasPrefix(line, []byte("Trace 0:")):
			if last, err = address(line, 1); err != nil {
				return nil, fmt.Errorf("QEMU's log: line %d: %w", number, err)
			}
			size, ok := sizes[last]
			if !ok {
				return nil, fmt.Errorf("QEMU's log: line %d: block %#x was never listed", number, last)
			}
			sections[len(sections)-1] += size
			if ended = last == mark; ended {
				sections = append(sections, 0)
			}
		case bytes.HasPrefix(line, []byte("Stopped execution")):
			at, err := address(line, 0)
			if err != nil {
				return nil, fmt.Errorf("QEMU's log: line %d: %w", number, err)
			}
			if at != last {
				break // another thread's
			}
			if ended {
				sections, ended = sections[:len(sections)-1], false
			}
			sections[len(sections)-1] -= sizes[last]
			last = 0
		}
	}
}

// address returns one of the hexadecimal numbers between [ and ], separated by slashes.
func address(line []byte, field int) (uint64, error) {
	_, rest, _ := bytes.Cut(line, []byte("["))
	inside, _, ok := bytes.Cut(rest, []byte("]"))
	for ; ok && field > 0; field-- {
		_, inside, ok = bytes.Cut(inside, []byte("/"))
	}
	if !ok {
		return 0, fmt.Errorf("no address in %q", line)
	}
	number, _, _ := bytes.Cut(inside, []byte("/"))
	return parseHex(number)
}

func parseHex(digits []byte) (uint64, error) {
	return strconv.ParseUint(string(digits), 16, 64)
}
