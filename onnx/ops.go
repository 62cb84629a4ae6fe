package onnx

// opEntry is how one ONNX operator becomes a typed one.
type opEntry struct {
	since int    // first opset that has the operator in a form we read
	until int    // last one, 0 if it is still there
	note  string // what is read of it, empty if all
	// read makes the operator from a node of any opset; the inputs it leaves in the
	// nodeReader are those of the node in the graph.
	read func(r *nodeReader) Op
	// say reads it as several nodes instead.
	say phrase
	// before7 reads it, in place of both, where the opset is below 7.
	before7 phrase
	// anywhere says that its phrase takes operands whose batch is not dimension 0.
	anywhere bool
	// sourceless says that the node may have no inputs.
	sourceless bool
}

// ops are the supported operators of the default domain, by name.
var ops = map[string]opEntry{
	// Linear maps.
	"Conv":               {since: 1, read: readConv, note: "one or two spatial dimensions"},
	"ConvTranspose":      {since: 1, read: readConvTranspose, note: "one or two spatial dimensions"},
	"Gemm":               {since: 1, read: readGemm},
	"MatMul":             {since: 1, read: plain[MatMul]},
	"LSTM":               {since: 7, say: sayRecurrent(cells["LSTM"]), anywhere: true, note: recurrentNote},
	"GRU":                {since: 7, say: sayRecurrent(cells["GRU"]), anywhere: true, note: recurrentNote},
	"RNN":                {since: 7, say: sayRecurrent(cells["RNN"]), anywhere: true, note: recurrentNote},
	"BatchNormalization": {since: 1, read: readBatchNormalization, note: "inference mode"},

	// Pooling.
	"AveragePool":           {since: 1, say: sayAveragePool, note: "one or two spatial dimensions"},
	"GlobalAveragePool":     {since: 1, read: readGlobalPool(plain[GlobalAveragePool], ReduceMean)},
	"GlobalMaxPool":         {since: 1, read: readGlobalPool(plain[GlobalMaxPool], ReduceMax)},
	"LRN":                   {since: 1, read: readLRN},
	"InstanceNormalization": {since: 1, read: readInstanceNormalization},
	"GroupNormalization":    {since: 18, read: readGroupNormalization},
	"LayerNormalization":    {since: 1, read: readLayerNormalization(false)},
	"RMSNormalization":      {since: 23, read: readLayerNormalization(true)},
	"LpNormalization":       {since: 1, read: readLpNormalization},
	"MaxPool":               {since: 1, read: readMaxPool, note: "one or two spatial dimensions, without indices"},

	// Arithmetic of two or more tensors.
	"Add":            {since: 1, read: plain[Add], before7: sayBefore7(plain[Add])},
	"PRelu":          {since: 1, read: plain[PRelu], before7: sayPReluBefore7},
	"Pow":            {since: 1, read: readPow, before7: sayBefore7(readPow)},
	"Where":          {since: 9, read: plain[Where]},
	"And":            {since: 1, read: readLogic(And), before7: sayBefore7(readLogic(And))},
	"Equal":          {since: 1, read: readCompare(Equal), before7: sayBefore7(readCompare(Equal))},
	"Greater":        {since: 1, read: readCompare(Greater), before7: sayBefore7(readCompare(Greater))},
	"GreaterOrEqual": {since: 12, read: readCompare(GreaterOrEqual)},
	"Less":           {since: 1, read: readCompare(Less), before7: sayBefore7(readCompare(Less))},
	"LessOrEqual":    {since: 12, read: readCompare(LessOrEqual)},
	"Not":            {since: 1, read: plain[Not]},
	"Or":             {since: 1, read: readLogic(Or), before7: sayBefore7(readLogic(Or))},
	"Xor":            {since: 1, read: readLogic(Xor), before7: sayBefore7(readLogic(Xor))},
	"Div":            {since: 1, read: plain[Div], before7: sayBefore7(plain[Div])},
	"Max":            {since: 1, read: plain[Max]},
	"Mean":           {since: 1, read: plain[Mean]},
	"Min":            {since: 1, read: plain[Min]},
	"Mul":            {since: 1, read: plain[Mul], before7: sayBefore7(plain[Mul])},
	"Sub":            {since: 1, read: plain[Sub], before7: sayBefore7(plain[Sub])},
	"Sum":            {since: 1, read: plain[Sum]},

	// Activations.
	"Celu":            {since: 12, read: readCelu},
	"Clip":            {since: 1, read: readClip},
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
	"ThresholdedRelu": {since: 1, read: readThresholdedRelu},

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

	"Sin":    {since: 7, read: readCircular("Sin")},
	"Cos":    {since: 7, read: readCircular("Cos")},
	"Tan":    {since: 7, read: readCircular("Tan")},
	"Asin":   {since: 7, read: readCircular("Asin")},
	"Acos":   {since: 7, read: readCircular("Acos")},
	"Atan":   {since: 7, read: readCircular("Atan")},
	"Sinh":   {since: 9, read: readCircular("Sinh")},
	"Cosh":   {since: 9, read: readCircular("Cosh")},
	"Asinh":  {since: 9, read: readCircular("Asinh")},
	"Acosh":  {since: 9, read: readCircular("Acosh")},
	"Atanh":  {since: 9, read: readCircular("Atanh")},
	"IsInf":  {since: 10, read: readIsInf},
	"IsNaN":  {since: 9, read: plain[IsNaN]},
	"Mod":    {since: 10, read: readMod},
	"Shrink": {since: 9, read: readShrink},

	// Normalization over a dimension.
	"LogSoftmax": {since: 1, anywhere: true, say: saySoftmax(true)},
	"Softmax":    {since: 1, anywhere: true, say: saySoftmax(false)},

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
	"DequantizeLinear": {since: 10, say: sayDequantizeLinear, note: "constants, codes and other integers"},
	"QLinearConv":      {since: 10, read: readQLinearConv, note: "constant weights; read as Conv and Quantize"},
	"QLinearMatMul":    {since: 10, read: readQLinearMatMul, note: "constant second operand; read as MatMul and Quantize"},
	"QuantizeLinear":   {since: 10, say: sayQuantizeLinear, note: "constant scale and zero point; the scale may differ by channel"},

	"ConvInteger":           {since: 10, say: sayInteger(readConv, 0), note: "constant weights; read as Conv"},
	"DynamicQuantizeLinear": {since: 11, say: sayDynamicQuantizeLinear, note: dynamicTwin},
	"MatMulInteger":         {since: 10, say: sayInteger(plain[MatMul], -1), note: "read as MatMul"},

	// Moving elements.
	"DepthToSpace": {since: 1, read: readDepthToSpace},
	"SpaceToDepth": {since: 1, read: readSpaceToDepth},
	"Expand":       {since: 8, read: readExpand, note: "constant target"},
	"Tile":         {since: 1, read: readTile, note: "constant repeats"},
	"Gather":       {since: 1, anywhere: true, say: sayGather, note: "constant indices, or a constant table"},
	"Slice":        {since: 1, read: readSlice, note: "constant bounds"},
	"Split":        {since: 2, read: readSplit},
	"Resize":       {since: 10, read: readResize, note: "constant scales or sizes"},
	"Upsample":     {since: 1, read: readUpsample, note: "read as Resize", until: 9},
	"Cast":         {since: 1, read: readCast, note: "to numbers and Bool"},
	"CastLike":     {since: 15, read: readCastLike, note: "to the type of the second operand"},
	"Concat":       {since: 1, read: readConcat},
	"Dropout":      {since: 1, anywhere: true, say: sayDropout, note: "inference mode"},
	"Flatten":      {since: 1, read: readFlatten},
	"Identity":     {since: 1, read: plain[Identity]},
	"Pad":          {since: 1, read: readPad, note: "constant pads"},
	"Reshape":      {since: 1, read: readReshape, note: "constant target"},
	"Squeeze":      {since: 1, read: readSqueeze},
	"Transpose":    {since: 1, read: readTranspose},
	"Unsqueeze":    {since: 1, read: readUnsqueeze},

	// Read as several of the others.
	"AffineGrid":                   {since: 20, say: sayAffineGrid, note: "of constants, two spatial dimensions"},
	"Affine":                       {since: 1, say: sayAffine, until: 9},
	"Compress":                     {since: 9, say: sayCompress, note: "constant condition"},
	"ConcatFromSequence":           {since: 11, say: sayConcatFromSequence, note: sequenceNote},
	"Crop":                         {since: 1, say: sayCrop, until: 9},
	"CumSum":                       {since: 11, say: sayCumSum, note: "constant axis"},
	"Einsum":                       {since: 12, say: sayEinsum, note: "without diagonals"},
	"GatherElements":               {since: 11, say: sayGatherElements, note: "constant indices"},
	"GatherND":                     {since: 11, say: sayGatherND, note: "constant indices"},
	"GridSample":                   {since: 16, say: sayGridSample, note: "constant grid, two spatial dimensions, linear or nearest"},
	"GlobalLpPool":                 {since: 1, say: sayLpPool(true)},
	"Hardmax":                      {since: 1, say: sayHardmax},
	"ImageScaler":                  {since: 1, say: sayImageScaler, until: 9},
	"LpPool":                       {since: 1, say: sayLpPool(false), note: "one or two spatial dimensions"},
	"MeanVarianceNormalization":    {since: 9, say: sayMeanVariance},
	"OneHot":                       {since: 9, say: sayOneHot, note: "constant depth and values"},
	"ReverseSequence":              {since: 10, say: sayReverseSequence, note: "constant lengths"},
	"Scatter":                      {since: 9, say: sayScatterElements, note: "constant indices", until: 10},
	"ScatterElements":              {since: 11, say: sayScatterElements, note: "constant indices"},
	"ScatterND":                    {since: 11, say: sayScatterND, note: "constant indices"},
	"SequenceAt":                   {since: 11, say: saySequenceAt, note: sequenceNote},
	"SequenceConstruct":            {since: 11, say: saySequenceConstruct, note: sequenceNote},
	"SequenceEmpty":                {since: 11, sourceless: true, say: saySequenceEmpty, note: sequenceNote},
	"SequenceInsert":               {since: 11, say: saySequenceInsert, note: sequenceNote},
	"SequenceLength":               {since: 11, say: saySequenceLength, note: sequenceNote},
	"SimplifiedLayerNormalization": {since: 1, read: readLayerNormalization(true), note: "of ONNX Runtime's optimizer"},
	"SplitToSequence":              {since: 11, say: saySplitToSequence, note: sequenceNote},
	"Unique":                       {since: 11, say: sayUnique, note: "of shapes and constants, without an axis"},
	"TopK":                         {since: 1, say: sayTopK, note: "k 1"},
	"Trilu":                        {since: 14, say: sayTrilu, note: "constant diagonal"},
}

// sequenceNote is said of what reads or makes a sequence of tensors.
const sequenceNote = "sequences of known length"

// recurrentNote is said of recurrent layers.
const recurrentNote = "constant weights; all sequences of full length"

// plain reads an operator without attributes.
func plain[T any, P interface {
	*T
	Op
}](*nodeReader) Op {
	return P(new(T))
}
