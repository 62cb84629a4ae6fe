package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qconv/onnx"
)

// TestPages looks at the pages of eval and inspect in a browser.
func TestPages(t *testing.T) {
	b := newBrowser(t)
	dir, model := importDigits(t)
	data := bundled(t, "digits")
	at := func(name string) string { return filepath.Join(dir, name) }
	mustCall(t, "finetune", model, "--data", data+"#train", "--samples", "600", "--levels", "4", "--weights", "4", "--steps", "30", "--log", at("log.jsonl"), "-o", at("digits.tuned.q.onnx"))
	mustCall(t, "convert", at("digits.tuned.q.onnx"), "-o", at("digits.qlut"))
	mustCall(t, "inspect", at("digits.qlut"), "--html", at("program.html"), "--data", data+"#test", "--samples", part, "--against", model, "--log", at("log.jsonl"))
	mustCall(t, "inspect", at("digits.tuned.q.onnx"), "--html", at("tuned.html"), "--data", data+"#test", "--samples", part, "--against", model)
	mustCall(t, "inspect", bundled(t, "digits.onnx"), "--html", at("float.html"))
	mustCall(t, "eval", at("digits.qlut"), "--data", data+"#test", "--samples", part, "--against", model, "--html", at("eval.html"))
	mustCall(t, "eval", model, "--data", data+"#test", "--samples", part, "--html", at("alone.html"))
	for page, drawings := range map[string]int{"program.html": 15, "tuned.html": 10, "float.html": 5, "eval.html": 1, "alone.html": 0} {
		t.Run(page, func(t *testing.T) { b.checkPage(t, at(page), drawings) })
	}
	before, err := os.ReadFile(at("program.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"conv 5x5", "step functions", "Histograms of the weights", "levels in use", "Tensors in the arena", "training loss", "signal to noise", "data:,"} {
		if !strings.Contains(strings.ToLower(string(before)), strings.ToLower(want)) {
			t.Errorf("the page of the program does not say %q", want)
		}
	}
	mustCall(t, "inspect", at("digits.qlut"), "--html", at("program.html"), "--data", data+"#test", "--samples", part, "--against", model, "--log", at("log.jsonl"))
	if again, err := os.ReadFile(at("program.html")); err != nil || string(again) != string(before) {
		t.Errorf("the same page has other bytes (%v)", err)
	}
}

// TestBrowserFinds demands that the browser sees what is wrong with a page.
func TestBrowserFinds(t *testing.T) {
	b := newBrowser(t)
	path := writeFile(t, "wrong.html", `<p>short</p><div style="width:2000px">wide</div><script>console.log(1); throw "fault"</script><img src="http://localhost:1/x.png">`)
	r, _, err := showPage(b.ctx, path, 390, "light")
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Wide) != 1 || r.Wide[0] != "DIV." || r.Page < 2000 {
		t.Errorf("what is wide: %q, the page %g", r.Wide, r.Page)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	all := strings.Join(b.complaints, "; ")
	for _, want := range []string{"exception: Uncaught", "console: log", "request of http://localhost:1/x.png"} {
		if !strings.Contains(all, want) {
			t.Errorf("the browser says %q, want %q", all, want)
		}
	}
}

// TestHostilePages takes names that do harm on pages through eval and inspect: of files, nodes, values and classes.
func TestHostilePages(t *testing.T) {
	const evil = `</title><script>throw 1</script>"'><img src=x onerror=alert(1)>` + "\u202e&\n"
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	model, data := signals(t, dir, 60)
	g, err := onnx.Read(model)
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range g.Nodes {
		n.Name += evil
		if out := n.Outputs[0]; i < len(g.Nodes)-2 {
			out.Name += evil
		}
	}
	for _, out := range g.Outputs {
		out.Name += evil
	}
	file, err := onnx.Encode(g)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(model, file, 0o666); err != nil {
		t.Fatal(err)
	}
	imported := at(`<script>throw 2<` + `script>.q.onnx`)
	mustCall(t, "import", model, "-o", imported, "--labels", "a<script>throw 3</script>,\"><img src=x>,c\u202e")
	mustCall(t, "convert", imported, "--calib", data, "--fast", "--levels", "4", "--weights", "4", "-o", at("h.qlut"))
	mustCall(t, "eval", at("h.qlut"), "--data", data, "--against", imported, "--html", at("eval.html"), "--predictions", at("p.csv"))
	mustCall(t, "inspect", at("h.qlut"), "--data", data, "--against", imported, "--html", at("program.html"))
	mustCall(t, "inspect", imported, "--html", at("model.html"))
	b := newBrowser(t)
	for _, name := range []string{"eval.html", "program.html", "model.html"} {
		text, err := os.ReadFile(at(name))
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"<script", "<img src=x", "\u202e"} {
			if strings.Contains(string(text), bad) {
				t.Errorf("%s holds %q", name, bad)
			}
		}
		if !strings.Contains(string(text), "&lt;script&gt;") {
			t.Errorf("%s does not show the names", name)
		}
		b.checkPage(t, at(name), 1)
	}
	if text, err := os.ReadFile(at("p.csv")); err != nil || strings.Contains(string(text), "\u202e") {
		t.Errorf("the list holds what cannot be printed (%v)", err)
	}
}
