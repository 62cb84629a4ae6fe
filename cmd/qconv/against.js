// Times inferences of ONNX Runtime for qconv bench --against.
//
//	node -e SCRIPT -- MODEL.onnx THREADS
//
// The first line of output is {"version"}, or {"missing": true} where the package is not found, or {"error"}. Every line of input, a number of
// milliseconds, is answered by what all inferences so far took: {"median_ns", "runs", "call_ns"}, of which the last is
// the median of calls that do nothing.
'use strict';

const { performance } = require('perf_hooks');
const readline = require('readline');

// A model of one Relu of one element.
const TRIVIAL = 'CAg6UwoVCgVpbnB1dBIGb3V0cHV0IgRSZWx1Egd0cml2aWFsWhcKBWlucHV0Eg4KDAgBEggKAggBCgIIAWIYCgZvdXRwdXQSDgoMCAESCAoCCAEKAggBQgQKABAN';

const ARRAYS = {
  float32: Float32Array, float64: Float64Array, bool: Uint8Array, uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array,
  uint32: Uint32Array, int32: Int32Array, uint64: BigUint64Array, int64: BigInt64Array, float16: Uint16Array,
};

const answer = (line) => process.stdout.write(JSON.stringify(line) + '\n');

function load() {
  try {
    return require(require.resolve('onnxruntime-node', { paths: [process.env.QCONV_ONNXRUNTIME || process.cwd()] }));
  } catch (err) {
    if (err.code !== 'MODULE_NOT_FOUND') throw err;
    return null;
  }
}

// feed makes inputs of random numbers from 0 to 1, zeros where they are whole; open dimensions are 1.
function feed(ort, session) {
  const inputs = {};
  for (const { name, type, shape } of session.inputMetadata) {
    const dims = shape.map((n) => (typeof n === 'number' && n > 0 ? n : 1));
    const Type = ARRAYS[type];
    if (!Type) throw new Error(`input ${name} is of type ${type}`);
    const data = new Type(dims.reduce((a, b) => a * b, 1));
    if (type.startsWith('float') && type !== 'float16') data.forEach((_, i) => { data[i] = Math.random(); });
    inputs[name] = new ort.Tensor(type, data, dims);
  }
  return inputs;
}

function median(times) {
  const sorted = Float64Array.from(times).sort();
  return Math.round(sorted[sorted.length >> 1] * 1e6);
}

// repeat runs a session for some milliseconds, at least once, and appends the time of each call.
async function repeat({ session, inputs, times }, milliseconds) {
  let begin = performance.now();
  const end = begin + milliseconds;
  do {
    await session.run(inputs);
    const now = performance.now();
    times.push(now - begin);
    begin = now;
  } while (begin < end);
}

async function main() {
  const [model, threads] = process.argv.slice(1);
  const ort = load();
  if (!ort) return answer({ missing: true });
  const options = {
    executionProviders: ['cpu'], graphOptimizationLevel: 'all', executionMode: 'sequential',
    intraOpNumThreads: +threads, interOpNumThreads: 1, logSeverityLevel: 4,
  };
  const contender = async (m) => {
    const session = await ort.InferenceSession.create(m, options);
    const inputs = feed(ort, session);
    await session.run(inputs); // memory is allocated, caches are filled
    return { session, inputs, times: [] };
  };
  const network = await contender(model);
  const call = await contender(Buffer.from(TRIVIAL, 'base64'));
  answer({ version: ort.env.versions.node });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    await repeat(network, +line);
    await repeat(call, +line / 10);
    answer({ median_ns: median(network.times), runs: network.times.length, call_ns: median(call.times) });
  }
}

main().catch((err) => answer({ error: String(err.message || err).split('\n')[0] }));
