package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	requests "github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"qconv/internal/testtool"
)

// browser is a Chromium without a window. What it complains of is in complaints.
type browser struct {
	ctx        context.Context
	mu         sync.Mutex
	complaints []string
}

// newBrowser starts Chromium for the test.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	path := testtool.Path(t, "chromium", "apt-get install chromium")
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	b := &browser{ctx: ctx}
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			b.complain("exception: %s", e.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			b.complain("console: %s", e.Type)
		case *log.EventEntryAdded:
			b.complain("log: %s %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL)
		case *requests.EventRequestWillBeSent:
			if url := e.Request.URL; !strings.HasPrefix(url, "file:") && !strings.HasPrefix(url, "data:") {
				b.complain("request of %s", url)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, log.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, requests.Enable, requests.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *browser) complain(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complaints = append(b.complaints, fmt.Sprintf(format, args...))
}

// overflow lists what of a page is wider than the window, outside of what scrolls inside itself; then how wide the page is, and how bright its text and its paper.
const overflow = `(() => {
	const bright = c => { const n = c.match(/[\d.]+/g).map(Number); return n[0] + n[1] + n[2]; };
	const wide = [];
	for (const e of document.querySelectorAll('body *')) {
		if (e.closest('.scroll') && !e.matches('.scroll')) continue;
		if (e.getBoundingClientRect().right > innerWidth + 0.5) wide.push(e.tagName + '.' + (e.className.baseVal ?? e.className));
	}
	const style = getComputedStyle(document.body);
	return {wide, page: document.documentElement.scrollWidth, window: innerWidth, text: bright(style.color), paper: bright(style.backgroundColor),
		drawings: document.querySelectorAll('svg').length, flat: [...document.querySelectorAll('svg')].filter(s => s.checkVisibility() && s.getBoundingClientRect().height < 10).length};
})()`

// shownPage is what that finds.
type shownPage struct {
	Wide                      []string
	Page, Window, Text, Paper float64
	Drawings, Flat            int
}

// showPage loads a page, with all its details open.
func showPage(ctx context.Context, path string, width int64, scheme string) (r shownPage, picture []byte, err error) {
	screen := emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 800, DeviceScaleFactor: 1}
	if _, err = chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, screen); err != nil {
		return r, nil, err
	}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	if _, err = chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
		return r, nil, err
	}
	open := chromedp.Evaluate[chromedp.Void](`document.querySelectorAll('details').forEach(d => d.open = true)`)
	if err = chromedp.Do(ctx, chromedp.Navigate("file://"+path), open); err != nil {
		return r, nil, err
	}
	if r, err = chromedp.Run(ctx, chromedp.Evaluate[shownPage](overflow)); err != nil {
		return r, nil, err
	}
	picture, err = chromedp.Run(ctx, chromedp.FullScreenshot(100))
	return r, picture, err
}

// checkPage shows a page on small and large, light and dark screens: nothing may be wider than the window, and the browser has nothing to say. Where QCONV_SCREENSHOTS
// names a folder, pictures of the page are left there.
func (b *browser) checkPage(t *testing.T, path string, drawings int) {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(b.ctx, 2*time.Minute)
	defer stop()
	for _, width := range []int64{390, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			r, picture, err := showPage(ctx, path, width, scheme)
			if err != nil {
				t.Fatalf("%s at %d pixels: %v", path, width, err)
			}
			if r.Page > r.Window || len(r.Wide) > 0 {
				t.Errorf("%s at %d pixels is %g wide, because of %q", filepath.Base(path), width, r.Page, r.Wide)
			}
			if dark := r.Text > r.Paper; dark != (scheme == "dark") || max(r.Text, r.Paper)-min(r.Text, r.Paper) < 400 {
				t.Errorf("%s on a %s screen has text of %g on paper of %g", filepath.Base(path), scheme, r.Text, r.Paper)
			}
			if r.Drawings < drawings || r.Flat > 0 {
				t.Errorf("%s has %d drawings, %d without height; want %d", filepath.Base(path), r.Drawings, r.Flat, drawings)
			}
			if dir := os.Getenv("QCONV_SCREENSHOTS"); dir != "" {
				name := fmt.Sprintf("%s-%d-%s.png", strings.TrimSuffix(filepath.Base(path), ".html"), width, scheme)
				if err := os.WriteFile(filepath.Join(dir, name), picture, 0o666); err != nil {
					t.Error(err)
				}
			}
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		t.Errorf("%s: the browser says: %s", filepath.Base(path), c)
	}
	b.complaints = nil
}
