package dataset_test

import (
	"fmt"
	"log"

	"qconv/finetune/dataset"
)

// A set has samples of one shape, whatever files they come from.
func ExampleOpen() {
	digits, err := dataset.Open("../../testdata/digits#test", dataset.Options{Channels: 1})
	if err != nil {
		log.Fatal(err)
	}
	defer digits.Close()
	pixels := make([]byte, digits.Elems())
	if err := digits.Pixels(0, pixels); err != nil {
		log.Fatal(err)
	}
	fmt.Println(digits.Len(), "pictures", digits.Shape, "of", len(digits.Classes), "classes")
	// Output: 1000 pictures [1 28 28] of 10 classes
}
