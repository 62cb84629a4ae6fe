package picture

import "fmt"

// Pixel is how a camera writes a pixel.
type Pixel uint8

const (
	RGB  Pixel = iota // 3 bytes
	BGR               // 3 bytes
	Grey              // 1 byte
	YUYV              // Y0 U Y1 V: two pixels of a row share a colour
	NV12              // all Y, then U V for every 2x2 pixels
)

var pixelNames = [...]string{"rgb", "bgr", "gray", "yuyv", "nv12"}

// String is the name that [ParsePixel] reads.
func (p Pixel) String() string { return pixelNames[p] }

// ParsePixel reads rgb, bgr, gray, yuyv or nv12.
func ParsePixel(name string) (Pixel, error) {
	for p, n := range pixelNames {
		if n == name {
			return Pixel(p), nil
		}
	}
	return 0, fmt.Errorf("%q is no order of pixels, want rgb, bgr, gray, yuyv or nv12", name)
}

// Frame is a picture as a camera or a program writes it, without a header.
type Frame struct {
	Width, Height int
	Pixel         Pixel
	Planar        bool // of RGB and BGR: all of a colour, then all of the next; else the colours of a pixel together
}

// Check reports a size that no frame of these pixels has.
func (f Frame) Check() error {
	if min(f.Width, f.Height) < 1 || max(f.Width, f.Height) > MaxSide || f.Width*f.Height > MaxPixels {
		return fmt.Errorf("a frame of %dx%d pixels, want 1 to %d along each side and at most %d", f.Width, f.Height, MaxSide, MaxPixels)
	}
	if odd := f.Pixel == YUYV && f.Width&1 != 0 || f.Pixel == NV12 && (f.Width|f.Height)&1 != 0; odd {
		return fmt.Errorf("a frame of %dx%d pixels in %v: pixels share colours in twos, want even sizes", f.Width, f.Height, f.Pixel)
	}
	return nil
}

// Bytes is the size of a frame.
func (f Frame) Bytes() int {
	n := f.Width * f.Height
	switch f.Pixel {
	case Grey:
		return n
	case YUYV:
		return 2 * n
	case NV12:
		return n + n/2
	}
	return 3 * n
}

// String says what a frame is, such as 320x240 yuyv.
func (f Frame) String() string {
	s := fmt.Sprintf("%dx%d %v", f.Width, f.Height, f.Pixel)
	if f.Planar && f.Pixel <= BGR {
		s += " in planes"
	}
	return s
}

// Planes writes the frame in src to dst as [channels][H][W] bytes with 1 channel, grey, or 3, red, green and blue, as the
// function of that name does for pictures. Luminance and colour become red, green and blue by BT.601 with the range of video, 16 to 235, in whole
// numbers: with y = 298*(Y-16), u = U-128, v = V-128,
//
//	red = (y + 409*v + 128) >> 8, green = (y - 100*u - 208*v + 128) >> 8, blue = (y + 516*u + 128) >> 8
//
// limited to 0..255. It fails where a slice has the wrong length.
func (f Frame) Planes(dst, src []byte, channels int) error {
	n := f.Width * f.Height
	if err := f.Check(); err != nil {
		return err
	}
	if channels != 1 && channels != 3 || len(dst) != channels*n || len(src) != f.Bytes() {
		return fmt.Errorf("%d bytes for %d channels, of %d bytes: want %d for 1 or 3 channels, of %d", len(dst), channels, len(src), channels*n, f.Bytes())
	}
	if f.Pixel == Grey {
		for c := range channels {
			copy(dst[c*n:], src)
		}
		return nil
	}
	colours := dst
	if channels == 1 {
		colours = make([]byte, 3*n)
	}
	red, green, blue := colours[:n], colours[n:][:n], colours[2*n:][:n]
	switch f.Pixel {
	case BGR:
		red, blue = blue, red
		fallthrough
	case RGB:
		if f.Planar {
			copy(red, src)
			copy(green, src[n:])
			copy(blue, src[2*n:])
			break
		}
		for i := range red {
			red[i], green[i], blue[i] = src[3*i], src[3*i+1], src[3*i+2]
		}
	case YUYV:
		for i := 0; i < n; i += 2 {
			p := src[2*i:][:4]
			red[i], green[i], blue[i] = videoColour(p[0], p[1], p[3])
			red[i+1], green[i+1], blue[i+1] = videoColour(p[2], p[1], p[3])
		}
	case NV12:
		for i := range red {
			y, x := i/f.Width, i%f.Width
			p := src[n+y/2*f.Width+x&^1:][:2]
			red[i], green[i], blue[i] = videoColour(src[i], p[0], p[1])
		}
	}
	if channels == 1 {
		Gray(dst, colours)
	}
	return nil
}

func videoColour(y, u, v byte) (red, green, blue byte) {
	a, b, c := 298*(int32(y)-16)+128, int32(u)-128, int32(v)-128
	limit := func(x int32) byte { return byte(max(0, min(255, x>>8))) }
	return limit(a + 409*c), limit(a - 100*b - 208*c), limit(a + 516*b)
}

// Crop cuts the largest part with the proportions of to out of the middle of a picture, [channels][H][W] with from = {H, W}, in place,
// and returns it with its size.
func Crop(planes []byte, channels int, from, to [2]int) ([]byte, [2]int) {
	size := from
	if from[1]*to[0] > from[0]*to[1] {
		size[1] = max(1, from[0]*to[1]/to[0])
	} else {
		size[0] = max(1, from[1]*to[0]/to[1])
	}
	top, left := (from[0]-size[0])/2, (from[1]-size[1])/2
	at := 0
	for c := range channels {
		for y := range size[0] {
			at += copy(planes[at:], planes[(c*from[0]+top+y)*from[1]+left:][:size[1]])
		}
	}
	return planes[:at], size
}
