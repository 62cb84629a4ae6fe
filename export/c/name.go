package c

import (
	"fmt"
	"strings"
)

// maxName is the longest name: the names that are made of it stay shorter than the 63 characters that C99 tells apart.
const maxName = 40

// keywords are the words of C and C++ that are no names, and q, with which the names inside the sources start.
const keywords = " alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl const constexpr continue decltype default delete do " +
	"double else enum explicit export extern false float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq " +
	"private protected public q register reinterpret_cast restrict return short signed sizeof static static_assert static_cast struct switch template this thread_local " +
	"throw true try typedef typeid typename typeof union unsigned using virtual void volatile wchar_t while xor xor_eq "

// CheckName reports a name that is no identifier of C and C++.
func CheckName(name string) error {
	for i, r := range name {
		letter := r == '_' && i > 0 || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return fmt.Errorf("name %q: character %d is %q, want a letter of ASCII, or behind the first a digit or an underscore", name, i, r)
		}
	}
	switch {
	case name == "":
		return fmt.Errorf("the name is empty, want an identifier of C")
	case len(name) > maxName:
		return fmt.Errorf("name %q has %d characters, want at most %d", name, len(name), maxName)
	case strings.Contains(keywords, " "+name+" "):
		return fmt.Errorf("name %q is a word of C, C++ or the sources themselves, want another", name)
	}
	return nil
}

// NameFrom makes a name of any text: what is no letter or digit becomes an underscore.
func NameFrom(text string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, text)
	name = strings.Trim(name, "_")
	if len(name) > maxName-4 {
		name = strings.TrimRight(name[:maxName-4], "_")
	}
	if CheckName(name) != nil {
		name = strings.TrimRight("net_"+name, "_")
	}
	return name
}
