package finetune

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestEachBatch(t *testing.T) {
	data := make(numbered, 80)
	for i := range data {
		data[i] = i % 7
	}
	indices := []int{5, 1, 8, 70, 2, 3, 3}
	var got []int
	var labels []int
	var sizes []int
	err := eachBatch(context.Background(), data, inOrder(indices, 3), func(k int, b *batch) error {
		if k != len(sizes) || len(b.inputs[0]) != 2*len(b.indices) {
			t.Errorf("batch %d has number %d and %d values", len(sizes), k, len(b.inputs[0]))
		}
		sizes = append(sizes, len(b.indices))
		labels = append(labels, b.labels...)
		for i := 0; i < len(b.inputs[0]); i += 2 {
			got = append(got, int(b.inputs[0][i]))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, indices) || !slices.Equal(sizes, []int{3, 3, 1}) || !slices.Equal(labels, []int{5, 1, 1, 0, 2, 3, 3}) {
		t.Errorf("got samples %v in batches of %v with labels %v", got, sizes, labels)
	}
}

func TestEachBatchStops(t *testing.T) {
	data := make(numbered, 100)
	all := evenly(100, 0)
	if err := eachBatch(context.Background(), data, inOrder(all, 10), func(int, *batch) error { return nil }); err == nil || !strings.Contains(err.Error(), "sample 91: no such picture") {
		t.Errorf("got error %v, want one that names sample 91", err)
	}
	stop := errors.New("enough")
	if err := eachBatch(context.Background(), data, inOrder(all, 10), func(k int, _ *batch) error {
		if k == 3 {
			return stop
		}
		return nil
	}); !errors.Is(err, stop) {
		t.Errorf("got error %v, want that of the caller", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	calls := 0
	if err := eachBatch(ctx, data, inOrder(all, 10), func(k int, _ *batch) error {
		calls++
		if k == 2 {
			cancel()
		}
		return nil
	}); !errors.Is(err, context.Canceled) || calls != 3 {
		t.Errorf("got error %v after %d batches, want the context's after 3", err, calls)
	}
}

func TestEvenly(t *testing.T) {
	for _, c := range []struct {
		n, limit int
		want     []int
	}{{4, 0, []int{0, 1, 2, 3}}, {4, 9, []int{0, 1, 2, 3}}, {10, 4, []int{0, 2, 5, 7}}} {
		if got := evenly(c.n, c.limit); !slices.Equal(got, c.want) {
			t.Errorf("%d of %d: got %v, want %v", c.limit, c.n, got, c.want)
		}
	}
}
