package onnx

// opEntry is how one ONNX operator becomes a typed one.
type opEntry struct {
	since int // first opset that has the operator in a form we read
	// read makes the operator from a node of any opset; the inputs it leaves in the
	// nodeReader are those of the node in the graph.
	read func(r *nodeReader) Op
}

// ops are the supported operators of the default domain, by name.
var ops = map[string]opEntry{
	// Linear maps.
	"Conv":               {1, readConv},
	"ConvTranspose":      {1, readConvTranspose},
	"Gemm":               {7, readGemm},
	"MatMul":             {1, plain[MatMul]},
	"BatchNormalization": {7, readBatchNormalization},

	// Pooling.
	"AveragePool":           {7, readAveragePool},
	"GlobalAveragePool":     {1, plain[GlobalAveragePool]},
	"GlobalMaxPool":         {1, plain[GlobalMaxPool]},
	"LRN":                   {1, readLRN},
	"InstanceNormalization": {6, readInstanceNormalization},
	"MaxPool":               {1, readMaxPool},

	// Arithmetic of two or more tensors.
	"Add":   {7, plain[Add]},
	"PRelu": {7, plain[PRelu]},
	"Pow":   {7, readPow},
	"Where": {9, plain[Where]},
	"Equal": {7, plain[Equal]},
	"Div":   {7, plain[Div]},
	"Max":   {1, plain[Max]},
	"Mean":  {1, plain[Mean]},
	"Min":   {1, plain[Min]},
	"Mul":   {7, plain[Mul]},
	"Sub":   {7, plain[Sub]},
	"Sum":   {1, plain[Sum]},

	// Activations.
	"Celu":            {12, readCelu},
	"Clip":            {6, readClip},
	"Elu":             {1, readElu},
	"Gelu":            {20, readGelu},
	"HardSigmoid":     {1, readHardSigmoid},
	"HardSwish":       {14, plain[HardSwish]},
	"LeakyRelu":       {1, readLeakyRelu},
	"Mish":            {18, plain[Mish]},
	"Relu":            {1, plain[Relu]},
	"Selu":            {1, readSelu},
	"Sigmoid":         {1, plain[Sigmoid]},
	"Softplus":        {1, plain[Softplus]},
	"Softsign":        {1, plain[Softsign]},
	"Tanh":            {1, plain[Tanh]},
	"ThresholdedRelu": {10, readThresholdedRelu},

	// Other functions of one number.
	"Abs":        {1, plain[Abs]},
	"Ceil":       {1, plain[Ceil]},
	"Erf":        {9, plain[Erf]},
	"Exp":        {1, plain[Exp]},
	"Floor":      {1, plain[Floor]},
	"Log":        {1, plain[Log]},
	"Neg":        {1, plain[Neg]},
	"Reciprocal": {1, plain[Reciprocal]},
	"Round":      {11, plain[Round]},
	"Sign":       {9, plain[Sign]},
	"Sqrt":       {1, plain[Sqrt]},

	// Normalization over a dimension.
	"LogSoftmax": {1, readLogSoftmax},
	"Softmax":    {1, readSoftmax},

	// Reductions.
	"ArgMax":          {1, readArgMax},
	"ReduceL1":        {1, readReduce("ReduceL1")},
	"ReduceL2":        {1, readReduce("ReduceL2")},
	"ReduceLogSum":    {1, readReduce("ReduceLogSum")},
	"ReduceLogSumExp": {1, readReduce("ReduceLogSumExp")},
	"ReduceMax":       {1, readReduce("ReduceMax")},
	"ReduceMean":      {1, readReduce("ReduceMean")},
	"ReduceMin":       {1, readReduce("ReduceMin")},
	"ReduceProd":      {1, readReduce("ReduceProd")},
	"ReduceSum":       {1, readReduce("ReduceSum")},
	"ReduceSumSquare": {1, readReduce("ReduceSumSquare")},

	// Moving elements.
	"DepthToSpace": {1, readDepthToSpace},
	"SpaceToDepth": {1, readSpaceToDepth},
	"Expand":       {8, readExpand},
	"Tile":         {6, readTile},
	"Gather":       {1, readGather},
	"Slice":        {1, readSlice},
	"Split":        {2, readSplit},
	"Resize":       {10, readResize},
	"Upsample":     {7, readUpsample},
	"Cast":         {6, readCast},
	"Concat":       {4, readConcat},
	"Dropout":      {7, readDropout},
	"Flatten":      {1, readFlatten},
	"Identity":     {1, plain[Identity]},
	"Pad":          {2, readPad},
	"Reshape":      {5, readReshape},
	"Squeeze":      {1, readSqueeze},
	"Transpose":    {1, readTranspose},
	"Unsqueeze":    {1, readUnsqueeze},
}

// plain reads an operator without attributes.
func plain[T any, P interface {
	*T
	Op
}](*nodeReader) Op {
	return P(new(T))
}
