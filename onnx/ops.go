package onnx

// opEntry is how one ONNX operator becomes a typed one.
type opEntry struct {
	since int    // first opset that has the operator in a form we read
	until int    // last one, 0 if it is still there
	note  string // what is read of it, empty if all
	// read makes the operator from a node of any opset; the inputs it leaves in the
	// nodeReader are those of the node in the graph.
	read func(r *nodeReader) Op
}

// ops are the supported operators of the default domain, by name.
var ops = map[string]opEntry{
	// Linear maps.
	"Conv":               {since: 1, read: readConv, note: "one or two spatial dimensions"},
	"ConvTranspose":      {since: 1, read: readConvTranspose, note: "one or two spatial dimensions"},
	"Gemm":               {since: 7, read: readGemm},
	"MatMul":             {since: 1, read: plain[MatMul]},
	"BatchNormalization": {since: 7, read: readBatchNormalization, note: "inference mode"},

	// Pooling.
	"AveragePool":           {since: 7, read: readAveragePool, note: "one or two spatial dimensions, dilation 1"},
	"GlobalAveragePool":     {since: 1, read: plain[GlobalAveragePool]},
	"GlobalMaxPool":         {since: 1, read: plain[GlobalMaxPool]},
	"LRN":                   {since: 1, read: readLRN},
	"InstanceNormalization": {since: 6, read: readInstanceNormalization},
	"GroupNormalization":    {since: 18, read: readGroupNormalization},
	"LayerNormalization":    {since: 17, read: readLayerNormalization(false)},
	"RMSNormalization":      {since: 23, read: readLayerNormalization(true)},
	"LpNormalization":       {since: 1, read: readLpNormalization},
	"MaxPool":               {since: 1, read: readMaxPool, note: "one or two spatial dimensions, without indices"},

	// Arithmetic of two or more tensors.
	"Add":            {since: 7, read: plain[Add]},
	"PRelu":          {since: 7, read: plain[PRelu]},
	"Pow":            {since: 7, read: readPow},
	"Where":          {since: 9, read: plain[Where]},
	"And":            {since: 7, read: readLogic(And)},
	"Equal":          {since: 7, read: readCompare(Equal)},
	"Greater":        {since: 7, read: readCompare(Greater)},
	"GreaterOrEqual": {since: 12, read: readCompare(GreaterOrEqual)},
	"Less":           {since: 7, read: readCompare(Less)},
	"LessOrEqual":    {since: 12, read: readCompare(LessOrEqual)},
	"Not":            {since: 1, read: plain[Not]},
	"Or":             {since: 7, read: readLogic(Or)},
	"Xor":            {since: 7, read: readLogic(Xor)},
	"Div":            {since: 7, read: plain[Div]},
	"Max":            {since: 1, read: plain[Max]},
	"Mean":           {since: 1, read: plain[Mean]},
	"Min":            {since: 1, read: plain[Min]},
	"Mul":            {since: 7, read: plain[Mul]},
	"Sub":            {since: 7, read: plain[Sub]},
	"Sum":            {since: 1, read: plain[Sum]},

	// Activations.
	"Celu":            {since: 12, read: readCelu},
	"Clip":            {since: 6, read: readClip},
	"Elu":             {since: 1, read: readElu},
	"Gelu":            {since: 20, read: readGelu},
	"HardSigmoid":     {since: 1, read: readHardSigmoid},
	"HardSwish":       {since: 14, read: plain[HardSwish]},
	"LeakyRelu":       {since: 1, read: readLeakyRelu},
	"Mish":            {since: 18, read: plain[Mish]},
	"Relu":            {since: 1, read: plain[Relu]},
	"Selu":            {since: 1, read: readSelu},
	"Sigmoid":         {since: 1, read: plain[Sigmoid]},
	"Softplus":        {since: 1, read: plain[Softplus]},
	"Swish":           {since: 24, read: readSwish, note: "alpha 1"},
	"Softsign":        {since: 1, read: plain[Softsign]},
	"Tanh":            {since: 1, read: plain[Tanh]},
	"ThresholdedRelu": {since: 10, read: readThresholdedRelu},

	// Other functions of one number.
	"Abs":        {since: 1, read: plain[Abs]},
	"Ceil":       {since: 1, read: plain[Ceil]},
	"Erf":        {since: 9, read: plain[Erf]},
	"Exp":        {since: 1, read: plain[Exp]},
	"Floor":      {since: 1, read: plain[Floor]},
	"Log":        {since: 1, read: plain[Log]},
	"Neg":        {since: 1, read: plain[Neg]},
	"Reciprocal": {since: 1, read: plain[Reciprocal]},
	"Round":      {since: 11, read: plain[Round]},
	"Sign":       {since: 9, read: plain[Sign]},
	"Sqrt":       {since: 1, read: plain[Sqrt]},

	// Normalization over a dimension.
	"LogSoftmax": {since: 1, read: readLogSoftmax},
	"Softmax":    {since: 1, read: readSoftmax},

	// Reductions.
	"ArgMax":          {since: 1, read: readArgMax},
	"ArgMin":          {since: 1, read: readArgMin},
	"ReduceL1":        {since: 1, read: readReduce(ReduceL1)},
	"ReduceL2":        {since: 1, read: readReduce(ReduceL2)},
	"ReduceLogSum":    {since: 1, read: readReduce(ReduceLogSum)},
	"ReduceLogSumExp": {since: 1, read: readReduce(ReduceLogSumExp)},
	"ReduceMax":       {since: 1, read: readReduce(ReduceMax)},
	"ReduceMean":      {since: 1, read: readReduce(ReduceMean)},
	"ReduceMin":       {since: 1, read: readReduce(ReduceMin)},
	"ReduceProd":      {since: 1, read: readReduce(ReduceProd)},
	"ReduceSum":       {since: 1, read: readReduce(ReduceSum)},
	"ReduceSumSquare": {since: 1, read: readReduce(ReduceSumSquare)},

	// Integer codes.
	"DequantizeLinear": {since: 10, read: readDequantizeLinear, note: "constants, and codes of one scale"},
	"QLinearConv":      {since: 10, read: readQLinearConv, note: "constant weights; read as Conv and Quantize"},
	"QLinearMatMul":    {since: 10, read: readQLinearMatMul, note: "constant second operand; read as MatMul and Quantize"},
	"QuantizeLinear":   {since: 10, read: readQuantizeLinear, note: "constant scale and zero point, one for all channels"},

	// Moving elements.
	"DepthToSpace": {since: 1, read: readDepthToSpace},
	"SpaceToDepth": {since: 1, read: readSpaceToDepth},
	"Expand":       {since: 8, read: readExpand, note: "constant target"},
	"Tile":         {since: 6, read: readTile, note: "constant repeats"},
	"Gather":       {since: 1, read: readGather, note: "constant indices"},
	"Slice":        {since: 1, read: readSlice, note: "constant bounds"},
	"Split":        {since: 2, read: readSplit},
	"Resize":       {since: 10, read: readResize, note: "constant scales or sizes"},
	"Upsample":     {since: 7, read: readUpsample, note: "read as Resize", until: 9},
	"Cast":         {since: 6, read: readCast, note: "to numbers and Bool"},
	"CastLike":     {since: 15, read: readCastLike, note: "to the type of the second operand"},
	"Concat":       {since: 4, read: readConcat},
	"Dropout":      {since: 7, read: readDropout, note: "inference mode, without mask"},
	"Flatten":      {since: 1, read: readFlatten},
	"Identity":     {since: 1, read: plain[Identity]},
	"Pad":          {since: 2, read: readPad, note: "constant pads"},
	"Reshape":      {since: 5, read: readReshape, note: "constant target"},
	"Squeeze":      {since: 1, read: readSqueeze},
	"Transpose":    {since: 1, read: readTranspose},
	"Unsqueeze":    {since: 1, read: readUnsqueeze},
}

// plain reads an operator without attributes.
func plain[T any, P interface {
	*T
	Op
}](*nodeReader) Op {
	return P(new(T))
}
