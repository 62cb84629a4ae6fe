package c

import (
	"fmt"
	"strconv"
	"strings"
)

// tables collects constants. Equal ones are written once.
type tables struct {
	text  strings.Builder
	names map[string]string // by type and contents
	bytes int
}

// typeBytes is the size of an element by its type in C.
var typeBytes = map[string]int{"uint8_t": 1, "int8_t": 1, "uint16_t": 2, "int16_t": 2, "uint32_t": 4, "int32_t": 4}

// lineWidth is the width of a line of numbers.
const lineWidth = 110

// number is what tables hold.
type number interface {
	~int | ~uint8 | ~int8 | ~uint16 | ~int16 | ~uint32 | ~int32
}

// add writes a table of elements of a type of C and returns its name. What says in a comment what it holds.
func add[N number](t *tables, ctype, what string, values []N) string {
	var b strings.Builder
	line := 0
	for _, v := range values {
		s := strconv.FormatInt(int64(v), 10)
		if int64(v) == -1<<31 {
			s = "(-2147483647 - 1)"
		}
		if ctype == "uint32_t" {
			s += "U"
		}
		if line+len(s)+1 > lineWidth {
			b.WriteString("\n")
			line = 0
		}
		b.WriteString(s + ",")
		line += len(s) + 1
	}
	if t.names == nil {
		t.names = map[string]string{}
	}
	key := ctype + " " + b.String()
	if name, ok := t.names[key]; ok {
		return name
	}
	name := fmt.Sprintf("q_%s_%d", what, len(t.names))
	t.names[key] = name
	t.bytes += len(values) * typeBytes[ctype]
	fmt.Fprintf(&t.text, "static const FLASH %s %s[%d] = {\n%s\n};\n", ctype, name, len(values), strings.TrimSuffix(b.String(), ","))
	return name
}

// structs writes a table of structures, whose fields are given in order, of size bytes each.
func (t *tables) structs(ctype, what string, size int, rows []string) string {
	if t.names == nil {
		t.names = map[string]string{}
	}
	key := ctype + " " + strings.Join(rows, "\n")
	if name, ok := t.names[key]; ok {
		return name
	}
	name := fmt.Sprintf("q_%s_%d", what, len(t.names))
	t.names[key] = name
	t.bytes += len(rows) * size
	fmt.Fprintf(&t.text, "static const FLASH %s %s[%d] = {\n", ctype, name, len(rows))
	for _, r := range rows {
		fmt.Fprintf(&t.text, "    {%s},\n", r)
	}
	t.text.WriteString("};\n")
	return name
}

// fields joins the fields of a structure.
func fields(values ...any) string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = fmt.Sprint(v)
		if n, ok := v.(int); ok && n > 1<<31-1 {
			list[i] += "U"
		}
	}
	return strings.Join(list, ", ")
}
