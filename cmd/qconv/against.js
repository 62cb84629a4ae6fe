// Times inferences of ONNX Runtime for qconv bench --against.
//
//	node -e SCRIPT -- MODEL.onnx THREADS
//
// The first line of input are the inputs of a sample, [{"shape", "data": base64 of float32}]. The first line of output is {"version"}, or
// {"missing": true} where the package is not found, or {"error"}. Every further line of input, a number of milliseconds, is answered by
// what all inferences so far took: {"median_ns", "runs", "call_ns"}, of which the last is the median of calls that do nothing.
'use strict';

const { performance } = require('perf_hooks');
const readline = require('readline');

// A model of one Relu of one element.
const TRIVIAL = 'CAg6UwoVCgVpbnB1dBIGb3V0cHV0IgRSZWx1Egd0cml2aWFsWhcKBWlucHV0Eg4KDAgBEggKAggBCgIIAWIYCgZvdXRwdXQSDgoMCAESCAoCCAEKAggBQgQKABAN';

const ARRAYS = {
  float32: Float32Array, float64: Float64Array, bool: Uint8Array, uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array,
  uint32: Uint32Array, int32: Int32Array, uint64: BigUint64Array, int64: BigInt64Array, float16: Uint16Array,
};

// Types whose elements are not numbers of JavaScript; half floats are zeros.
const CONVERT = {
  int64: (data) => BigInt64Array.from(data, (v) => BigInt(Math.trunc(v))),
  uint64: (data) => BigUint64Array.from(data, (v) => BigInt(Math.trunc(v))),
  float16: (data) => new Uint16Array(data.length),
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

// feed makes a session's inputs of those given, {"shape", "data"} of one sample each; dimensions that the model leaves open are theirs.
function feed(ort, session, given) {
  const metadata = session.inputMetadata;
  if (metadata.length !== given.length) throw new Error(`the model has ${metadata.length} inputs, want ${given.length}`);
  const inputs = {};
  metadata.forEach(({ name, type, shape }, i) => {
    const own = [1, ...given[i].shape];
    const open = (k) => (shape.length === own.length ? own[k] : 1);
    const dims = shape.map((n, k) => (typeof n === 'number' && n > 0 ? n : open(k)));
    const size = dims.reduce((a, b) => a * b, 1);
    const { data } = given[i];
    if (size !== data.length) throw new Error(`input ${name} has the shape ${dims.join('x')}, want ${data.length} elements`);
    if (!ARRAYS[type]) throw new Error(`input ${name} is of type ${type}`);
    inputs[name] = new ort.Tensor(type, CONVERT[type] ? CONVERT[type](data) : ARRAYS[type].from(data), dims);
  });
  return inputs;
}

function median(times) {
  const sorted = Float64Array.from(times).sort();
  return Math.round(sorted[sorted.length >> 1] * 1e6);
}

// repeat runs a contender for some milliseconds, at least once, and appends the time of each call, of many calls every so many.
async function repeat(c, milliseconds) {
  let begin = performance.now();
  const end = begin + milliseconds;
  do {
    await c.session.run(c.inputs);
    const now = performance.now();
    if (c.runs++ % c.every === 0) c.times.push(now - begin);
    if (c.times.length >= 1 << 18) {
      c.times = c.times.filter((_, i) => i % 2 === 0);
      c.every *= 2;
    }
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
  const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const given = JSON.parse((await lines.next()).value);
  for (const input of given) input.data = new Float32Array(Uint8Array.from(Buffer.from(input.data, 'base64')).buffer);
  const contender = async (m, given) => {
    const session = await ort.InferenceSession.create(m, options);
    const inputs = feed(ort, session, given);
    await session.run(inputs); // memory is allocated, caches are filled
    return { session, inputs, times: [], runs: 0, every: 1 };
  };
  const network = await contender(model, given);
  const call = await contender(Buffer.from(TRIVIAL, 'base64'), [{ shape: [1], data: Float32Array.of(1) }]);
  answer({ version: ort.env.versions.node });
  for await (const line of lines) {
    await repeat(network, +line);
    await repeat(call, +line / 10);
    answer({ median_ns: median(network.times), runs: network.runs, call_ns: median(call.times) });
  }
}

main().catch((err) => answer({ error: String(err.message || err).split('\n')[0] }));
