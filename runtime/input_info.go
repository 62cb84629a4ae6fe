package runtime

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"qconv/runtime/printable"
)

// InputInfo says what an input of a program takes, for people and for those who make its samples of numbers.
type InputInfo struct {
	Name   string `json:"name,omitempty"` // the only input has none
	Shape  [3]int `json:"shape"`          // channels, rows, columns
	Levels int    `json:"levels"`
	// Level i stands for ScaleMant * 2^ScaleExp * (i - Zero), times 2^Shifts[c] in channel c where there are Shifts.
	Zero      int    `json:"zero"`
	ScaleMant uint32 `json:"scale_mant"`
	ScaleExp  int32  `json:"scale_exp"`
	Shifts    []int8 `json:"shifts,omitempty"`
	// Tables is how many tables make levels of bytes: 0 where bytes are levels, else 1 or one for each channel.
	Tables      int  `json:"tables"`
	Interleaved bool `json:"interleaved,omitempty"` // a Runner takes [H][W][C]
	// Bytes are the numbers that the bytes 0 and 255 become, by table.
	Bytes [][2]float64 `json:"bytes_stand_for,omitempty"`
}

// InputInfos describes all inputs in order.
func (p *Program) InputInfos() []InputInfo {
	infos := make([]InputInfo, len(p.Inputs))
	for i := range p.Inputs {
		in := &p.Inputs[i]
		t := &p.Tensors[in.Tensor]
		infos[i] = InputInfo{
			Name: in.Name, Shape: t.Shape, Levels: t.Levels, Zero: t.Zero, ScaleMant: t.Scale.Mant, ScaleExp: t.Scale.Exp,
			Tables: len(in.Tables), Interleaved: in.Interleaved,
		}
		for c, table := range in.Tables {
			step := t.Scale.Float()
			if len(in.Shifts) > c {
				step = math.Ldexp(step, int(in.Shifts[c]))
			}
			if step > 0 && len(table) == 256 {
				infos[i].Bytes = append(infos[i].Bytes, [2]float64{shortened(step * float64(int(table[0])-t.Zero)), shortened(step * float64(int(table[255])-t.Zero))})
			}
		}
		if low, high := shiftRange(in.Shifts); low != 0 || high != 0 {
			infos[i].Shifts = in.Shifts
		}
	}
	return infos
}

// shownShifts is how many shifts a line has room for.
const shownShifts = 8

// String is one line: name, shape, and what bytes mean.
func (i InputInfo) String() string {
	var b strings.Builder
	if i.Name != "" {
		b.WriteString(printable.Name(i.Name) + " ")
	}
	fmt.Fprintf(&b, "%v: %d levels, ", i.Shape, i.Levels)
	if i.ScaleMant == 0 {
		b.WriteString("scale unknown")
	} else {
		fmt.Fprintf(&b, "scale %.6g", Scale{i.ScaleMant, i.ScaleExp}.Float())
	}
	switch low, high := shiftRange(i.Shifts); {
	case len(i.Shifts) == 0:
	case len(i.Shifts) <= shownShifts:
		fmt.Fprintf(&b, " times 2^%v by channel", i.Shifts)
	default:
		fmt.Fprintf(&b, " times 2^%d..2^%d by channel", low, high)
	}
	fmt.Fprintf(&b, ", zero %d, ", i.Zero)
	switch {
	case i.Tables == 0:
		b.WriteString("bytes are levels")
	case i.Tables == 1:
		b.WriteString("bytes go through a table")
	default:
		b.WriteString("bytes go through a table for each channel")
	}
	for k, n := range i.Bytes[:min(len(i.Bytes), shownShifts)] {
		separator := ", "
		if k == 0 {
			separator = ", 0..255 standing for "
		}
		fmt.Fprintf(&b, "%s%.4g..%.4g", separator, n[0], n[1])
	}
	if i.Interleaved {
		b.WriteString(", interleaved")
	}
	return b.String()
}

// shortened is x with seven digits, as many as a float32 has.
func shortened(x float64) float64 {
	y, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 7, 64), 64)
	return y
}

// shiftRange is the least and the largest shift, 0 and 0 without any.
func shiftRange(shifts []int8) (low, high int8) {
	if len(shifts) == 0 {
		return 0, 0
	}
	return slices.Min(shifts), slices.Max(shifts)
}
