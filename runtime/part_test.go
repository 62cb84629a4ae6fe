package runtime

import "testing"

func TestParts(t *testing.T) {
	data := join(append([]chunkText{{"note", "anything"}}, split(t, mustEncode(t, allProgram()))...))
	parts, err := Parts(data)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	holds := map[string]string{}
	for _, p := range parts {
		sum += p.Bytes
		holds[p.Chunk] = p.Holds
	}
	if sum != len(data) {
		t.Errorf("the parts have %d bytes, want %d", sum, len(data))
	}
	for id, want := range map[string]string{"": "magic and version", "note": "not known", "WGTS": "weights", "test": "self-tests", "DONE": "end of the file"} {
		if holds[id] != want {
			t.Errorf("chunk %q holds %q, want %q", id, holds[id], want)
		}
	}
	if _, err := Parts(data[:len(data)-1]); err == nil {
		t.Error("a file cut short: no error")
	}
}
