// Lets pin.go declare functions that have their bodies elsewhere.
