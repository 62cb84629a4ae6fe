package differential

import (
	"fmt"
	"strings"

	"qconv/runtime"
)

// instructionClasses lists all classes of the instructions of networks; every one must occur.
func instructionClasses() names {
	var list names
	add := list.add
	strides := []string{"1", "2", "3", "4", "5", "6", "7", "8"}
	add("Linear of terms:", "1", "2", "3", "4", "5")
	add("Linear to", "levels", "accumulators")
	add("MaxPool", "of pairs", "of other windows")
	add("MaxPool, stride of rows", strides...)
	add("MaxPool, stride of columns", strides...)
	add("MaxPool, dilation", "1", "2", "3")
	add("MaxPool, pad", "negative", "none", "positive")
	add("Map of tables:", "1", "several")
	add("Map2, repeated along", "nothing", "channels", "rows", "columns")
	add("Copy of pieces:", "1", "2", "3", "4")
	add("Copy to", "all elements", "some")
	add("Copy, strides of the output", "falling", "rising")
	add("Copy, strides of the input", "falling", "rising", "none")
	add("ArgMax of", "levels", "accumulators")
	add("ArgMax along", "neighbours", "what is apart")
	add("ArgMax for the", "first largest", "last largest", "first smallest", "last smallest")
	add("MatMul to", "levels", "accumulators")
	add("MatMul, step functions:", "0", "1", "several")
	add("MatMul of", "one row", "rows")
	add("inputs:", "1", "2", "3 and more")
	add("outputs:", "1", "2", "3 and more")
	add("input", "interleaved", "planar")
	add("tables of the input:", "0", "1", "several")
	add("loops:", "0", "1", "2")
	add("iterations:", "1", "2", "3 and more")
	add("carries:", "0", "1", "2")
	add("in a loop:", "Linear", "MaxPool", "Map", "Map2", "Copy", "ArgMax", "MatMul")
	add("a piece that reads", "falling", "rising")
	add("a piece that writes", "falling", "rising")
	add("states:", "1", "2", "3")
	return list
}

// networkClasses lists the classes that p belongs to.
func networkClasses(p *runtime.Program) classSet {
	set := classSet{}
	several := func(n int) string { return []string{"0", "1", "several"}[min(n, 2)] }
	for _, instr := range p.Instrs {
		switch i := instr.(type) {
		case *runtime.Linear:
			set.add("Linear of terms:", len(i.Terms))
			set.add("Linear to", map[bool]string{true: "levels", false: "accumulators"}[len(i.Steps) > 0])
		case *runtime.MaxPool:
			two := [2]int{2, 2}
			pairs := i.Kernel == two && i.Stride == two && i.Dilation == [2]int{1, 1} && i.Pad == [2]int{}
			set.add("MaxPool", map[bool]string{true: "of pairs", false: "of other windows"}[pairs])
			set.add("MaxPool, stride of rows", i.Stride[0])
			set.add("MaxPool, stride of columns", i.Stride[1])
			for a := range 2 {
				set.add("MaxPool, dilation", i.Dilation[a])
				set.add("MaxPool, pad", []string{"negative", "none", "positive"}[1+min(max(i.Pad[a], -1), 1)])
			}
		case *runtime.Map:
			set.add("Map of tables:", several(len(i.Tables)))
		case *runtime.Map2:
			a, b := p.Tensors[i.A].Shape, p.Tensors[i.B].Shape
			if a == b {
				set.add("Map2, repeated along", "nothing")
			}
			for d, axis := range [3]string{"channels", "rows", "columns"} {
				if a[d] != b[d] {
					set.add("Map2, repeated along", axis)
				}
			}
		case *runtime.Copy:
			set.add("Copy of pieces:", len(i.Pieces))
			moved := 0
			for _, q := range i.Pieces {
				n := 1
				for d, size := range q.Dims {
					n *= size
					if size > 1 {
						set.add("Copy, strides of the output", direction(q.OutStride[d]))
						set.add("Copy, strides of the input", direction(q.InStride[d]))
					}
				}
				moved += n
			}
			set.add("Copy to", map[bool]string{true: "all elements", false: "some"}[moved == p.Tensors[i.Out].Elems()])
		case *runtime.ArgMax:
			set.add("ArgMax of", map[bool]string{true: "levels", false: "accumulators"}[p.Tensors[i.In].Levels > 0])
			set.add("ArgMax along", map[bool]string{true: "neighbours", false: "what is apart"}[i.Inner == 1])
			set.add("ArgMax for the", map[bool]string{true: "last ", false: "first "}[i.Last]+map[bool]string{true: "smallest", false: "largest"}[i.Least])
		case *runtime.MatMul:
			set.add("MatMul to", map[bool]string{true: "levels", false: "accumulators"}[len(i.Steps) > 0])
			set.add("MatMul, step functions:", several(len(i.Steps)))
			set.add("MatMul of", map[bool]string{true: "one row", false: "rows"}[p.Tensors[i.A].Shape[1] == 1])
		default:
			panic(fmt.Sprintf("BUG: a %T", instr))
		}
	}
	set.add("outputs:", []any{1, 2, "3 and more"}[min(len(p.Outputs), 3)-1])
	set.add("inputs:", []any{1, 2, "3 and more"}[min(len(p.Inputs), 3)-1])
	for _, in := range p.Inputs {
		set.add("input", map[bool]string{true: "interleaved", false: "planar"}[in.Interleaved])
		set.add("tables of the input:", several(len(in.Tables)))
	}
	repeatingClasses(p, set)
	return set
}

// kindOf names the operation of i.
func kindOf(i runtime.Instr) string { return strings.TrimPrefix(fmt.Sprintf("%T", i), "*runtime.") }

func direction(stride int) string {
	switch {
	case stride < 0:
		return "falling"
	case stride > 0:
		return "rising"
	}
	return "none"
}
