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
		most := max(16, len(s.breaks)) // bins
		if g.o.Optimize == Speed {
			most = min(256, 4*most)
		}
		bins, shift := s.bins(most)
		values := "NULL"
		if !s.rising() {
			values = add(&g.tables, "uint8_t", "values", s.values)
		}
		low := int32(1<<31 - 1)
		if len(s.breaks) > 0 {
			low = s.breaks[0]
		}
		rows = append(rows, fields(g.breaks(s), values, add(&g.tables, "uint8_t", "bins", bins), literal(low), len(s.breaks), len(bins)-1, shift))
	}
	if len(rows) > 1 {
		each = 1
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
