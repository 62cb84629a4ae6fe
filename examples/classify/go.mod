module classify

go 1.26.0

require qconv v0.0.0

replace qconv => ../..
