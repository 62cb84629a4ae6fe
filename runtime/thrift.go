package runtime

import (
	"cmp"
	"math"
	"slices"

	"qconv/runtime/internal/kernel"
)

// chooser finds the forms of all layers that take the least time together and whose memory is limited. Every byte has a price in
// time: at any price the best form of a layer is that whose time and bytes cost least together, and the lowest price counts
// at which the bytes of all layers are few enough. Working memory, which layers share, is limited before.
type chooser struct {
	*ops
	most    int64 // bytes of forms and working memory
	lenient bool  // where not even the smallest forms fit, others may take more

	beside int // the limit of working memory beside tensors
}

const (
	// priceShift is the number of binary digits behind the point of a price, maxPrice the largest one.
	priceShift = 8
	maxPrice   = 1 << 24
	// parts is the number of limits of working memory that are tried.
	parts = 16
)

// plan is what forms take that are the best ones at a price.
type plan struct {
	price, cost, bytes int64
	limit, beside      int // of working memory, and what is taken of it
}

// choose puts the options of every layer in the order in which they are tried, and returns the bytes of the first ones; where these exceed the
// limit, with the working memory.
func (c *chooser) choose() int64 {
	least := c.leastBeside()
	var best plan
	for part := range int64(parts + 1) {
		c.beside = max(least, int(min(c.most/parts*part, math.MaxInt32)))
		p := c.cheapest()
		fits, better := c.fits(p), c.fits(best)
		if part == 0 || fits && (!better || p.cost < best.cost) || !fits && !better && p.total() < best.total() {
			best = p
		}
	}
	c.beside = best.limit
	// Estimates are no better than an eighth: what misses the limit by less is tried.
	if c.lenient && best.total() > c.most+c.most/8 {
		best = c.bearable()
		return c.order(best) + int64(best.beside)
	}
	return c.order(best)
}

// leastBeside is the working memory that all layers can do with.
func (c *chooser) leastBeside() int {
	most := c.ops.beside
	for n, list := range c.options {
		least := math.MaxInt
		for _, o := range considered(list) {
			least = min(least, c.beyond(n, o))
		}
		if len(list) > 0 {
			most = max(most, least)
		}
	}
	return most
}

// considered are the options that are chosen from. The last one takes least memory; where the weights of others stay coded as
// well, it is tried only where nothing else fits.
func considered(list []kernel.Option) []kernel.Option {
	if n := len(list) - 1; slices.ContainsFunc(list[:max(n, 0)], kernel.Option.Coded) {
		return list[:n]
	}
	return list
}

// beyond is what layer n works on in the form o, more than tensors take.
func (c *chooser) beyond(n int, o kernel.Option) int {
	if c.rooms == nil {
		return o.Need
	}
	_, end := c.rooms[n].place(o.Need)
	return max(0, end-c.tensors)
}

// best is the best option of layer n at a price.
func (c *chooser) best(n int, price int64) kernel.Option {
	list := considered(c.options[n])
	best, least := list[len(list)-1], int64(math.MaxInt64)
	for _, o := range list {
		if total := cost(o)<<priceShift + price*int64(o.Bytes); total < least && c.beyond(n, o) <= c.beside {
			best, least = o, total
		}
	}
	return best
}

// cost is the time of an option, limited so that prices can be added.
func cost(o kernel.Option) int64 { return min(o.Cost, 1<<44) }

// at is the plan for a price.
func (c *chooser) at(price int64) plan {
	p := plan{price: price, limit: c.beside, beside: c.ops.beside}
	for n, list := range c.options {
		if len(list) > 0 {
			o := c.best(n, price)
			p.cost += cost(o)
			p.bytes += int64(o.Bytes)
			p.beside = max(p.beside, c.beyond(n, o))
		}
	}
	return p
}

// fits says that a plan keeps to the limit of bytes.
func (c *chooser) fits(p plan) bool { return p.total() <= c.most }

// total is all that a plan takes.
func (p plan) total() int64 { return p.bytes + int64(p.beside) }

// cheapest is the plan for the lowest price that keeps to the limit of bytes, or for the highest one.
func (c *chooser) cheapest() plan { return c.at(c.search(c.fits)) }

// search is the lowest price for which a plan does, if all that are higher do; at most maxPrice.
func (c *chooser) search(does func(plan) bool) int64 {
	low, high := int64(-1), int64(maxPrice)
	for high-low > 1 {
		if price := (low + high) >> 1; does(c.at(price)) {
			high = price
		} else {
			low = price
		}
	}
	return high
}

// bearable is the plan for the highest price at which forms take no more than half as long again as the fastest ones.
func (c *chooser) bearable() plan {
	c.beside = math.MaxInt
	fastest := c.at(0).cost
	return c.at(max(0, c.search(func(p plan) bool { return p.cost > fastest+fastest/2 })-1))
}

// order puts the options of every layer in the order in which they are tried: that of the plan, or a faster one within the bytes
// that it leaves, for those layers first that gain most; then those that keep less. It returns the bytes that are planned.
func (c *chooser) order(p plan) int64 {
	left := max(0, c.most-p.bytes-int64(p.beside))
	c.beside = p.limit
	chosen, faster := make([]kernel.Option, len(c.options)), make([]kernel.Option, len(c.options))
	var order []int
	for n, list := range c.options {
		if len(list) == 0 {
			continue
		}
		order = append(order, n)
		chosen[n] = c.best(n, p.price)
		faster[n] = chosen[n]
		for _, o := range considered(list) {
			if o.Cost < faster[n].Cost && int64(o.Bytes-chosen[n].Bytes) <= left && c.beyond(n, o) <= p.beside {
				faster[n] = o
			}
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(chosen[b].Cost-faster[b].Cost, chosen[a].Cost-faster[a].Cost) })
	planned := p.bytes
	for _, n := range order {
		first := chosen[n]
		if more := int64(faster[n].Bytes - chosen[n].Bytes); more <= left {
			first = faster[n]
			left, planned = left-more, planned+more
		}
		c.options[n] = tried(c.options[n], first)
	}
	return planned
}

// tried is first, then the options that keep no more, the one that keeps most first, and the last one in the end.
func tried(list []kernel.Option, first kernel.Option) []kernel.Option {
	last := len(list) - 1
	rest := slices.Clone(list[:last])
	slices.SortStableFunc(rest, func(a, b kernel.Option) int { return cmp.Compare(b.Bytes, a.Bytes) })
	order := []kernel.Option{first}
	for _, o := range rest {
		if o.Bytes <= first.Bytes && o != first {
			order = append(order, o)
		}
	}
	if first != list[last] {
		order = append(order, list[last])
	}
	return order
}
