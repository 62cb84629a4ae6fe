package differential

import (
	"fmt"
	"slices"
)

// tally counts layers, or networks, by engine and class.
type tally struct {
	title    string
	names    names                     // of all classes
	engines  map[string]int            // by name
	classes  map[string]map[string]int // by class and engine
	complete []string                  // engines that must meet every class
	all      []string                  // engines that must occur
}

// layerTally counts layers; look-ups and grouped addition serve every geometry.
func layerTally() *tally {
	t := newTally("layers", layerClasses())
	for _, e := range engines() {
		t.all = append(t.all, e.String())
		if e.name == "lookup" || e.name == "grouped" {
			t.complete = append(t.complete, e.String())
		}
	}
	return t
}

// networkTally counts networks.
func networkTally() *tally {
	t := newTally("networks", instructionClasses())
	for _, w := range ways() {
		t.complete = append(t.complete, w.name)
	}
	return t
}

func newTally(title string, n names) *tally {
	return &tally{title: title, names: n, engines: map[string]int{}, classes: map[string]map[string]int{}}
}

// count notes that engine computed something of the given classes.
func (t *tally) count(engine string, classes classSet) {
	t.engines[engine]++
	for c := range classes {
		if t.classes[c] == nil {
			t.classes[c] = map[string]int{}
		}
		t.classes[c][engine]++
	}
}

// holes lists what never occurred.
func (t *tally) holes() []string {
	var list []string
	for _, e := range t.all {
		if t.engines[e] == 0 {
			list = append(list, e)
		}
	}
	for _, c := range t.names {
		for _, e := range t.complete {
			if t.classes[c][e] == 0 {
				list = append(list, c+" in "+e)
			}
		}
	}
	for c := range t.classes {
		if !slices.Contains(t.names, c) {
			list = append(list, c+", which is not in the list of classes")
		}
	}
	return list
}

// table shows what each engine computed, by class.
func (t *tally) table() string {
	var engines []string
	for name := range t.engines {
		engines = append(engines, name)
	}
	slices.Sort(engines)
	s := t.title + " by engine and class\n"
	for i, name := range engines {
		s += fmt.Sprintf("%4c = %s: %d\n", 'A'+i, name, t.engines[name])
	}
	s += fmt.Sprintf("%-36s", "")
	for i := range engines {
		s += fmt.Sprintf("%7c", 'A'+i)
	}
	for _, c := range t.names {
		s += fmt.Sprintf("\n%-36s", c)
		for _, name := range engines {
			s += fmt.Sprintf("%7d", t.classes[c][name])
		}
	}
	return s + "\n\n"
}
