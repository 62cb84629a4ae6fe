package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"qconv/runtime"
	"qconv/runtime/printable"
)

// info describes a program as this machine runs it.
type info struct {
	Producer  string `json:"producer,omitempty"`
	Source    string `json:"source_sha256"`
	FileBytes int    `json:"file_bytes"`
	// Input is the shape of the only input; Inputs tells all about each.
	Input  *[3]int             `json:"input_shape,omitempty"`
	Inputs []runtime.InputInfo `json:"inputs"`
	// Features says which features of sound enter.
	Features string       `json:"features,omitempty"`
	Labels   []string     `json:"labels,omitempty"`
	Outputs  []outputInfo `json:"outputs"`
	// Left says which outputs hold scores, and before what.
	Left []string `json:"left_to_reader,omitempty"`
	MACs int      `json:"macs"`
	// Stream is there where a run is a step of a stream.
	Stream *streamInfo `json:"stream,omitempty"`
	// RAM is what a Runner takes, exactly, in bytes.
	Arena   int `json:"arena_bytes"`
	Scratch int `json:"scratch_bytes"`
	Weights int `json:"weight_bytes"`
	Tables  int `json:"table_bytes"`
	RAM     int `json:"ram_bytes"`
	// Process is the most that was resident of this process so far, in bytes; 0 where the system does not tell.
	Process int64   `json:"process_peak_bytes,omitempty"`
	Layers  []layer `json:"layers"`
}

// outputInfo says what an output holds: level indices, or accumulators where Levels is 0; Value v stands for
// ScaleMant * 2^ScaleExp * (v - Zero).
type outputInfo struct {
	Name      string `json:"name"`
	Shape     [3]int `json:"shape"`
	Levels    int    `json:"levels"`
	Zero      int    `json:"zero"`
	ScaleMant uint32 `json:"scale_mant"`
	ScaleExp  int32  `json:"scale_exp"`
}

func outputInfos(p *runtime.Program) []outputInfo {
	var infos []outputInfo
	for _, o := range p.Outputs {
		t := &p.Tensors[o.Tensor]
		infos = append(infos, outputInfo{o.Name, t.Shape, t.Levels, t.Zero, t.Scale.Mant, t.Scale.Exp})
	}
	return infos
}

// streamInfo says what a step of a stream takes and keeps.
type streamInfo struct {
	FrameBytes int `json:"frame_bytes"` // as raw bytes: the elements of all inputs
	States     int `json:"states"`
	StateBytes int `json:"state_bytes"` // of the arena
	Warmup     int `json:"warmup"`      // steps
}

func streamInfoOf(p *runtime.Program) *streamInfo {
	if p.Stream == nil {
		return nil
	}
	s := &streamInfo{FrameBytes: p.SampleBytes(), States: len(p.Stream.States), Warmup: p.Stream.Warmup}
	for i := range p.Stream.States {
		s.StateBytes += p.Tensors[p.Stream.States[i].To].Elems()
	}
	return s
}

func (s *streamInfo) String() string {
	text := fmt.Sprintf("a step takes a frame of %d bytes (%d as s16, %d as f32), and carries %d states of %d bytes on", s.FrameBytes, 2*s.FrameBytes, 4*s.FrameBytes, s.States, s.StateBytes)
	if s.Warmup > 0 {
		text += fmt.Sprintf("; results come from step %d on, when its window is full", s.Warmup+1)
	}
	return text
}

func (o outputInfo) String() string {
	kind := "accumulators"
	if o.Levels > 0 {
		kind = fmt.Sprintf("%d levels", o.Levels)
	}
	scale := "scale unknown"
	if o.ScaleMant > 0 {
		scale = fmt.Sprintf("scale %.6g", runtime.Scale{Mant: o.ScaleMant, Exp: o.ScaleExp}.Float())
	}
	return fmt.Sprintf("%s %v: %s, %s, zero %d", printable.Name(o.Name), o.Shape, kind, scale, o.Zero)
}

// layer is one instruction and the kernel chosen for it.
type layer struct {
	Name   string `json:"name"`
	Kernel string `json:"kernel"`
	MACs   int    `json:"macs"`
	// Runs is how many times a layer of a loop runs in an inference; MACs and Ns are those of all. 0 stands for once.
	Runs int `json:"runs,omitempty"`
	// Workers share the layer.
	Workers int   `json:"workers,omitempty"`
	Ns      int64 `json:"ns,omitempty"` // of --bench
}

func readInfo(o options, p *runtime.Program, r *runtime.Runner) (*info, error) {
	size, err := o.fileBytes()
	if err != nil {
		return nil, err
	}
	m := r.Memory()
	i := &info{
		Producer: p.Producer, Source: hex.EncodeToString(p.Source[:]), FileBytes: int(size),
		Inputs: p.InputInfos(), Features: p.Features, Labels: p.Labels, Outputs: outputInfos(p), Left: p.LeftToReader(), MACs: p.MACs(),
		Arena: m.Arena, Scratch: m.Scratch, Weights: m.Weights, Tables: m.Tables, RAM: m.Total(),
		Process: peakResident(), Layers: layers(r), Stream: streamInfoOf(p),
	}
	if len(i.Inputs) == 1 {
		i.Input = &i.Inputs[0].Shape
	}
	return i, nil
}

// peakResident is the largest resident set of this process in bytes, as Linux tells it (VmHWM, in kB); 0 elsewhere.
func peakResident() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if value, found := strings.CutPrefix(line, "VmHWM:"); found {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			if err == nil {
				return kb << 10
			}
		}
	}
	return 0
}

func layers(r *runtime.Runner) []layer {
	var out []layer
	for _, l := range r.Layers() {
		runs := l.Runs
		if runs == 1 {
			runs = 0
		}
		out = append(out, layer{Name: l.Name, Kernel: l.Kernel, MACs: l.MACs, Runs: runs, Workers: l.Workers})
	}
	return out
}

func (i *info) print(w io.Writer) {
	fmt.Fprintf(w, "file      %9d bytes\n", i.FileBytes)
	fmt.Fprintf(w, "RAM       %9d bytes: arena %d, scratch %d, weights %d, tables %d\n", i.RAM, i.Arena, i.Scratch, i.Weights, i.Tables)
	if i.Process > 0 {
		fmt.Fprintf(w, "process   %9d bytes resident at most so far, with qrun itself and Go's runtime\n", i.Process)
	}
	fmt.Fprintf(w, "MACs      %9d\n", i.MACs)
	if i.Stream != nil {
		fmt.Fprintf(w, "stream    %v\n", i.Stream)
	}
	for _, in := range i.Inputs {
		fmt.Fprintf(w, "input     %v\n", in)
	}
	if i.Features != "" {
		fmt.Fprintf(w, "features  %s\n", printable.Text(i.Features))
	}
	for _, out := range i.Outputs {
		fmt.Fprintf(w, "output    %v\n", out)
	}
	if len(i.Labels) > 0 {
		fmt.Fprintf(w, "labels    %s\n", printable.Names(i.Labels))
	}
	for _, line := range i.Left {
		fmt.Fprintln(w, line)
	}
	if i.Producer != "" {
		fmt.Fprintf(w, "producer  %s\n", printable.Name(i.Producer))
	}
	fmt.Fprintf(w, "source    %s\n", i.Source)
	printLayers(w, i.Layers, 0)
}

// printLayers prints the layers and, where they were timed, the rest of the inference.
func printLayers(w io.Writer, layers []layer, restNs int64) {
	width := len("layer")
	for _, l := range layers {
		width = max(width, len(l.Name))
	}
	fmt.Fprintf(w, "%-*s  %10s  %10s  %14s  kernel\n", width, "layer", "MACs", "ns", "")
	for _, l := range layers {
		ns := ""
		if l.Ns > 0 {
			ns = fmt.Sprint(l.Ns)
		}
		kernel := l.Kernel
		if l.Runs > 0 {
			kernel += fmt.Sprintf(", %d times", l.Runs)
		}
		if l.Workers > 1 {
			kernel += fmt.Sprintf(", %d workers", l.Workers)
		}
		fmt.Fprintf(w, "%-*s  %10d  %10s  %14s  %s\n", width, l.Name, l.MACs, ns, speed(l.MACs, l.Ns), kernel)
	}
	if restNs > 0 {
		fmt.Fprintf(w, "%-*s  %10s  %10d  %14s  inputs, outputs, reading the clock\n", width, "rest", "", restNs, "")
	}
}
