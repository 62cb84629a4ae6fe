// Package ortfuzz compares qconv with ONNX Runtime on networks that it draws: every family of operators, every opset
// from 7 on in that opset's own form, any attributes, sizes, ranks and ways to write the same.
package ortfuzz

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"qconv/internal/testtool"
	"qconv/onnx"
)

var (
	graphs = flag.Int("graphs", 300, "how many networks to draw")
	seed   = flag.Uint64("seed", 1, "of the first network; the others follow")
	show   = flag.Bool("show", false, "print every network")
	keep   = flag.String("keep", "", "folder that failing files are written to")
)

// TestONNXRuntime draws networks and compares what ONNX Runtime and qconv make of them. In the long form,
//
//	go test ./finetune/ortfuzz -run ONNXRuntime -graphs 5000 -v -timeout 2h
//
// it says how many there were of each kind. A network that ONNX Runtime rejects or qconv refuses is counted.
func TestONNXRuntime(t *testing.T) {
	r := testtool.NewORT(t)
	tally, first := map[string]int{}, map[string]uint64{}
	count := func(seed uint64, what string) {
		if tally[what] == 0 {
			first[what] = seed
		}
		tally[what]++
	}
	found := 0
	for s := *seed; s < *seed+uint64(*graphs) && found < 40; s++ {
		rng := rand.New(rand.NewPCG(s, 0))
		n := draw(rng, false)
		feed := n.feed(rng)
		v := judge(r, n, feed)
		if *show {
			t.Logf("seed %d: %v%v%v\n%v", s, v.rejected, v.refused, v.found, n)
		}
		switch {
		case v.rejected != "":
			count(s, "rejected by ONNX Runtime: "+summary(v.rejected))
		case v.refused != nil:
			for _, why := range reasons(v.refused) {
				count(s, "refused: "+why)
			}
			count(s, "refused in all")
		case v.found != nil:
			found++
			small, why := shrink(r, n, feed, v.found)
			t.Errorf("seed %d: %v\nsmallest: %v\n%s%s", s, v.found, why, small, store(t, s, small))
		default:
			count(s, "same")
		}
	}
	for _, what := range slices.Sorted(maps.Keys(tally)) {
		t.Logf("%6d %s (such as seed %d)", tally[what], what, first[what])
	}
}

// store writes a failing file where that is asked for.
func store(t *testing.T, seed uint64, n *network) string {
	if *keep == "" {
		return ""
	}
	path := filepath.Join(*keep, fmt.Sprint(seed, ".onnx"))
	if err := os.WriteFile(path, n.encode(), 0o644); err != nil {
		t.Error(err)
	}
	return "written: " + path
}

var numbers = regexp.MustCompile(`[A-Za-z_]*\d[\d.e+-]*|"[^"]*"|\[[^\]]*\]`)

// summary is a text without the names and numbers of one case.
func summary(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	text = numbers.ReplaceAllString(text, "#")
	if len(text) > 160 {
		text = text[:160]
	}
	return text
}

// reasons are those of a refusal.
func reasons(err error) []string {
	var u *onnx.UnsupportedError
	if !errors.As(err, &u) {
		return []string{"as malformed: " + summary(err.Error())}
	}
	seen := map[string]bool{}
	for _, n := range u.Nodes {
		seen[n.Op+": "+summary(n.Reason)] = true
	}
	return slices.Collect(maps.Keys(seen))
}
