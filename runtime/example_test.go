package runtime_test

import (
	"fmt"
	"log"

	"qconv/runtime"
)

// A program is loaded once; a Runner then answers without allocating.
func ExampleRunner() {
	program, err := runtime.Open("testdata/digits.qlut")
	if err != nil {
		log.Fatal(err)
	}
	runner, err := runtime.NewRunner(program, runtime.Options{})
	if err != nil {
		log.Fatal(err)
	}
	outputs, err := runner.Run(drawnOne()) // the bytes of a picture, 28 rows of 28
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("this is a", program.Top(outputs[0], 1)[0].Label)
	// Output: this is a 1
}

// A Batch runs several samples at a time and delivers the results in order.
func ExampleBatch() {
	program, err := runtime.Open("testdata/digits.qlut")
	if err != nil {
		log.Fatal(err)
	}
	batch, err := runtime.NewBatch(program, runtime.Options{Workers: 2, LowMemory: true})
	if err != nil {
		log.Fatal(err)
	}
	defer batch.Close()
	samples := [][]byte{drawnOne(), make([]byte, 28*28)}
	scores := make([]int32, len(samples)) // of the class "1"
	err = batch.Run(samples, func(i int, outputs [][]int32) error {
		scores[i] = outputs[0][1]
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the first is more like a 1:", scores[0] > scores[1])
	// Output: the first is more like a 1: true
}

// drawnOne is a white upright stroke on black.
func drawnOne() []byte {
	pixels := make([]byte, 28*28)
	for y := 5; y < 23; y++ {
		for x := 13; x < 16; x++ {
			pixels[28*y+x] = 255
		}
	}
	return pixels
}
