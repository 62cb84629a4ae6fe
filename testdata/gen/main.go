// Command gen draws the bundled digits: distorted digits 0 to 9 in the Go fonts, with
// clutter and noise, written as gzip'd IDX files under the names MNIST uses. The same
// seed always draws the same pixels.
//
// From the root of the module:
//
//	go run ./testdata/gen
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// The bundled set: what testdata/digits was drawn with.
const (
	bundledSeed  = 1
	bundledTrain = 4000
	bundledTest  = 1000
)

func main() {
	dir := flag.String("o", filepath.Join("testdata", "digits"), "folder to write the four files to")
	seed := flag.Uint64("seed", bundledSeed, "seed of all random choices")
	train := flag.Int("train", bundledTrain, "number of training images")
	test := flag.Int("test", bundledTest, "number of test images")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "gen: unknown argument %q\n", flag.Arg(0))
		os.Exit(2)
	}
	if *train < 1 || *test < 1 {
		fmt.Fprintf(os.Stderr, "gen: got %d training and %d test images, want at least 1 of each\n", *train, *test)
		os.Exit(2)
	}
	if err := run(*dir, *seed, *train, *test); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run writes the four files of a set to dir and reports each size on stdout.
func run(dir string, seed uint64, train, test int) error {
	fonts, err := loadFonts()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("gen: %w", err)
	}
	parts := []struct {
		prefix string
		stream uint64
		count  int
	}{
		{"train", trainStream, train},
		{"t10k", testStream, test},
	}
	for _, p := range parts {
		images, labels := drawSet(fonts, seed, p.stream, p.count)
		files := []struct {
			name string
			dims []int
			data []byte
		}{
			{p.prefix + "-images-idx3-ubyte.gz", []int{p.count, side, side}, images},
			{p.prefix + "-labels-idx1-ubyte.gz", []int{p.count}, labels},
		}
		for _, f := range files {
			path := filepath.Join(dir, f.name)
			data, err := encodeIDX(f.dims, f.data)
			if err != nil {
				return fmt.Errorf("gen: %s: %w", path, err)
			}
			if err := os.WriteFile(path, data, 0o666); err != nil {
				return fmt.Errorf("gen: %w", err)
			}
			fmt.Printf("%s: %d bytes\n", path, len(data))
		}
	}
	return nil
}
