package quant_test

import (
	"fmt"
	"log"

	"qconv/quant"
)

// Activations take evenly spaced values, the levels.
func ExampleLevels() {
	levels, err := quant.NewLevels(4, -0.5, 1)
	if err != nil {
		log.Fatal(err)
	}
	for i := range levels.Count {
		fmt.Println("level", i, "stands for", levels.Value(i))
	}
	fmt.Println("0.6 becomes", levels.Round(0.6))
	// Output:
	// level 0 stands for -0.5
	// level 1 stands for 0
	// level 2 stands for 0.5
	// level 3 stands for 1
	// 0.6 becomes 0.5
}
