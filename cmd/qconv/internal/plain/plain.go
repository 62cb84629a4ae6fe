// Package plain stores values of plain data (numbers, strings, slices, maps, structs, pointers) as bytes
// and reads them back. Equal values give equal bytes. Reading takes memory and time in proportion to the bytes, whatever
// they are, and never panics.
//
// The bytes hold no types: writer and reader must have the same [Layout]. Integers and floats are
// little-endian, of their own size (int and uint take 8 bytes); bool is a byte, 0 or 1. Strings, slices and maps begin
// with their length, 8 bytes; maps are sorted by key, which is a string. A pointer is a byte, 0 for nil,
// or 1 and what it points to. A nil slice or map is read back as nil, an empty one too.
package plain

import (
	"encoding/binary"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
)

// Layout describes how values of a type are stored: types with the same text are stored alike.
func Layout(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Slice:
		return "[]" + Layout(t.Elem())
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			panic("BUG: plain: a map whose keys are " + t.Key().String())
		}
		return "map " + Layout(t.Elem())
	case reflect.Pointer:
		return "*" + Layout(t.Elem())
	case reflect.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), Layout(t.Elem()))
	case reflect.Struct:
		var fields []string
		for i := range t.NumField() {
			f := t.Field(i)
			if !f.IsExported() {
				panic("BUG: plain: field " + f.Name + " of " + t.String() + " would be lost")
			}
			fields = append(fields, f.Name+" "+Layout(f.Type))
		}
		return "{" + strings.Join(fields, ";") + "}"
	}
	if t.Kind() != reflect.String && size(t.Kind()) == 0 {
		panic("BUG: plain: cannot store a " + t.String())
	}
	return t.Kind().String()
}

// size is the number of bytes of a number or bool, or 0.
func size(k reflect.Kind) int {
	switch k {
	case reflect.Bool, reflect.Int8, reflect.Uint8:
		return 1
	case reflect.Int16, reflect.Uint16:
		return 2
	case reflect.Int32, reflect.Uint32, reflect.Float32:
		return 4
	case reflect.Int, reflect.Uint, reflect.Int64, reflect.Uint64, reflect.Float64:
		return 8
	}
	return 0
}

// least is the number of bytes that a value takes at least.
func least(t reflect.Type) int64 {
	switch t.Kind() {
	case reflect.String, reflect.Slice, reflect.Map:
		return 8
	case reflect.Pointer:
		return 1
	case reflect.Array:
		return int64(t.Len()) * least(t.Elem())
	case reflect.Struct:
		n := int64(0)
		for i := range t.NumField() {
			n += least(t.Field(i).Type)
		}
		return n
	}
	return int64(size(t.Kind()))
}

// Write stores v.
func Write(w io.Writer, v any) error {
	e := writer{w: w}
	e.value(reflect.ValueOf(v))
	return e.err
}

// writer keeps the first error.
type writer struct {
	w   io.Writer
	err error
	buf []byte
}

func (e *writer) bytes(b []byte) {
	if e.err == nil {
		_, e.err = e.w.Write(b)
	}
}

func (e *writer) length(n int) { e.bytes(binary.LittleEndian.AppendUint64(nil, uint64(n))) }

// chunk is how many numbers are converted at a time.
const chunk = 8192

func (e *writer) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		e.length(v.Len())
		e.bytes([]byte(v.String()))
	case reflect.Slice:
		e.length(v.Len())
		if size(v.Type().Elem().Kind()) > 0 {
			e.numbers(v)
			return
		}
		for i := range v.Len() {
			e.value(v.Index(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			e.value(v.Index(i))
		}
	case reflect.Map:
		e.length(v.Len())
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, k := range keys {
			e.value(k)
			e.value(v.MapIndex(k))
		}
	case reflect.Pointer:
		if v.IsNil() {
			e.bytes([]byte{0})
			return
		}
		e.bytes([]byte{1})
		e.value(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			e.value(v.Field(i))
		}
	case reflect.Int:
		e.length(int(v.Int()))
	case reflect.Uint:
		e.bytes(binary.LittleEndian.AppendUint64(nil, v.Uint()))
	default:
		e.err = first(e.err, binary.Write(e.w, binary.LittleEndian, v.Interface()))
	}
}

// numbers stores the elements of a slice of them, some at a time.
func (e *writer) numbers(v reflect.Value) {
	if k := v.Type().Elem().Kind(); k == reflect.Int || k == reflect.Uint {
		for i := range v.Len() {
			e.value(v.Index(i))
		}
		return
	}
	for i := 0; i < v.Len() && e.err == nil; i += chunk {
		part := v.Slice(i, min(i+chunk, v.Len())).Interface()
		if e.buf, e.err = binary.Append(e.buf[:0], binary.LittleEndian, part); e.err == nil {
			e.bytes(e.buf)
		}
	}
}

// Read reads what Write stored of a value like *v, which r holds in size bytes, all of them.
func Read(r io.Reader, size int64, v any) error {
	d := reader{r: r, left: size}
	if err := d.value(reflect.ValueOf(v).Elem()); err != nil {
		return err
	}
	if d.left > 0 {
		return fmt.Errorf("%d bytes are left over", d.left)
	}
	return nil
}

// reader reads at most left bytes.
type reader struct {
	r    io.Reader
	left int64
	buf  []byte
}

// take reads n bytes, which are valid until the next call.
func (d *reader) take(n int64) ([]byte, error) {
	if n > d.left {
		return nil, fmt.Errorf("%d bytes are left, want %d", d.left, n)
	}
	d.left -= n
	d.buf = slices.Grow(d.buf[:0], int(n))[:n]
	_, err := io.ReadFull(d.r, d.buf)
	return d.buf, err
}

func (d *reader) word() (uint64, error) {
	b, err := d.take(8)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

// length reads how many elements follow, of at least so many bytes each.
func (d *reader) length(each int64) (int, error) {
	n, err := d.word()
	if err != nil {
		return 0, err
	}
	if n > uint64(d.left/max(each, 1)) {
		return 0, fmt.Errorf("%d bytes are left, too few for %d elements of %d or more", d.left, n, each)
	}
	return int(n), nil
}

// flag reads a byte that is 0 or 1.
func (d *reader) flag() (bool, error) {
	b, err := d.take(1)
	if err == nil && b[0] > 1 {
		err = fmt.Errorf("got %d, want 0 or 1", b[0])
	}
	return err == nil && b[0] == 1, err
}

func (d *reader) value(v reflect.Value) error {
	switch v.Kind() {
	case reflect.String:
		s, err := d.text()
		v.SetString(s)
		return err
	case reflect.Slice:
		return d.slice(v)
	case reflect.Array:
		for i := range v.Len() {
			if err := d.value(v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	case reflect.Map:
		return d.mapping(v)
	case reflect.Pointer:
		there, err := d.flag()
		if err != nil || !there {
			return err
		}
		v.Set(reflect.New(v.Type().Elem()))
		return d.value(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if err := d.value(v.Field(i)); err != nil {
				return fmt.Errorf("%s: %w", v.Type().Field(i).Name, err)
			}
		}
		return nil
	case reflect.Int, reflect.Uint:
		n, err := d.word()
		if v.Kind() == reflect.Uint {
			v.SetUint(n)
		} else {
			v.SetInt(int64(n))
		}
		return err
	case reflect.Bool:
		b, err := d.flag()
		v.SetBool(b)
		return err
	}
	b, err := d.take(int64(size(v.Kind())))
	if err != nil {
		return err
	}
	_, err = binary.Decode(b, binary.LittleEndian, v.Addr().Interface())
	return err
}

func (d *reader) text() (string, error) {
	n, err := d.length(1)
	if err != nil {
		return "", err
	}
	b, err := d.take(int64(n))
	return string(b), err
}

func (d *reader) slice(v reflect.Value) error {
	elem := v.Type().Elem()
	n, err := d.length(least(elem))
	if err != nil || n == 0 {
		return err
	}
	v.Set(reflect.MakeSlice(v.Type(), n, n))
	if k := elem.Kind(); size(k) == 0 || k == reflect.Int || k == reflect.Uint || k == reflect.Bool {
		for i := range n {
			if err := d.value(v.Index(i)); err != nil {
				return fmt.Errorf("element %d: %w", i, err)
			}
		}
		return nil
	}
	for i := 0; i < n; i += chunk {
		to := min(i+chunk, n)
		b, err := d.take(int64(to-i) * int64(size(elem.Kind())))
		if err == nil {
			_, err = binary.Decode(b, binary.LittleEndian, v.Slice(i, to).Interface())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// mapping reads a map, whose keys must ascend.
func (d *reader) mapping(v reflect.Value) error {
	t := v.Type()
	n, err := d.length(8 + least(t.Elem()))
	if err != nil || n == 0 {
		return err
	}
	v.Set(reflect.MakeMap(t))
	last := ""
	for i := range n {
		key, err := d.text()
		if err != nil {
			return err
		}
		if i > 0 && key <= last {
			return fmt.Errorf("key %q comes after %q", key, last)
		}
		last = key
		elem := reflect.New(t.Elem()).Elem()
		if err := d.value(elem); err != nil {
			return fmt.Errorf("%q: %w", key, err)
		}
		v.SetMapIndex(reflect.ValueOf(key).Convert(t.Key()), elem)
	}
	return nil
}

func first(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
