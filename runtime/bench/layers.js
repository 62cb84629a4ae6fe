// Measures single layers: qconv's runtime against ONNX Runtime, all on the core this process is pinned to, in alternating
// rounds. run layers starts it; the result is JSON on standard output, progress on standard error.
//
//   node layers.js WORK ROUNDS MILLISECONDS LAYER...
//
// WORK holds the program measure, and for every LAYER a folder WORK/layers/LAYER with its models and .qlut files. Of a
// program the instructions are timed, without the copying of inputs and outputs that a network does once. ONNX Runtime
// runs a model as it stands (plain), and several times what is left of the layer within a network (bare, see bare.py).
'use strict';

const fs = require('fs');
const path = require('path');
const ort = require('./ort.js');
const { Program, alternate } = require('./rounds.js');

const PROGRAMS = ['w16', 'w16free', 'w256'];

async function measureLayer(work, name, trivial, rounds, milliseconds) {
  const file = (f) => path.join(work, 'layers', name, f);
  const contenders = { call: () => ort.measure(trivial.session, trivial.feeds, milliseconds / 4) };
  for (const [form, ending, level] of [['plain', '.onnx', 'extended'], ['bare', '.bare.onnx', 'disabled']]) {
    for (const [name, kind] of [['fp32', 'float'], ['int8', 'int8']]) {
      const session = await ort.open(file(kind + ending), null, level);
      const feeds = [ort.randomInputs(session)];
      const results = await ort.room(session, feeds[0]);
      contenders[`${name}_${form}`] = () => ort.measure(session, feeds, milliseconds, results);
    }
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
