// Runs ONNX files with ONNX Runtime: reads one JSON object a line from standard input,
//   {"model": base64, "runs": [{NAME: {"type", "dims", "data": base64}}]}
// and answers each with a line {"runs": [{NAME: {"type", "dims", "data"}}]} or {"error": text}.
const paths = [process.env.QCONV_ONNXRUNTIME || process.cwd()];
const ort = require(require.resolve('onnxruntime-node', { paths }));
const arrays = {
  float32: Float32Array, float64: Float64Array, int64: BigInt64Array, int32: Int32Array,
  int8: Int8Array, uint8: Uint8Array, bool: Uint8Array,
};
const options = { logSeverityLevel: 4, graphOptimizationLevel: 'disabled', intraOpNumThreads: 1, interOpNumThreads: 1 };

function tensor({ type, dims, data }) {
  const bytes = Uint8Array.from(Buffer.from(data, 'base64'));
  return new ort.Tensor(type, new arrays[type](bytes.buffer), dims);
}

async function answer(line) {
  let session;
  try {
    const { model, runs } = JSON.parse(line);
    session = await ort.InferenceSession.create(new Uint8Array(Buffer.from(model, 'base64')), options);
    const results = [];
    for (const run of runs) {
      const feeds = {};
      for (const name of session.inputNames) if (run[name]) feeds[name] = tensor(run[name]);
      const outs = await session.run(feeds);
      const result = {};
      for (const [name, t] of Object.entries(outs)) {
        const { buffer, byteOffset, byteLength } = t.data;
        result[name] = { type: t.type, dims: Array.from(t.dims), data: Buffer.from(buffer, byteOffset, byteLength).toString('base64') };
      }
      results.push(result);
    }
    return { runs: results };
  } catch (e) {
    return { error: String(e && e.message || e) };
  } finally {
    if (session) await session.release();
  }
}

async function main() {
  process.stdout.write('ready\n');
  for await (const line of require('readline').createInterface({ input: process.stdin })) {
    process.stdout.write(JSON.stringify(await answer(line)) + '\n');
  }
}
main();
