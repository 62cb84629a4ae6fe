package differential

import (
	"fmt"
	"math/bits"
	"slices"
)

// names lists classes in order.
type names []string

func (list *names) add(dimension string, values ...string) {
	for _, v := range values {
		*list = append(*list, dimension+" "+v)
	}
}

// classSet is the classes that something belongs to.
type classSet map[string]bool

func (set classSet) add(dimension string, value any) { set[fmt.Sprint(dimension, " ", value)] = true }

// layerClasses lists all classes of layers; every one must occur.
func layerClasses() names {
	var list names
	add := list.add
	strides := []string{"1", "2", "3", "4", "5", "6", "7", "8"}
	add("stride of rows", strides...)
	add("stride of columns", strides...)
	add("dilation of rows", "1", "2", "3 and more")
	add("dilation of columns", "1", "2", "3 and more")
	add("up of rows", "1", "2", "3", "4")
	add("up of columns", "1", "2", "3", "4")
	add("pad", "negative", "none", "within the kernel", "beyond the kernel")
	add("groups", "one", "some", "depthwise", "depthwise, several outputs")
	add("terms", "1", "2", "3", "4", "5")
	add("inputs", "apart", "shared")
	add("columns", "1", "2-7", "8", "16k-1", "16k", "16k+1", "32k-1", "32k", "32k+1", "64k-1", "64k", "64k+1", "others")
	add("levels", "2", "3-16", "17-32", "33-64", "65-128", "129-255", "256")
	add("zero", "lowest", "inside", "highest")
	add("codebook", "of one centre", "of small integers", "of powers of two", "of 8 bits", "of 16 bits", "of more bits")
	add("centres", "1-16", "17-256", "more")
	add("weights", "all zero", "mostly zero", "others")
	add("steps", "none", "one", "per channel")
	add("levels of the output", "rising", "not monotone")
	add("multiply-accumulates", "to 1k", "to 16k", "more")
	return list
}

// classes lists the classes that l belongs to.
func (l *single) classes() classSet {
	set := classSet{}
	add := set.add
	work := 0
	for i := range l.Terms {
		t := &l.Terms[i]
		work += l.Out[1] * l.Out[2] * len(t.Weights)
		for a, axis := range [2]string{"rows", "columns"} {
			add("stride of "+axis, t.Stride[a])
			add("dilation of "+axis, []any{1, 2, "3 and more"}[min(t.Dilation[a], 3)-1])
			add("up of "+axis, t.Up[a])
			switch reach := (t.Kernel[a] - 1) * t.Dilation[a]; {
			case t.Pad[a] < 0:
				add("pad", "negative")
			case t.Pad[a] == 0:
				add("pad", "none")
			case t.Pad[a] <= reach:
				add("pad", "within the kernel")
			default:
				add("pad", "beyond the kernel")
			}
		}
		switch {
		case t.Groups == 1:
			add("groups", "one")
		case t.Groups < t.Shape[0]:
			add("groups", "some")
		case t.Groups == l.Out[0]:
			add("groups", "depthwise")
		default:
			add("groups", "depthwise, several outputs")
		}
		add("levels", between(t.Levels, []int{2, 16, 32, 64, 128, 255, 256}, []string{"2", "3-16", "17-32", "33-64", "65-128", "129-255", "256"}))
		switch t.Zero {
		case 0:
			add("zero", "lowest")
		case t.Levels - 1:
			add("zero", "highest")
		default:
			add("zero", "inside")
		}
		add("codebook", codebookClass(t.Centres))
		add("centres", between(len(t.Centres), []int{16, 256, 1 << 16}, []string{"1-16", "17-256", "more"}))
		zeros := 0
		for _, w := range t.Weights {
			if t.Centres[w] == 0 {
				zeros++
			}
		}
		switch {
		case zeros == len(t.Weights):
			add("weights", "all zero")
		case 2*zeros > len(t.Weights):
			add("weights", "mostly zero")
		default:
			add("weights", "others")
		}
	}
	add("terms", len(l.Terms))
	add("inputs", map[bool]string{true: "apart", false: "shared"}[len(l.skew) == len(l.Terms)])
	add("columns", widthClass(l.Out[2]))
	add("steps", []string{"none", "one", "per channel"}[min(len(l.Steps), 2)])
	for i := range l.Steps {
		rising := slices.IsSorted(l.Steps[i].Values)
		add("levels of the output", map[bool]string{true: "rising", false: "not monotone"}[rising])
	}
	add("multiply-accumulates", between(work, []int{1000, 16000, 1 << 30}, []string{"to 1k", "to 16k", "more"}))
	return set
}

// between is the name of the first limit that n does not exceed.
func between(n int, limits []int, names []string) string {
	i, _ := slices.BinarySearch(limits, n)
	return names[i]
}

func codebookClass(centres []int32) string {
	far, powers := int32(0), true
	for _, c := range centres {
		far = max(far, c, -c)
		powers = powers && bits.OnesCount32(uint32(max(c, -c))) <= 1
	}
	switch {
	case len(centres) == 1:
		return "of one centre"
	case powers && far > 1:
		return "of powers of two"
	case far <= 8:
		return "of small integers"
	case far < 1<<7:
		return "of 8 bits"
	case far <= 1<<15:
		return "of 16 bits"
	}
	return "of more bits"
}

func widthClass(n int) string {
	switch {
	case n == 1:
		return "1"
	case n < 8:
		return "2-7"
	case n == 8:
		return "8"
	}
	for _, size := range []int{64, 32, 16} {
		for _, d := range []int{-1, 0, 1} {
			if n-d > 0 && (n-d)%size == 0 {
				return fmt.Sprintf("%dk%s", size, []string{"-1", "", "+1"}[d+1])
			}
		}
	}
	return "others"
}
