// Measures single layers: qconv's runtime against ONNX Runtime, all on the core this process is pinned to, in alternating
// rounds. run layers starts it; the result is JSON on standard output, progress on standard error.
//
//   node layers.js WORK ROUNDS MILLISECONDS LAYER...
//
// WORK holds the program measure, and for every LAYER a folder WORK/layers/LAYER with its models and .qlut files. Of a
// program the instructions are timed, without the copying of inputs and outputs that a network does once. ONNX Runtime
// runs a model as it stands and with another layout of its tensors, which pays within a network but has to be made and unmade here.
'use strict';

const fs = require('fs');
const path = require('path');
const ort = require('./ort.js');
const { Program, alternate } = require('./rounds.js');

const PROGRAMS = ['w16', 'w16free', 'w256'];

async function measureLayer(work, name, trivial, rounds, milliseconds) {
  const file = (f) => path.join(work, 'layers', name, f);
  const contenders = { call: () => ort.measure(trivial.session, trivial.feeds, milliseconds / 4) };
  for (const level of ['all', 'extended']) {
    const float = await ort.open(file('float.onnx'), null, level);
    const integer = await ort.open(file('int8.onnx'), null, level);
    const feeds = ort.readSamples(file('samples.f32'), float);
    const levels = [ort.randomLevels(integer)];
    contenders[`fp32_${level}`] = () => ort.measure(float, feeds, milliseconds);
    contenders[`int8_${level}`] = () => ort.measure(integer, levels, milliseconds);
  }
  const programs = {};
  const running = [];
  for (const kind of PROGRAMS) {
    const program = new Program(work, file(kind + '.qlut'), file('samples.f32'));
    running.push(program);
    programs[kind] = await program.read();
    contenders[kind] = () => program.measure(milliseconds, 'instructions');
  }
  const medians = await alternate(contenders, rounds);
  for (const program of running) program.close();
  return { name, medians, programs, ...JSON.parse(fs.readFileSync(file('contenders.json'), 'utf8')) };
}

async function main() {
  const [work, rounds, milliseconds, ...names] = process.argv.slice(2);
  const trivial = await ort.trivial(path.join(work, 'trivial.onnx'));
  const results = [];
  for (const name of names) {
    results.push(await measureLayer(work, name, trivial, +rounds, +milliseconds));
    process.stderr.write(`${results.length}/${names.length} ${name}\n`);
  }
  process.stdout.write(JSON.stringify(results, null, 1) + '\n');
}

main().catch((err) => {
  process.stderr.write(`layers: ${err.stack || err}\n`);
  process.exit(1);
});
