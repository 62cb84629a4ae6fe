package onnx

import "fmt"

// DepthToSpace moves channels into blocks of Block*Block pixels:
//
//	y[n][c][h*Block+i][w*Block+j] = x[n][(i*Block+j)*C+c][h][w]          (C channels of y)
//	y[n][c][h*Block+i][w*Block+j] = x[n][c*Block*Block+i*Block+j][h][w]  with CRD
type DepthToSpace struct {
	Block int
	CRD   bool
}

// SpaceToDepth moves blocks of Block*Block pixels into channels:
//
//	y[n][(i*Block+j)*C+c][h][w] = x[n][c][h*Block+i][w*Block+j]          (C channels of x)
type SpaceToDepth struct{ Block int }

// Type returns "DepthToSpace".
func (*DepthToSpace) Type() string { return "DepthToSpace" }

// Type returns "SpaceToDepth".
func (*SpaceToDepth) Type() string { return "SpaceToDepth" }

// InferShape returns [N][C/Block^2][H*Block][W*Block].
func (op *DepthToSpace) InferShape(in []Shape) ([]Shape, error) {
	x, err := checkBlock(in, op.Block)
	if err != nil {
		return nil, err
	}
	b := op.Block
	if x[1]%(b*b) != 0 || x[2] > maxDim/b || x[3] > maxDim/b {
		return nil, fmt.Errorf("input %v: %d channels are not a multiple of %d*%d, or the result is too large", x, x[1], b, b)
	}
	return []Shape{{x[0], x[1] / (b * b), x[2] * b, x[3] * b}}, nil
}

// InferShape returns [N][C*Block^2][H/Block][W/Block].
func (op *SpaceToDepth) InferShape(in []Shape) ([]Shape, error) {
	x, err := checkBlock(in, op.Block)
	if err != nil {
		return nil, err
	}
	b := op.Block
	if x[2]%b != 0 || x[3]%b != 0 || x[1] > maxDim/(b*b) {
		return nil, fmt.Errorf("input %v: %dx%d pixels are not a multiple of %d, or the result is too large", x, x[2], x[3], b)
	}
	return []Shape{{x[0], x[1] * b * b, x[2] / b, x[3] / b}}, nil
}

// checkBlock verifies the input of both operators and the block size.
func checkBlock(in []Shape, block int) (Shape, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	if len(in[0]) != 4 || block < 1 || block > 1<<15 {
		return nil, fmt.Errorf("input %v with blocks of %d: want rank 4 and blocks of [1, 2^15]", in[0], block)
	}
	return in[0], nil
}

func readDepthToSpace(r *nodeReader) Op {
	op := &DepthToSpace{Block: r.int("blocksize", 0)}
	mode := r.text("mode", "DCR")
	if mode != "DCR" && mode != "CRD" {
		r.failf("mode is %q, want DCR or CRD", mode)
	}
	op.CRD = mode == "CRD"
	return op
}

func readSpaceToDepth(r *nodeReader) Op { return &SpaceToDepth{Block: r.int("blocksize", 0)} }

func (op *DepthToSpace) write(w *nodeWriter) {
	w.int("blocksize", op.Block)
	if op.CRD {
		w.text("mode", "CRD")
	} else {
		w.text("mode", "DCR")
	}
}

func (op *SpaceToDepth) write(w *nodeWriter) { w.int("blocksize", op.Block) }
