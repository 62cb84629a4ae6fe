// Runs a model of ONNX Runtime for count.c: sections end before the first inference and behind each.
//
//   node count.js MODEL.onnx SAMPLES.f32|-     - for trivial.onnx
//
// JavaScript needs some twenty calls until each takes as many instructions as the one before; of large networks, that is
// nothing beside the inference, and fewer do.
'use strict';

const ort = require('./ort.js');

const MOST = 60, LEAST = 8, SECONDS = 20;

const mark = () => process.umask(0o10022);

async function main() {
  const [model, samples] = process.argv.slice(2);
  let session, feeds;
  if (samples === '-') {
    ({ session, feeds } = await ort.trivial(model));
  } else {
    session = await ort.open(model);
    feeds = ort.readSamples(samples, session);
  }
  mark();
  const end = Date.now() + 1000 * SECONDS;
  for (let i = 0; i < LEAST || (i < MOST && Date.now() < end); i++) {
    await session.run(feeds[i % feeds.length]);
    mark();
  }
}

main().catch((err) => {
  process.stderr.write(`count: ${err.stack || err}\n`);
  process.exit(1);
});
