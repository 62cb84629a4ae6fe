// What the benchmark does with ONNX Runtime, from npm's onnxruntime-node.
'use strict';

const fs = require('fs');
const ort = require('onnxruntime-node');

// open loads a model for one thread; with optimized it also writes the graph as ONNX Runtime runs it at that level.
async function open(path, optimized, level = 'all') {
  const options = {
    executionProviders: ['cpu'], graphOptimizationLevel: level, executionMode: 'sequential',
    intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3,
  };
  if (optimized) options.optimizedModelFilePath = optimized;
  return ort.InferenceSession.create(path, options);
}

// readSamples cuts a file of float32 into feeds for a session: all inputs of a sample, then those of the next.
function readSamples(path, session) {
  const bytes = fs.readFileSync(path);
  const all = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const inputs = session.inputMetadata.map(({ name, shape }) => {
    const dims = shape.map((n) => (typeof n === 'number' && n > 0 ? n : 1));
    return { name, dims, size: dims.reduce((a, b) => a * b, 1) };
  });
  const size = inputs.reduce((a, input) => a + input.size, 0);
  if (all.length === 0 || all.length % size !== 0) {
    throw new Error(`${path} has ${all.length} elements, want a multiple of ${size}`);
  }
  const feeds = [];
  for (let at = 0; at < all.length;) {
    const feed = {};
    for (const { name, dims, size } of inputs) {
      feed[name] = new ort.Tensor('float32', all.slice(at, at + size), dims);
      at += size;
    }
    feeds.push(feed);
  }
  return feeds;
}

// randomInputs is a feed for a session: levels of 8 bits, or what a Relu lets through.
function randomInputs(session) {
  const feed = {};
  for (const { name, type, shape } of session.inputMetadata) {
    const length = shape.reduce((a, b) => a * b, 1);
    const data = type === 'uint8' ? Uint8Array.from({ length }, () => Math.random() * 256)
      : Float32Array.from({ length }, () => Math.max(0, Math.random() - 0.4));
    feed[name] = new ort.Tensor(type, data, shape);
  }
  return feed;
}

// room is memory for the results of a session, so that no call has to find some.
async function room(session, feed) {
  const results = {};
  for (const [name, t] of Object.entries(await session.run(feed))) results[name] = new ort.Tensor(t.type, t.data.slice(), t.dims);
  return results;
}

// trivial is what a call costs: a session that does nothing worth mentioning, with its feeds.
async function trivial(path) {
  return { session: await open(path), feeds: [{ input: new ort.Tensor('float32', [1], [1, 1]) }] };
}

// ranges returns the smallest and largest value of every input and output over all feeds.
async function ranges(session, feeds) {
  const found = {};
  const add = (name, data) => {
    const r = (found[name] ||= [Infinity, -Infinity]);
    for (const v of data) {
      if (v < r[0]) r[0] = v;
      if (v > r[1]) r[1] = v;
    }
  };
  for (const feed of feeds) {
    for (const [name, t] of Object.entries(feed)) add(name, t.data);
    for (const [name, t] of Object.entries(await session.run(feed))) add(name, t.data);
  }
  return found;
}

// measure runs the feeds in turn for some milliseconds, each at least once, and returns the median
// time of a call in nanoseconds and the number of calls. Results go to the memory that is given for them.
async function measure(session, feeds, milliseconds, results = session.outputNames) {
  const times = [];
  let begin = process.hrtime.bigint();
  const end = begin + BigInt(Math.round(milliseconds * 1e6));
  while (times.length < feeds.length || begin < end) {
    await session.run(feeds[times.length % feeds.length], results);
    const now = process.hrtime.bigint();
    times.push(Number(now - begin));
    begin = now;
  }
  times.sort((a, b) => a - b);
  return { median_ns: times[times.length >> 1], runs: times.length };
}

// difference compares the outputs of two sessions: the largest difference and the largest value of the first.
async function difference(a, b, feeds) {
  let largest = 0, size = 0;
  for (const feed of feeds) {
    const x = Object.values(await a.run(feed))[0].data;
    const y = Object.values(await b.run(feed))[0].data;
    x.forEach((v, i) => { largest = Math.max(largest, Math.abs(v - y[i])); size = Math.max(size, Math.abs(v)); });
  }
  return { largest, size };
}

module.exports = { open, readSamples, randomInputs, room, trivial, ranges, measure, difference };
