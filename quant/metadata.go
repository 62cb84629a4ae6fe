package quant

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"qconv/onnx"
)

// The keys under which a model's metadata_props hold what ONNX has no place for. Values
// are JSON but for the hash, which is hexadecimal.
const (
	keyLevels     = "qconv.levels"
	keyCodebooks  = "qconv.codebooks"
	keyWeights    = "qconv.weights"
	keyBalance    = "qconv.balance"
	keyPreprocess = "qconv.preprocess"
	keyPixels     = "qconv.pixels"
	keyLabels     = "qconv.labels"
	keyExact      = "qconv.exact"
	keySource     = "qconv.source"
	keyProducer   = "qconv.producer"
)

// IsImported says whether a graph was made by [Model.Encode], and not by somebody else's
// exporter.
func IsImported(g *onnx.Graph) bool { return g.Meta[keySource] != "" }

// Encode returns the model as an ONNX file.
func (m *Model) Encode() ([]byte, error) {
	g := *m.Graph
	g.Meta = maps.Clone(m.Graph.Meta)
	if g.Meta == nil {
		g.Meta = map[string]string{}
	}
	for key, v := range map[string]any{
		keyLevels: m.Levels, keyCodebooks: m.Codebooks, keyWeights: m.Weights,
		keyPreprocess: m.Input, keyLabels: m.Labels,
	} {
		text, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("quant: %s: %w", key, err)
		}
		g.Meta[key] = string(text)
	}
	delete(g.Meta, keyExact) // of the file it was read from
	optional := map[string]any{}
	if m.Exact {
		optional[keyExact] = true
	}
	if m.Balance != nil {
		optional[keyBalance] = m.Balance
	}
	if m.Pixels != nil {
		optional[keyPixels] = m.Pixels
	}
	for key, v := range optional {
		text, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("quant: %s: %w", key, err)
		}
		g.Meta[key] = string(text)
	}
	g.Meta[keySource] = hex.EncodeToString(m.Source[:])
	g.Meta[keyProducer] = m.Producer
	return onnx.Encode(&g)
}

// Load reads a model from an ONNX file: one made by [Model.Encode] with all it carries,
// anyone else's simplified and without levels or codebooks.
func Load(path string) (*Model, error) {
	g, err := onnx.Read(path)
	if err != nil {
		return nil, err
	}
	return FromGraph(g)
}

// FromGraph makes a model of a graph as it was read from a file.
func FromGraph(g *onnx.Graph) (*Model, error) {
	pixels := PixelsOf(g)
	if _, err := onnx.Simplify(g); err != nil {
		return nil, err
	}
	if err := spellOut(g); err != nil {
		return nil, err
	}
	m, err := NewModel(g)
	if err != nil {
		return nil, err
	}
	if !IsImported(g) {
		m.Pixels = pixels
		return m, nil
	}
	if err := m.readMeta(); err != nil {
		return nil, &onnx.FormatError{Where: "metadata", Err: err}
	}
	return m, nil
}

// spellOut replaces operators that have no integer form themselves by what they are shorthand for,
// until nothing changes; ArgMax nodes read scores, see compareScores.
func spellOut(g *onnx.Graph) error {
	if compareScores(g) {
		if _, err := onnx.Simplify(g); err != nil {
			return err
		}
	}
	for {
		a := analyze(g)
		found, err := onnx.SpellOut(g, func(n *onnx.Node) bool { return a.plans[n].class == classRefused })
		if err != nil || !found {
			return err
		}
		if _, err := onnx.Simplify(g); err != nil {
			return err
		}
	}
}

// readMeta fills the model from its graph's metadata and checks it against the graph.
func (m *Model) readMeta() error {
	for key, v := range map[string]any{
		keyLevels: &m.Levels, keyCodebooks: &m.Codebooks, keyWeights: &m.Weights,
		keyBalance: &m.Balance, keyPreprocess: &m.Input, keyPixels: &m.Pixels, keyLabels: &m.Labels, keyExact: &m.Exact,
	} {
		if text := m.Graph.Meta[key]; text != "" {
			if err := json.NewDecoder(strings.NewReader(text)).Decode(v); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
	}
	source, err := hex.DecodeString(m.Graph.Meta[keySource])
	if err != nil || len(source) != len(m.Source) {
		return fmt.Errorf("%s: got %q, want a SHA-256 in hexadecimal", keySource, m.Graph.Meta[keySource])
	}
	copy(m.Source[:], source)
	m.Producer = m.Graph.Meta[keyProducer]
	return m.checkMeta()
}

// checkMeta says what in the metadata is out of range.
func (m *Model) checkMeta() error {
	for _, name := range slices.Sorted(maps.Keys(m.Levels)) {
		if err := m.Levels[name].check(); err != nil {
			return fmt.Errorf("%s: %q: %w", keyLevels, name, err)
		}
	}
	for i, centres := range m.Codebooks {
		if len(centres) < 1 || len(centres) > 65536 {
			return fmt.Errorf("%s: codebook %d has %d centres, want 1..65536", keyCodebooks, i, len(centres))
		}
		for k := 1; k < len(centres); k++ {
			if centres[k] <= centres[k-1] {
				return fmt.Errorf("%s: codebook %d does not ascend at centre %d", keyCodebooks, i, k)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Weights)) {
		w := m.Weights[name]
		if w.Codebook < 0 || w.Codebook >= len(m.Codebooks) || !(w.Unit > 0) {
			return fmt.Errorf("%s: %q refers to codebook %d of %d with unit %g", keyWeights, name, w.Codebook, len(m.Codebooks), w.Unit)
		}
		for ch, unit := range w.Units {
			if !(unit > 0) || math.IsInf(unit, 0) {
				return fmt.Errorf("%s: %q has unit %g in channel %d, want more than 0", keyWeights, name, unit, ch)
			}
		}
	}
	if err := m.checkBalance(); err != nil {
		return fmt.Errorf("%s: %w", keyBalance, err)
	}
	if err := m.Pixels.check(); err != nil {
		return fmt.Errorf("%s: %w", keyPixels, err)
	}
	if err := m.checkExact(); err != nil {
		return err
	}
	for _, in := range m.Graph.Inputs {
		if err := m.Input.Check(imageShape(in.Shape)[0]); err != nil {
			return err
		}
	}
	return nil
}

// checkExact wants of an exact model that levels stand where this package puts them, and nowhere else, and that all weights have a codebook.
func (m *Model) checkExact() error {
	if !m.Exact {
		return nil
	}
	sites := map[string]bool{}
	for _, s := range m.Sites {
		sites[s.Value.Name] = true
		if _, ok := m.Levels[s.Value.Name]; !ok {
			return fmt.Errorf("%s: the file has none for %q, where the program has levels; the trainer and qconv see the network differently, see docs/torch.md", keyLevels, s.Value.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Levels)) {
		if !sites[name] {
			return fmt.Errorf("%s: the file has some for %q, where the program has none; the trainer and qconv see the network differently, see docs/torch.md", keyLevels, name)
		}
	}
	for _, w := range m.WeightValues() {
		if _, ok := m.Weights[w.Name]; !ok {
			return fmt.Errorf("%s: the file has no codebook for %q", keyWeights, w.Name)
		}
	}
	return nil
}

// checkBalance wants one gain for every channel of a value of the graph.
func (m *Model) checkBalance() error {
	values := map[string]*onnx.Value{}
	for _, n := range m.Graph.Nodes {
		for _, v := range n.Outputs {
			values[v.Name] = v
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Balance)) {
		gains, v := m.Balance[name], values[name]
		switch {
		case v == nil || len(gains) == 0: // nobody asks for it
		case len(gains) != Channels(v):
			return fmt.Errorf("%q has %d gains, want %d, one for each channel", name, len(gains), Channels(v))
		case slices.Min(gains) < -maxGain || slices.Max(gains) > maxGain:
			return fmt.Errorf("%q has gains %d..%d, want %d..%d", name, slices.Min(gains), slices.Max(gains), -maxGain, maxGain)
		}
	}
	return nil
}

// check reports levels no calibration would make.
func (l Levels) check() error {
	switch {
	case l.Count < 2 || l.Count > 256:
		return fmt.Errorf("has %d levels, want 2..256", l.Count)
	case l.Stride != 1 && (l.Stride != 2 || l.Count != 2):
		return fmt.Errorf("has stride %d, want 1, or 2 for two levels", l.Stride)
	case !(l.Step > 0) || l.Step*256 > 1e300:
		return fmt.Errorf("has step %g, want a positive number", l.Step)
	case l.Zero < 0 || l.Zero >= l.Size():
		return fmt.Errorf("has zero at %d, want 0..%d", l.Zero, l.Size()-1)
	}
	return nil
}
