package runtime

// Part is what a share of a file's bytes is spent on.
type Part struct {
	Chunk string // id of the chunk; empty for the head of the file
	Holds string // in words: "weights" for example
	Bytes int    // length and checksum of the chunk included
}

// Parts lists the parts of a .qlut file in order; together they have len(data) bytes. It
// checks the frame of the file, as [Decode] does, but not what the chunks hold.
func Parts(data []byte) ([]Part, error) {
	frames, err := readFrames(data)
	if err != nil {
		return nil, err
	}
	parts := []Part{{Holds: "magic and version", Bytes: headSize}}
	for _, f := range frames {
		p := Part{Chunk: f.id, Holds: "not known", Bytes: f.end + frameAfter - f.at}
		if f.id == endID {
			p.Holds = "end of the file"
		}
		for _, c := range chunks {
			if c.id == f.id {
				p.Holds = c.holds
			}
		}
		parts = append(parts, p)
	}
	return parts, nil
}
