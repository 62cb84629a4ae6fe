//go:build !amd64 || purego

package kernel

func (v Vector) fills() bool { return false }

func vectorFill(dst, src []byte, job *fillJob, pieces []fillPiece, channels int) {}
