// Measures qconv's runtime against ONNX Runtime, all on the core this process is pinned to, in
// alternating rounds. run speed starts it; the result is JSON on standard output, progress on standard error.
//
//   node speed.js WORK ROUNDS MILLISECONDS NETWORK...
//
// WORK holds the program measure and, for every NETWORK, a folder with its float and int8 models, its samples and its
// .qlut files.
'use strict';

const { spawn } = require('child_process');
const fs = require('fs');
const path = require('path');
const readline = require('readline');
const ort = require('./ort.js');

const PROGRAMS = ['w16', 'w256'];

const say = (text) => process.stderr.write(text + '\n');

// Program is a running measure command.
class Program {
  constructor(work, program, samples) {
    this.child = spawn(path.join(work, 'measure'), [program, samples], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  async read() {
    const { value, done } = await this.lines.next();
    if (done) throw new Error('measure ended early');
    return JSON.parse(value);
  }

  measure(milliseconds) {
    this.child.stdin.write(milliseconds + '\n');
    return this.read();
  }

  close() {
    this.child.stdin.end();
  }
}

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

// alternate measures all contenders of a network in turn and returns their medians by round.
async function alternate(network, trivial, rounds, milliseconds) {
  const contenders = {
    call: () => ort.measure(trivial.session, trivial.feeds, milliseconds / 4),
    fp32: () => ort.measure(network.float, network.feeds, milliseconds),
    int8: () => ort.measure(network.integer, network.feeds, milliseconds),
  };
  for (const [kind, p] of Object.entries(network.programs)) contenders[kind] = () => p.program.measure(milliseconds);
  const medians = Object.fromEntries(Object.keys(contenders).map((k) => [k, []]));
  for (let r = 0; r < rounds; r++) {
    for (const [k, measure] of Object.entries(contenders)) medians[k].push((await measure()).median_ns);
  }
  return medians;
}

async function main() {
  const [work, rounds, milliseconds, ...names] = process.argv.slice(2);
  const results = [];
  const trivial = await ort.trivial(path.join(work, 'trivial.onnx'));
  for (const name of names) {
    say(`${name}: preparing`);
    const network = await prepare(work, name);
    say(`${name}: ${rounds} rounds`);
    const medians = await alternate(network, trivial, +rounds, +milliseconds);
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
