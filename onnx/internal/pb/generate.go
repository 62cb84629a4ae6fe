// Package pb holds the protobuf messages of ONNX files, generated from onnx.proto by
// protoc 3.21 and protoc-gen-go v1.36.12
// (go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12).
//
// The file is named from the module's root, so that it is registered under a path of its
// own and not simply as onnx.proto, which other ONNX packages use.
package pb

//go:generate protoc --proto_path=../../.. --go_out=../../.. --go_opt=paths=source_relative onnx/internal/pb/onnx.proto
