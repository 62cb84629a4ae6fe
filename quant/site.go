package quant

import "qconv/onnx"

// Site is a value that carries levels at run time.
type Site struct {
	Value *onnx.Value
	Role  Role
	// Func is the nonlinearity whose output the value is; nil for an input, or for a
	// linear result that is rounded as it is (a bottleneck, an output).
	Func onnx.Scalar
}

// Role says how a site's levels are chosen.
type Role uint8

const (
	RoleHidden Role = iota // Config.Levels
	RoleInput              // Config.InputLevels
	RoleOutput             // Config.OutputLevels
	RolePooled             // Config.PooledLevels: a mean over positions, which needs finer levels
)
