//go:build (!amd64 && !arm64) || purego

package kernel

func (v Vector) fills() bool { return false }

func (v Vector) fillBytes() int { return 0 }

func vectorFill(dst, src []byte, job *fillJob, pieces []fillPiece, channels int) {}
