module qconv

go 1.26
