package dataset

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Port is an input of a network, and how its samples are wanted.
type Port struct {
	Name    string
	Options Options
}

// OpenInputs opens samples for a network with several inputs. A sample has a part for each of them:
//
//	F.npz             an array for every input, of its name, and, if there, class indices (or one-hot rows) y
//	folder            such files, in alphabetical order
//
// An input whose options say Zero is all zeros in files without an array for it, as the state of a network that
// starts is; where that holds for all but one, spec may be anything that [Open] takes.
//
// The set is that of the first input, and its Further are those of the others. What concerns the samples as a whole
// (Limit, Seed, SkipBad, NoLabels) is taken from the options of the first. Close the set when done.
func OpenInputs(spec string, ports []Port) (*Set, error) {
	first, err := newOpener(spec, ports[0].Options)
	if err != nil {
		return nil, err
	}
	if given := onlyGiven(ports); given >= 0 {
		if whole, err := first.openBesideZeros(ports, given); whole != nil || err != nil {
			return whole, err
		}
	}
	paths := []string{first.path}
	if first.dir {
		if paths, err = first.npzFiles(); err != nil {
			return nil, err
		}
	}
	perPort := make([][]*Set, len(ports))
	for _, path := range paths {
		sets, err := openParts(path, spec, ports)
		if err != nil {
			return nil, err
		}
		for k, s := range sets {
			perPort[k] = append(perPort[k], s)
		}
	}
	joint := make([]*Set, len(ports))
	for k, sets := range perPort {
		joint[k] = join(sets)
	}
	whole := together(joint, 0)
	if whole.Len() == 0 {
		return nil, first.fail("", "no samples left, all %d are broken; first: %s", len(whole.Skipped), whole.Skipped[0])
	}
	return first.limitFlat(whole), nil
}

// onlyGiven is the position of the only port that is not zero without data, or -1.
func onlyGiven(ports []Port) int {
	given := -1
	for k, port := range ports {
		switch {
		case port.Options.Zero:
		case given >= 0:
			return -1
		default:
			given = k
		}
	}
	return given
}

// openBesideZeros opens data for one port, and makes the others zeros. The set is nil where the data are .npz files, which may hold arrays for the others.
func (p *opener) openBesideZeros(ports []Port, given int) (*Set, error) {
	format, err := p.format()
	if err != nil {
		return nil, err
	}
	switch {
	case format == formatNPZ:
		f, err := p.openNPZFile()
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if f.arrays[ports[given].Name] != nil {
			return nil, nil
		}
	case p.dir:
		if paths, err := p.npzFiles(); err == nil && len(paths) > 0 {
			return nil, nil
		}
	}
	o, first := ports[given].Options, ports[0].Options
	o.Limit, o.Seed, o.SkipBad, o.NoLabels = first.Limit, first.Seed, first.SkipBad, first.NoLabels
	set, err := Open(p.spec, o)
	if err != nil {
		return nil, err
	}
	sets := make([]*Set, len(ports))
	for k, port := range ports {
		sets[k] = zeroSet(p.spec, port, set.Len())
	}
	sets[given] = set
	return together(sets, given), nil
}

// together makes the sets of all ports one; that at position about says what is known of the samples.
func together(sets []*Set, about int) *Set {
	whole := sets[0]
	if about > 0 {
		truthOf(sets[about]).setOn(whole)
		whole.Skipped = sets[about].Skipped
		truth{}.setOn(sets[about])
	}
	whole.Further = sets[1:]
	return whole
}

// zeroSet is a set of n samples of zeros.
func zeroSet(spec string, port Port, n int) *Set {
	return &Set{Spec: spec, Shape: slices.Clone(port.Options.Shape), Kind: Floats, store: zeroStore(port.Name), index: identity(n)}
}

// Zero says that the samples of s are all zeros because the data have nothing for the input.
func (s *Set) Zero() bool {
	_, zero := s.store.(zeroStore)
	return zero
}

// zeroStore is a store of samples of zeros, with the name of the input.
type zeroStore string

func (z zeroStore) lazy() bool                        { return false }
func (z zeroStore) name(i int) string                 { return fmt.Sprintf("%s[%d]", name(string(z)), i) }
func (z zeroStore) Close() error                      { return nil }
func (z zeroStore) floats(_ int, dst []float32) error { clear(dst); return nil }
func (z zeroStore) pixels(_ int, dst []byte) error    { clear(dst); return nil }

// npzFiles lists the .npz files in a folder.
func (p *opener) npzFiles() ([]string, error) {
	entries, err := fs.ReadDir(p.files, p.path)
	if err != nil {
		return nil, p.fail("", "%w", err)
	}
	var paths []string
	for _, e := range entries {
		if !ignored(e.Name()) && !e.IsDir() && strings.HasSuffix(strings.ToLower(e.Name()), ".npz") {
			paths = append(paths, strings.TrimSuffix(p.path, "/")+"/"+e.Name())
		}
	}
	if len(paths) == 0 {
		return nil, p.fail("", "holds no .npz file, want some with an array for every input of the network")
	}
	return paths, nil
}

// openParts opens the samples of all ports in one file: as many for each, without those that are broken for any.
func openParts(path, spec string, ports []Port) ([]*Set, error) {
	sets := make([]*Set, len(ports))
	var names []string
	for _, port := range ports {
		names = append(names, port.Name)
	}
	about := 0 // the first port that is not zero without data: what is known of the samples is read with it
	for about < len(ports)-1 && ports[about].Options.Zero {
		about++
	}
	order := append([]int{about}, slices.DeleteFunc(identityInts(len(ports)), func(k int) bool { return k == about })...)
	for _, k := range order {
		port, o := ports[k], ports[k].Options
		o.Limit, o.SkipBad, o.NoLabels = 0, ports[0].Options.SkipBad, k != about || ports[0].Options.NoLabels
		p, err := newOpener(path, o)
		if err != nil {
			return nil, err
		}
		format, err := p.format()
		if err != nil {
			return nil, err
		}
		if format != formatNPZ {
			return nil, p.fail("", "want an .npz file with the arrays %s, or a folder of such, one array for each input of the network", list(names))
		}
		if sets[k], err = p.openPort(port.Name, names); err != nil {
			return nil, err
		}
		if sets[k] == nil {
			sets[k] = zeroSet(spec, port, sets[about].stored())
		}
		sets[k].Spec = spec
		if a, b := sets[k].stored(), sets[about].stored(); a != b {
			return nil, p.fail("", "array %s holds %d samples, want %d as in %s", name(port.Name), a, b, name(names[about]))
		}
	}
	whole := together(sets, about)
	whole.Further = nil
	return commonSamples(sets), nil
}

// openPort opens the array of an input; names are those of all. It is nil where there is none and zeros will do.
func (p *opener) openPort(input string, names []string) (*Set, error) {
	f, err := p.openNPZFile()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if f.arrays[input] == nil && p.o.Zero {
		return nil, nil
	}
	if f.arrays[input] == nil {
		return nil, p.fail("", "no array %s, want one for each of the inputs %s, there are: %s; --state %s makes a state zeros", name(input), list(names), list(f.keys), name(input))
	}
	labels := "y"
	if slices.Contains(names, labels) {
		labels = "" // it is an input
	}
	return p.npzSamples(f, input, labels)
}

// stored is how many samples the file had, the broken ones too.
func (s *Set) stored() int { return len(s.index) + len(s.Skipped) }

// commonSamples leaves the samples that no set lacks, and lists what is left out with the first.
func commonSamples(sets []*Set) []*Set {
	for k, s := range sets {
		if k == 0 {
			continue
		}
		for _, line := range s.Skipped {
			if !slices.Contains(sets[0].Skipped, line) {
				sets[0].Skipped = append(sets[0].Skipped, line)
			}
		}
	}
	if len(sets[0].Skipped) == 0 {
		return sets
	}
	times := map[int32]int{}
	for _, s := range sets {
		for _, at := range s.index {
			times[at]++
		}
	}
	for k, s := range sets {
		var keep []int
		for i, at := range s.index {
			if times[at] == len(sets) {
				keep = append(keep, i)
			}
		}
		skipped := s.Skipped
		sets[k] = s.Subset(keep)
		sets[k].Skipped = skipped
	}
	return sets
}

// join puts the samples of several files one after the other. Where some are pixels and some are not, they are
// values.
func join(sets []*Set) *Set {
	if len(sets) == 1 {
		return sets[0]
	}
	out := *sets[0]
	st := &joined{}
	out.store, out.index, out.Labels, out.Targets, out.StepLabels, out.Skipped = st, nil, nil, nil, nil, nil
	labelled, aimed, stepwise := true, true, true
	for _, s := range sets {
		st.starts = append(st.starts, len(out.index))
		st.sets = append(st.sets, s)
		for range s.Len() {
			out.index = append(out.index, int32(len(out.index)))
		}
		out.Skipped = append(out.Skipped, s.Skipped...)
		if s.Kind != out.Kind {
			out.Kind = Floats
		}
		if len(s.Classes) > len(out.Classes) {
			out.Classes = s.Classes
		}
		labelled = labelled && s.Labels != nil
		aimed = aimed && s.Targets != nil
		stepwise = stepwise && s.StepLabels != nil
		out.Labels, out.Targets = append(out.Labels, s.Labels...), append(out.Targets, s.Targets...)
		out.StepLabels = append(out.StepLabels, s.StepLabels...)
	}
	if !stepwise {
		out.StepLabels = nil
	}
	if !aimed {
		out.Targets = nil
	}
	if !labelled {
		out.Labels = nil
	}
	if !labelled && !stepwise {
		out.Classes = nil
	}
	return &out
}

// joined is a store of sets, one after the other.
type joined struct {
	sets   []*Set
	starts []int // ascending, the first is 0
}

// at finds sample i.
func (j *joined) at(i int) (*Set, int) {
	k, exact := slices.BinarySearch(j.starts, i)
	if !exact {
		k--
	}
	for k+1 < len(j.starts) && j.starts[k+1] == i {
		k++ // sets without samples
	}
	return j.sets[k], i - j.starts[k]
}

func (j *joined) pixels(i int, dst []byte) error {
	s, i := j.at(i)
	return s.store.pixels(int(s.index[i]), dst)
}

func (j *joined) floats(i int, dst []float32) error {
	s, i := j.at(i)
	return s.store.floats(int(s.index[i]), dst)
}

func (j *joined) name(i int) string {
	s, i := j.at(i)
	return s.Name(i)
}

func (j *joined) lazy() bool {
	return slices.ContainsFunc(j.sets, func(s *Set) bool { return s.store.lazy() })
}

func (j *joined) Close() error {
	for _, s := range j.sets {
		if err := s.Close(); err != nil {
			return err
		}
	}
	return nil
}
