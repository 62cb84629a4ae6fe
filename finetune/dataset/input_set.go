package dataset

import (
	"fmt"
	"slices"
)

// setInput reads all samples of a data set, a folder, zip or table, without what it says of them.
func (p *opener) setInput(want []int) (*Input, error) {
	q := *p
	q.o.NoLabels, q.o.Shape = true, want
	if c, h, w, ok := asPicture(want); ok {
		q.o.Channels, q.o.Height, q.o.Width, q.o.Refit = c, h, w, true
	}
	set, err := q.open()
	if err != nil {
		return nil, err
	}
	defer set.Close()
	size := set.Elems()
	if want != nil && size != elems(want) {
		return nil, p.fail("", "samples have shape %v, want %v", set.Shape, want)
	}
	in := &Input{Kind: set.Kind, Shape: slices.Clone(set.Shape), Count: set.Len()}
	if want != nil {
		in.Shape = slices.Clone(want)
	}
	bytes := int64(size)
	if set.Kind == Floats {
		bytes *= 4
	}
	fileBytes := p.size
	if p.dir {
		fileBytes = defaultMaxMemory // a folder's files are not of one stranger
	}
	if need, allowed := int64(in.Count)*bytes, p.o.Allowance(fileBytes); need > allowed {
		return nil, p.fail("", "%w", tooLarge(fmt.Sprintf("the data of all %d samples together", in.Count), need, allowed))
	}
	if set.Kind == Pixels {
		in.Pixels = make([]byte, in.Count*size)
	} else {
		in.Floats = make([]float32, in.Count*size)
	}
	for i := range in.Count {
		in.names = append(in.names, set.Name(i))
		if set.Kind == Pixels {
			err = set.Pixels(i, in.Pixels[i*size:][:size])
		} else {
			err = set.Floats(i, in.Floats[i*size:][:size])
		}
		if err != nil {
			return nil, err
		}
	}
	return in, nil
}
