package onnx

import "fmt"

// A file of a few bytes can ask for any amount of memory and work: a dimension of 10^9, a function that
// calls another twice, a thousand times over. What a model costs is therefore counted while it is
// read, before anything is allocated, and reading ends when the budget is spent.

// DefaultMaxMemory is [ReadOptions.MaxMemory] where it is not given, in bytes.
const DefaultMaxMemory = 4e9

// What a file may cost: a base that any file has, and a multiple of its size.
const (
	baseMemory    = 256 << 20 // bytes
	memoryPerByte = 256
)

// defaultResults is what the results of all nodes may take together, in bytes, whatever the size of the file: no more are in memory at a time
// than fit the budget, as each is freed when its last reader has run.
const defaultResults = 2e9

// Bytes that parts of a model take until the network has run once.
const (
	valueBytes   = 4   // of an element that a node computes, while it is read
	inputBytes   = 12  // of an element of an input: given, held, compared
	outputBytes  = 8   // more, of an element of an output: kept to be compared
	indexBytes   = 8   // more, where elements are moved by a table or repeated
	messageBytes = 512 // of a message of the file, with what is made of it
	phaseBytes   = 256 // of a position between the strides of a ConvTranspose
	fileCopies   = 3   // of the file: as read, as messages, as tensors
)

// budget is what a model may still cost. A nil budget has no limits.
type budget struct {
	memory, work int64 // left: bytes, and elements to look at while reading
	results      int64 // left: bytes of the results of all nodes together
	limit        int64 // of memory in all
	size         int64 // of the file, in bytes
	given        bool  // the limit is the caller's own
}

// newBudget is that of a file of some bytes. With maxMemory the caller vouches for the file: only then may a
// small one be large.
func newBudget(maxMemory, size int64) *budget {
	b := &budget{size: size, limit: maxMemory, given: maxMemory > 0}
	if !b.given {
		b.limit = int64(min(DefaultMaxMemory, baseMemory+memoryPerByte*float64(size)))
	}
	b.memory, b.work, b.results = b.limit, b.limit, max(b.limit, defaultResults)
	return b
}

// LimitError says that a model costs more than it may.
type LimitError struct {
	// Limit is the memory in bytes that it may take, and Size that of its file. Given says that
	// the limit is [ReadOptions.MaxMemory].
	Limit, Size int64
	Given       bool
	// Work says that it is not memory that is exceeded, but time.
	Work bool
}

func (e *LimitError) Error() string {
	switch {
	case e.Work:
		return fmt.Sprintf("up to here the model is more work to read than a file of %d bytes may be", e.Size)
	case e.Given:
		return fmt.Sprintf("up to here the model takes more than the %s it may (--max-memory)", megabytes(e.Limit))
	}
	return fmt.Sprintf("up to here the model takes more than the %s that a file of %d bytes may take; if you trust it, give --max-memory", megabytes(e.Limit), e.Size)
}

func megabytes(n int64) string { return fmt.Sprintf("%.4g MB", float64(n)/1e6) }

// take spends memory on n things of some bytes each.
func (b *budget) take(n int, bytes int64) error {
	if b == nil {
		return nil
	}
	if n < 0 || int64(n) > b.memory/max(bytes, 1) {
		b.memory = 0
		return b.exceeded(false)
	}
	b.memory -= int64(n) * bytes
	return nil
}

// do spends work on n elements.
func (b *budget) do(n int) error {
	if b == nil {
		return nil
	}
	if n < 0 || int64(n) > b.work {
		b.work = 0
		return b.exceeded(true)
	}
	b.work -= int64(n)
	return nil
}

// copies spends what a list of n numbers takes that a node reads as one of its fields, such as indices.
func (b *budget) copies(n int) error {
	if err := b.do(n); err != nil {
		return err
	}
	return b.take(n, indexBytes)
}

func (b *budget) exceeded(work bool) error {
	return &LimitError{Limit: b.limit, Size: b.size, Given: b.given, Work: work}
}

// hold spends what the results of nodes take at the time when they take the most.
func (b *budget) hold(g *Graph) error {
	if b == nil {
		return nil
	}
	last := map[*Value]int{} // the node that reads a value last
	for i, n := range g.Nodes {
		for _, v := range n.Inputs {
			last[v] = i
		}
	}
	for _, v := range g.Outputs {
		last[v] = len(g.Nodes)
	}
	computed := map[*Value]bool{}
	now := int64(0)
	for i, n := range g.Nodes {
		for _, v := range n.Outputs {
			computed[v] = true
			now += int64(v.Shape.Elems()) * valueBytes
		}
		if now > b.memory {
			return n.wrap(b.exceeded(false), g.Opset)
		}
		for _, v := range n.Outputs {
			if _, read := last[v]; !read {
				now -= int64(v.Shape.Elems()) * valueBytes
			}
		}
		for _, v := range n.Inputs {
			if computed[v] && last[v] == i {
				computed[v] = false // once, if the node reads it twice
				now -= int64(v.Shape.Elems()) * valueBytes
			}
		}
	}
	return nil
}

// compute spends what running a node takes, whose shapes are inferred.
func (b *budget) compute(n *Node) error {
	if b == nil {
		return nil
	}
	for _, v := range n.Outputs {
		elems := v.Shape.Elems()
		if elems < 0 || int64(elems) > b.results/valueBytes {
			b.results = 0
			return b.exceeded(false)
		}
		b.results -= int64(elems) * valueBytes
		if movesByTable(n.Op) {
			if err := b.take(elems, indexBytes); err != nil {
				return err
			}
		}
		if op, ok := n.Op.(*ConvTranspose); ok {
			phases := 1 // each with a plan of its own
			for i, s := range op.Strides {
				phases *= min(s, v.Shape[2+i])
			}
			if err := b.take(phases, phaseBytes); err != nil {
				return err
			}
		}
		if !stretches(n.Op) {
			continue
		}
		for _, in := range n.Inputs {
			if in != nil && in.Shape.Elems() != elems {
				if err := b.take(elems, indexBytes); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// movesByTable says whether running an operator takes an index for every element of its result.
func movesByTable(op Op) bool {
	_, ok := op.(Mover)
	return ok
}

// stretches says whether operands of an operator are repeated to the shape of its result.
func stretches(op Op) bool { return ElementFunc(op) != nil }
