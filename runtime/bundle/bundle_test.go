package bundle

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"strings"
	"testing"
)

// executable is an ELF file of headers, one segment and one section; the table of sections is last.
func executable(t *testing.T, wide bool, order binary.ByteOrder) []byte {
	t.Helper()
	data := elf.ELFDATA2LSB
	if order == binary.BigEndian {
		data = elf.ELFDATA2MSB
	}
	class := elf.ELFCLASS32
	if wide {
		class = elf.ELFCLASS64
	}
	ident := [16]byte{0x7f, 'E', 'L', 'F', byte(class), byte(data), 1}
	var b bytes.Buffer
	var parts []any
	if wide {
		parts = []any{
			elf.Header64{Ident: ident, Type: 2, Version: 1, Phoff: 64, Shoff: 140, Ehsize: 64, Phentsize: 56, Phnum: 1, Shentsize: 64, Shnum: 2},
			elf.Prog64{Type: 1, Off: 120, Filesz: 8, Memsz: 100},
			[20]byte{},
			elf.Section64{Type: 1, Off: 128, Size: 12}, elf.Section64{Type: uint32(elf.SHT_NOBITS), Off: 128, Size: 1 << 40},
		}
	} else {
		parts = []any{
			elf.Header32{Ident: ident, Type: 2, Version: 1, Phoff: 52, Shoff: 104, Ehsize: 52, Phentsize: 32, Phnum: 1, Shentsize: 40, Shnum: 2},
			elf.Prog32{Type: 1, Off: 84, Filesz: 8, Memsz: 100},
			[20]byte{},
			elf.Section32{Type: 1, Off: 92, Size: 12}, elf.Section32{Type: uint32(elf.SHT_NOBITS), Off: 92, Size: 1 << 30},
		}
	}
	for _, p := range parts {
		if err := binary.Write(&b, order, p); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestProgram(t *testing.T) {
	program := magic + "and what follows"
	for _, wide := range []bool{false, true} {
		for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			file := executable(t, wide, order)
			if _, err := elf.NewFile(bytes.NewReader(file)); err != nil {
				t.Fatalf("debug/elf refuses the executable: %v", err)
			}
			for _, behind := range []string{"", program} {
				got, err := read(string(file) + behind)
				if string(got) != behind || err != nil {
					t.Errorf("wide %t, %v: got %q, %v, want %q", wide, order, got, err, behind)
				}
			}
			if got, err := read(string(file) + "x" + program); err == nil || !strings.Contains(err.Error(), "25 bytes that are no program") {
				t.Errorf("got %q, %v, want an error that counts the bytes", got, err)
			}
			for n := range file {
				if got, err := read(string(file[:n])); got != nil || n >= 64 && err == nil {
					t.Errorf("the first %d of %d bytes: got %q, %v, want an error", n, len(file), got, err)
				}
			}
			for at := range file { // whatever is broken, it neither panics nor takes memory
				broken := bytes.Clone(file)
				broken[at] = 0xff
				read(string(broken) + program)
			}
		}
	}
	if got, err := read(program); got != nil || err != nil {
		t.Errorf("a file in another format: got %q, %v, want nothing", got, err)
	}
}

func read(file string) ([]byte, error) { return Program(strings.NewReader(file), int64(len(file))) }

// TestItself looks behind this test, behind which is nothing.
func TestItself(t *testing.T) {
	path, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	end, err := End(bytes.NewReader(data), int64(len(data)))
	if err != nil || end != 0 && end != int64(len(data)) {
		t.Errorf("ends at %d, %v, want %d", end, err, len(data))
	}
	if !Carries(data) {
		t.Error("it is not recognized as an executable that looks behind itself")
	}
}
