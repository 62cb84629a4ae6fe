// Runs a model of ONNX Runtime for count.c: sections end before the first inference and behind each.
//
//   node count.js MODEL.onnx SAMPLES.f32|- COUNT     - for trivial.onnx
'use strict';

const ort = require('./ort.js');

const mark = () => process.umask(0o10022);

async function main() {
  const [model, samples, count] = process.argv.slice(2);
  let session, feeds;
  if (samples === '-') {
    ({ session, feeds } = await ort.trivial(model));
  } else {
    session = await ort.open(model);
    feeds = ort.readSamples(samples, session);
  }
  mark();
  for (let i = 0; i < +count; i++) {
    await session.run(feeds[i % feeds.length]);
    mark();
  }
}

main().catch((err) => {
  process.stderr.write(`count: ${err.stack || err}\n`);
  process.exit(1);
});
