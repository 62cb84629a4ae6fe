// Runs an ONNX model on batches with ONNX Runtime and prints samples per second.
//
//   node evaluate.js MODEL.onnx BATCH THREADS SECONDS
'use strict';

const ort = require('onnxruntime-node');

async function main() {
  const [path, batch, threads, seconds] = process.argv.slice(2);
  const session = await ort.InferenceSession.create(path, {
    executionProviders: ['cpu'], graphOptimizationLevel: 'all', intraOpNumThreads: +threads, interOpNumThreads: 1, logSeverityLevel: 3,
  });
  const input = session.inputMetadata[0];
  const shape = [+batch, ...input.shape.slice(1)];
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).map((_, i) => (i % 17) / 17);
  const feed = { [input.name]: new ort.Tensor('float32', data, shape) };
  await session.run(feed);
  let runs = 0;
  const begin = process.hrtime.bigint();
  let elapsed = 0;
  for (; elapsed < +seconds; runs++, elapsed = Number(process.hrtime.bigint() - begin) / 1e9) await session.run(feed);
  console.log(runs * +batch / elapsed);
}

main().catch((err) => { console.error(err); process.exit(1); });
