package c

// rates are how many instructions a machine takes for what kernels do.
type rates struct {
	add4, add1       float64 // a row of four words, or of one
	addNibbles       float64 // a row of two words of half bytes
	list4, list1     float64 // a list, and its last spread
	spread4, spread1 float64 // lanes of four words or one, every so many rows
	pass             float64 // what comes around the lists of a channel, for each word
	level            float64 // an accumulator becomes a level
	fill, fillRow    float64 // a level of a tile, and a row
	expand           float64 // a weight from its code to the lists
	sort             float64 // an input of a fully connected layer to the lists, for each digit
	lookup           float64 // a product
	move             float64 // an element of another instruction, or of a window of a pooling
}

// rateOf are the rates by machine.
func rateOf(t Target) rates {
	switch t {
	case RV32I:
		return rates{10, 4, 15, 18, 14, 18, 6, 14, 20, 5, 20, 60, 30, 25, 14}
	case RV32E:
		return rates{14, 5, 19, 20, 16, 26, 7, 18, 22, 5, 25, 70, 35, 30, 16}
	}
	return rates{12, 5, 18, 24, 18, 32, 8, 20, 22, 5, 25, 70, 35, 30, 16}
}
