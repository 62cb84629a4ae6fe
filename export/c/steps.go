package c

import (
	"slices"

	"qconv/runtime"
)

// step is a step function without neighbours that are equal.
type step struct {
	breaks []int32
	values []uint8
}

// reduced leaves out the breaks at which s stays the same.
func reduced(s *runtime.Step) step {
	r := step{values: []uint8{s.Values[0]}}
	for i, b := range s.Breaks {
		if v := s.Values[i+1]; v != r.values[len(r.values)-1] {
			r.breaks, r.values = append(r.breaks, b), append(r.values, v)
		}
	}
	return r
}

// long says that level.c has no room for the number of breaks.
func (s step) long() bool { return len(s.breaks) > 255 }

// rising says that the value is the number of breaks.
func (s step) rising() bool {
	for i, v := range s.values {
		if int(v) != i {
			return false
		}
	}
	return true
}

// bins divides the accumulators from the first break to the last into at most so many bins.
func (s step) bins(most int) (bins []int, shift int) {
	if len(s.breaks) == 0 {
		return []int{0}, 0
	}
	low := int64(s.breaks[0])
	span := int64(s.breaks[len(s.breaks)-1]) - low
	for span>>shift >= int64(most) {
		shift++
	}
	for at := int64(0); at <= span>>shift; at++ {
		start := low + at<<shift
		n, found := slices.BinarySearchFunc(s.breaks, start, func(b int32, start int64) int {
			if int64(b) <= start {
				return -1
			}
			return 1
		})
		if found {
			panic("BUG: a break is never equal")
		}
		bins = append(bins, n)
	}
	return bins, shift
}

// binsFor is the most bins for s.
func binsFor(s step, goal Goal) int {
	n := max(16, len(s.breaks))
	if goal == Speed {
		n = min(256, 4*n)
	}
	return n
}

// narrow says that breaks of 16 bits suffice: no accumulator within the bins reaches 65535.
func (s step) narrow(goal Goal) bool {
	bins, shift := s.bins(binsFor(s, goal))
	return len(bins)<<shift <= 65535
}

// steps writes the step functions of an instruction and returns the name of their table, and 1 where there is one for each channel.
func (g *generator) steps(list []int) (name string, each int) {
	g.use(g.level)
	if len(list) == 0 {
		return "NULL", 0
	}
	if !slices.ContainsFunc(list, func(s int) bool { return s != list[0] }) {
		list = list[:1]
	}
	var rows []string
	for _, i := range list {
		s := reduced(&g.p.Steps[i])
		if g.level == "level_search" {
			rows = append(rows, fields(g.breaks(s), add(&g.tables, "uint8_t", "values", s.values), len(s.breaks)))
			continue
		}
		most := binsFor(s, g.o.Optimize)
		bins, shift := s.bins(most)
		values := "NULL"
		if !s.rising() {
			values = add(&g.tables, "uint8_t", "values", s.values)
		}
		low := int32(1<<31 - 1)
		if len(s.breaks) > 0 {
			low = s.breaks[0]
		}
		var breaks []uint32 // nothing reaches the last one
		for _, b := range s.breaks {
			breaks = append(breaks, uint32(b)-uint32(low))
		}
		if len(breaks) == 0 {
			breaks = []uint32{0} // the accumulator may be the least break of all
			values = add(&g.tables, "uint8_t", "values", []uint8{s.values[0], s.values[0]})
		}
		breaks = append(breaks, 1<<(8*uint(typeBytes[g.vars["BREAK"].(string)]))-1)
		rows = append(rows, fields(add(&g.tables, g.vars["BREAK"].(string), "breaks", breaks), values, add(&g.tables, "uint8_t", "bins", bins), literal(low), len(bins)-1, len(breaks)-1, shift))
	}
	if len(rows) > 1 {
		each = 1
		g.vars["EACH"] = true
	}
	return g.tables.structs("q_step", "steps", g.o.Target.size(3, 12), rows), each
}

// breaks writes the breaks of a step function, one at least.
func (g *generator) breaks(s step) string {
	list := s.breaks
	if len(list) == 0 {
		list = []int32{1<<31 - 1}
	}
	return add(&g.tables, "int32_t", "breaks", list)
}
