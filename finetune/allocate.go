package finetune

import "math"

// Price is what one way to store a part of a network costs.
type Price struct {
	Loss  float64 // of the network, by this alone
	Bytes int     // it takes
}

// Allocate picks one way for each part of a network, so that the losses, which are taken to add up, are least together while the bytes are at most
// limit. At a price for a byte every part is best served by the way whose loss and bytes cost least together; the lowest price counts at which all
// bytes are few enough. What room that leaves goes to the parts where a byte saves most. Picks are positions in ways. Where not even the smallest ways fit, these are picked, and the
// second result is false.
func Allocate(ways [][]Price, limit int) (picks []int, fits bool) {
	at := func(price float64) ([]int, int) {
		out, bytes := make([]int, len(ways)), 0
		for i, list := range ways {
			best := math.Inf(1)
			for k, w := range list {
				total := w.Loss + price*float64(w.Bytes)
				if total < best || total == best && w.Bytes < list[out[i]].Bytes {
					best, out[i] = total, k
				}
			}
			bytes += list[out[i]].Bytes
		}
		return out, bytes
	}
	smallest := make([]int, len(ways))
	least := 0
	for i, list := range ways {
		for k, w := range list {
			if w.Bytes < list[smallest[i]].Bytes || w.Bytes == list[smallest[i]].Bytes && w.Loss < list[smallest[i]].Loss {
				smallest[i] = k
			}
		}
		least += list[smallest[i]].Bytes
	}
	if least > limit {
		return smallest, false
	}
	picks, bytes := at(0)
	if bytes > limit {
		picks, bytes = smallest, least
		low, high := -60.0, 60.0 // binary logarithms of prices
		for range 80 {
			middle := (low + high) / 2
			if p, n := at(math.Exp2(middle)); n <= limit {
				picks, bytes, high = p, n, middle
			} else {
				low = middle
			}
		}
	}
	fill(ways, picks, limit-bytes)
	return picks, true
}

// fill spends the bytes that are left, each time where one saves most.
func fill(ways [][]Price, picks []int, room int) {
	for {
		part, way, most := -1, 0, 0.0
		for i, list := range ways {
			now := list[picks[i]]
			for k, w := range list {
				more := w.Bytes - now.Bytes
				if saved := now.Loss - w.Loss; saved > 0 && more <= room && (part < 0 || saved > most*float64(max(more, 1))) {
					part, way, most = i, k, saved/float64(max(more, 1))
				}
			}
		}
		if part < 0 {
			return
		}
		room -= ways[part][way].Bytes - ways[part][picks[part]].Bytes
		picks[part] = way
	}
}
