// Measures qconv's runtime against ONNX Runtime, all on the core this process is pinned to, in
// alternating rounds. run speed starts it; the result is JSON on standard output, progress on standard error.
//
//   node speed.js WORK MODELS ROUNDS MILLISECONDS NETWORK...
//
// WORK holds the program measure and, for every NETWORK, a folder with its folded float model, its samples and its
// .qlut files; the int8 models are made there too. MODELS is the folder of the float models as they were, NETWORK.onnx.
'use strict';

const { execFileSync, spawn } = require('child_process');
const fs = require('fs');
const path = require('path');
const readline = require('readline');
const ort = require('./ort.js');

const PROGRAMS = ['w16', 'w256'];
const PYTHON = process.env.QCONV_BENCH_PYTHON || '/usr/bin/python3';

const say = (text) => process.stderr.write(text + '\n');
const int8 = (...args) => execFileSync(PYTHON, [path.join(__dirname, 'int8.py'), ...args], { encoding: 'utf8' });

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

// prepare makes the int8 model of a network and opens all its contenders.
async function prepare(work, models, name) {
  const dir = path.join(work, name);
  const file = (f) => path.join(dir, f);
  const source = path.join(models, name + '.onnx');
  const float = await ort.open(file('float.onnx'));
  const feeds = ort.readSamples(file('samples.f32'), float);
  fs.writeFileSync(file('ranges.json'), JSON.stringify(await ort.ranges(await ort.open(file('taps.onnx')), feeds)));
  int8('quantize', file('float.onnx'), file('ranges.json'), file('int8.onnx'));
  const integer = await ort.open(file('int8.onnx'), file('int8.optimized.onnx'));
  const operators = checkInteger(name, JSON.parse(int8('operators', file('float.onnx'))), JSON.parse(int8('operators', file('int8.optimized.onnx'))));
  const changed = await ort.difference(await ort.open(source), float, feeds);
  if (changed.largest > 1e-4 * Math.max(1, changed.size)) {
    throw new Error(`${name}: folding changed an output by ${changed.largest}`);
  }
  const network = {
    name, feeds, float, integer, operators,
    int8_difference: await ort.difference(float, integer, feeds), programs: {},
  };
  for (const kind of PROGRAMS) {
    const program = new Program(work, file(kind + '.qlut'), file('samples.f32'));
    network.programs[kind] = { program, ...(await program.read()) };
  }
  return network;
}

// checkInteger makes sure that ONNX Runtime runs every Conv and Gemm of the int8 model on integers.
function checkInteger(name, float, optimized) {
  const short = (op) => op.replace('com.microsoft.', '');
  const ops = {};
  for (const [op, n] of Object.entries(optimized)) ops[short(op)] = (ops[short(op)] || 0) + n;
  for (const [op, kernel] of [['Conv', 'QLinearConv'], ['Gemm', 'QGemm']]) {
    if ((float[op] || 0) !== (ops[kernel] || 0)) {
      throw new Error(`${name}: ONNX Runtime runs ${ops[kernel] || 0} of ${float[op]} ${op} on integers: ${JSON.stringify(ops)}`);
    }
  }
  return ops;
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
  const [work, models, rounds, milliseconds, ...names] = process.argv.slice(2);
  const results = [];
  const file = path.join(work, 'trivial.onnx');
  int8('trivial', file);
  const session = await ort.open(file);
  const trivial = { session, feeds: [{ input: new (require('onnxruntime-node').Tensor)('float32', [1], [1, 1]) }] };
  for (const name of names) {
    say(`${name}: preparing`);
    const network = await prepare(work, models, name);
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
