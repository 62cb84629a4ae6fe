package runtime

import (
	"bytes"
	"fmt"
)

// whatItIs says why data, which do not start with the magic, are not a .qlut file.
func whatItIs(data []byte) string {
	const want = ", want a .qlut file made by qconv convert"
	text := bytes.ToLower(bytes.TrimLeft(data[:min(len(data), 512)], " \t\r\n\xef\xbb\xbf"))
	switch {
	case len(data) == 0:
		return "the file is empty" + want
	case len(data) < len(magic) && magic[:len(data)] == string(data):
		return fmt.Sprintf("the file ends after %d bytes, it is cut short", len(data))
	case bytes.HasPrefix(data, []byte(magic[:4])):
		return "the line ends of the file were changed: it was copied as text, copy it as binary"
	case bytes.HasPrefix(data, []byte("\x09QLT")):
		return "the file lost the top bit of its bytes: it was copied as 7-bit text, copy it as binary"
	case bytes.HasPrefix(text, []byte("version https://git-lfs")):
		return "this is a Git LFS pointer, not the file itself (git lfs pull fetches it)" + want
	case bytes.HasPrefix(text, []byte("<!doctype")), bytes.HasPrefix(text, []byte("<html")), bytes.HasPrefix(text, []byte("<?xml")):
		return "this is a web page, perhaps an error message of the server it was fetched from" + want
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return "this is a zip archive" + want
	case bytes.HasPrefix(data, []byte("\x1f\x8b")):
		return "this is gzip-compressed" + want
	case looksLikeONNX(data):
		return "this is an ONNX model, not a program (qconv convert makes one of it)" + want
	}
	return fmt.Sprintf("the file starts with % x%s", data[:min(len(data), len(magic))], want)
}

// looksLikeONNX recognizes the first fields of an ONNX ModelProto: ir_version (field 1, a
// number up to 99) and then another field of the message.
func looksLikeONNX(data []byte) bool {
	if len(data) < 3 || data[0] != 0x08 || data[1] == 0 || data[1] > 99 {
		return false
	}
	field, wire := data[2]>>3, data[2]&7
	return field >= 2 && field <= 8 && wire == 2 || field == 5 && wire == 0 || field == 14 && wire == 2
}
