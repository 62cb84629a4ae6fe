package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/gob"
	"reflect"
	"strings"
	"testing"

	"qconv/finetune"
	"qconv/quant"
)

// smallCheckpoint has something in every field.
func smallCheckpoint() *checkpointFile {
	network := finetune.Snapshot{
		Values:    map[string][]float32{"w": {1, -2, 0.5}, "b": {0}},
		LogSteps:  map[string][]float32{"x": {-3}},
		Codebooks: []quant.Fitted{{Centres: []float64{-1, 1}, Ints: []int32{-4, 4}, Unit: 0.25, Threshold: 0.1}},
		Scales:    [][]float64{{2}},
	}
	f := &checkpointFile{
		Key: runKey{Model: "aa", Teacher: "bb", Config: "cc", Samples: 7, Flags: map[string]string{"rate": "0.1", "seed": "1"}},
		State: finetune.State{
			Step: 2, Snapshot: network, Rates: map[string]float64{"w": 1e-3},
			Losses: []float64{3, 2}, Accuracies: []float64{0.5, 0.75}, Strikes: 1,
			Validations: []finetune.Validation{{Step: 2, Metrics: finetune.Metrics{Samples: 5, Accuracy: 0.5, HasMSE: true}}},
			Best:        &network,
		},
	}
	solver := &f.State.Solver
	solver.Rate, solver.Decays, solver.Eps, solver.Steps, solver.Mean, solver.Square = 1e-3, [2]float64{0.9, 0.99}, 1e-8, 2, [][]float32{{1}}, [][]float32{{2}}
	return f
}

func encoded(t testing.TB, f *checkpointFile) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := f.encode(&file); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func decoded(data []byte) (*checkpointFile, error) {
	f := &checkpointFile{}
	return f, f.decode(bytes.NewReader(data), int64(len(data)))
}

// mended is data with the length and the checksum that it should have.
func mended(data []byte) []byte {
	if int64(len(data)) < checkpointFrame {
		return data
	}
	data = bytes.Clone(data)
	body := data[:len(data)-sha256.Size]
	binary.LittleEndian.PutUint64(body[len(checkpointMagic)+sha256.Size:], uint64(int64(len(data))-checkpointFrame))
	sum := sha256.Sum256(body)
	copy(data[len(body):], sum[:])
	return data
}

// TestCheckpointDamage flips every bit of a checkpoint, cuts it off everywhere and adds to it.
func TestCheckpointDamage(t *testing.T) {
	want := smallCheckpoint()
	file := encoded(t, want)
	got, err := decoded(file)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("read back: %v, got %+v, want %+v", err, got, want)
	}
	if !bytes.Equal(file, encoded(t, got)) {
		t.Error("the same state gives other bytes")
	}
	refused := func(what string, at int, data []byte) {
		t.Helper()
		if _, err := decoded(data); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s %d: got error %v, want one line", what, at, err)
		}
	}
	for bit := range 8 * len(file) {
		file[bit/8] ^= 1 << (bit % 8)
		refused("flipped bit", bit, file)
		file[bit/8] ^= 1 << (bit % 8)
	}
	for n := range file {
		refused("cut to", n, file[:n])
	}
	refused("a byte more", 0, append(bytes.Clone(file), 0))
	refused("a byte more, mended", 0, mended(append(bytes.Clone(file), 0)))
	var old bytes.Buffer
	if err := gob.NewEncoder(&old).Encode(want); err != nil {
		t.Fatal(err)
	}
	refused("a checkpoint of the Go encoding", 0, old.Bytes())
}

// FuzzCheckpoint reads any bytes, as they are and with the header, length and checksum mended. What is
// accepted is written as the same bytes.
func FuzzCheckpoint(f *testing.F) {
	file := encoded(f, smallCheckpoint())
	head := file[:len(checkpointMagic)+sha256.Size+8]
	f.Add(file)
	f.Add(encoded(f, &checkpointFile{}))
	f.Add(file[len(head) : len(file)-sha256.Size])
	f.Fuzz(func(t *testing.T, data []byte) {
		payload := append(bytes.Clone(head), data...)
		for _, d := range [][]byte{data, mended(data), mended(append(payload, make([]byte, sha256.Size)...))} {
			if got, err := decoded(d); err == nil && !bytes.Equal(encoded(t, got), d) {
				t.Errorf("%x is read and written as %x", d, encoded(t, got))
			}
		}
	})
}
