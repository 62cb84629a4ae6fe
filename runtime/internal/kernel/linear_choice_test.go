package kernel

import (
	"math"
	"testing"
)

// TestLinearChoice demands that no form is left out whose estimate is better than that of the chosen one, and that the
// chosen one says of itself what its kernel says.
func TestLinearChoice(t *testing.T) {
	chosen := map[string]bool{}
	for _, c := range benchLayers {
		for _, book := range [][]int32{smallInts(), multiples(299, 127)} {
			l, _ := benchLayer(c.out, c.term, book)
			for _, v := range Available() {
				costs := map[string]int{NameLookup: int(lookupTime(l))}
				if k, err := NewSorted(l, SortedBytes(l), math.MaxInt, v); err == nil {
					costs[NameSorted] = k.Cost()
				}
				if k, err := NewPatched(l, SortedBytes(l), math.MaxInt, v); err == nil {
					costs[NamePatched] = k.Cost()
				}
				if k, err := NewGrouped(l, math.MaxInt, v); err == nil && (l.positions() > 1 || costs[NameSorted] == 0) {
					costs[NameGrouped] = k.Cost()
				}
				if k, err := NewDepthwise(l, math.MaxInt, v); err == nil && (l.positions() > 1 || costs[NameSorted] == 0) {
					costs[NameDepthwise] = k.Cost()
				}
				k := NewLinear(l, v)
				if p, err := NewProducts(l, math.MaxInt, v); err == nil && k.Name() != NameProducts && int64(p.Cost()) < k.Cost() {
					t.Errorf("%s, %v: %s costs %d, products would cost %d", c.name, v, k.Name(), k.Cost(), p.Cost())
				}
				if k.Name() == NameProducts {
					for _, name := range []string{NameSorted, NamePatched} {
						if cost := costs[name]; cost > 0 {
							costs[name] = int(rowsCost(cost, v))
						}
					}
					costs[NameProducts] = int(k.Cost())
				}
				chosen[k.Name()] = true
				for name, cost := range costs {
					// Shared rows may take twice as long as those of all positions.
					if cost < costs[k.Name()] && !(k.Name() == NamePatched && name == NameSorted && 2*cost >= costs[k.Name()]) {
						t.Errorf("%s, %v: %s costs %d, %s would cost %d", c.name, v, k.Name(), costs[k.Name()], name, cost)
					}
				}
			}
		}
	}
	for _, name := range []string{NameGrouped, NameSorted} {
		if LittleEndian && !chosen[name] {
			t.Errorf("no layer is %s", name)
		}
	}
}

// TestLinearMemory demands that a Linear says of every form what its kernel says.
func TestLinearMemory(t *testing.T) {
	for _, c := range benchLayers {
		l, _ := benchLayer(c.out, c.term, smallInts())
		for _, v := range Available() {
			k := NewLinear(l, v)
			var of linear
			switch k.Name() {
			case NameGrouped:
				of, _ = NewGrouped(l, math.MaxInt, v)
			case NameSorted:
				of, _ = NewSorted(l, SortedBytes(l), math.MaxInt, v)
			case NamePatched:
				of, _ = NewPatched(l, SortedBytes(l), math.MaxInt, v)
			case NameProducts:
				of, _ = NewProducts(l, math.MaxInt, v)
			case NameDepthwise:
				of, _ = NewDepthwise(l, math.MaxInt, v)
			default:
				of = NewLookup(l)
			}
			weights, tables := k.Memory()
			w, n := of.Memory()
			if weights != w || tables != n || k.Need().Bytes(v) != of.Need().Bytes(v) {
				t.Errorf("%s, %v: %s of %d + %d bytes and %d to write on, the kernel has %d + %d and %d",
					c.name, v, k.Name(), weights, tables, k.Need().Bytes(v), w, n, of.Need().Bytes(v))
			}
		}
	}
}
