// Measures qconv's runtime against ONNX Runtime, all on the core this process is pinned to, in
// alternating rounds. run speed starts it; the result is JSON on standard output, progress on standard error.
//
//   node speed.js WORK ROUNDS MILLISECONDS NETWORK...
//
// WORK holds the program measure and, for every NETWORK, a folder with its float and int8 models, its samples and its
// .qlut files.
'use strict';

const fs = require('fs');
const path = require('path');
const ort = require('./ort.js');
const { Program, alternate } = require('./rounds.js');

const PROGRAMS = ['w16', 'w256'];

const say = (text) => process.stderr.write(text + '\n');

// prepare opens all contenders of a network.
async function prepare(work, name) {
  const file = (f) => path.join(work, name, f);
  const float = await ort.open(file('float.onnx'));
  const network = {
    name, float, integer: await ort.open(file('int8.onnx')), feeds: ort.readSamples(file('samples.f32'), float),
    ...JSON.parse(fs.readFileSync(file('contenders.json'), 'utf8')), programs: {},
  };
  for (const kind of PROGRAMS) {
    const program = new Program(work, file(kind + '.qlut'), file('samples.f32'));
    network.programs[kind] = { program, ...(await program.read()) };
  }
  return network;
}

async function main() {
  const [work, rounds, milliseconds, ...names] = process.argv.slice(2);
  const results = [];
  const trivial = await ort.trivial(path.join(work, 'trivial.onnx'));
  for (const name of names) {
    say(`${name}: preparing`);
    const network = await prepare(work, name);
    say(`${name}: ${rounds} rounds`);
    const contenders = {
      call: () => ort.measure(trivial.session, trivial.feeds, milliseconds / 4),
      fp32: () => ort.measure(network.float, network.feeds, milliseconds),
      int8: () => ort.measure(network.integer, network.feeds, milliseconds),
    };
    for (const [kind, p] of Object.entries(network.programs)) contenders[kind] = () => p.program.measure(milliseconds);
    const medians = await alternate(contenders, +rounds);
    const programs = {};
    for (const [kind, { program, ...description }] of Object.entries(network.programs)) {
      program.close();
      programs[kind] = description;
    }
    const { operators, int8_difference } = network;
    results.push({ name, operators, int8_difference, medians, programs });
  }
  process.stdout.write(JSON.stringify(results, null, 1) + '\n');
}

main().catch((err) => {
  say(`speed: ${err.stack || err}`);
  process.exit(1);
});
