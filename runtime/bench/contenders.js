// Makes ONNX Runtime's contenders for networks, or for layers, and looks at them. run starts it.
//
//   node contenders.js network|layer FOLDER...
//
// The folder of a network holds source.onnx and samples.f32; it gets float.onnx, int8.onnx and contenders.json, which says what
// operators the int8 model consists of when it runs, and how far its outputs are off. That of a layer holds float.onnx;
// inputs and outputs of its int8 model are levels. float.bare.onnx and int8.bare.onnx hold it several times as it runs within a
// network, see bare.py.
'use strict';

const { execFileSync } = require('child_process');
const fs = require('fs');
const path = require('path');
const ort = require('./ort.js');

const PYTHON = process.env.QCONV_BENCH_PYTHON || '/usr/bin/python3';
const python = (script) => (...args) => execFileSync(PYTHON, [path.join(__dirname, script), ...args], { encoding: 'utf8' });
const int8 = python('int8.py'), bare = python('bare.py');

async function makeNetwork(folder) {
  const file = (f) => path.join(folder, f);
  // ONNX Runtime's own simplifications first: they compute what is constant.
  const source = await ort.open(file('source.onnx'), file('basic.onnx'), 'basic');
  int8('fold', file('basic.onnx'), folder);
  const float = await ort.open(file('float.onnx'));
  const feeds = ort.readSamples(file('samples.f32'), float);
  const changed = await ort.difference(source, float, feeds);
  if (changed.largest > 1e-4 * Math.max(1, changed.size)) throw new Error(`folding changed an output by ${changed.largest}`);
  fs.writeFileSync(file('ranges.json'), JSON.stringify(await ort.ranges(await ort.open(file('taps.onnx')), feeds)));
  int8('quantize', file('float.onnx'), file('ranges.json'), file('int8.onnx'));
  const integer = await ort.open(file('int8.onnx'), file('int8.optimized.onnx'));
  const operators = checkInteger(JSON.parse(int8('operators', file('float.onnx'))), JSON.parse(int8('operators', file('int8.optimized.onnx'))));
  const int8_difference = await ort.difference(float, integer, feeds);
  fs.writeFileSync(file('contenders.json'), JSON.stringify({ operators, int8_difference }) + '\n');
}

async function makeLayer(folder) {
  const file = (f) => path.join(folder, f);
  const led = (f) => path.join(folder, 'led', f);
  int8('fold', file('float.onnx'), folder);
  await makeInner(file);
  fs.mkdirSync(led('.'), { recursive: true });
  const copies = +bare('lead', file('float.onnx'), led('source.onnx'));
  int8('fold', led('source.onnx'), led('.'));
  fs.copyFileSync(file('samples.f32'), led('samples.f32'));
  await makeInner(led);
  const [float, integer] = ['float', 'int8'].map((kind) => [led(kind + '.optimized.onnx'), file(kind + '.bare.onnx')]);
  bare('strip', copies, ...float, ...integer);
  const operators = checkInteger(JSON.parse(int8('operators', file('float.onnx'))), JSON.parse(int8('operators', file('int8.optimized.onnx'))));
  fs.writeFileSync(file('contenders.json'), JSON.stringify({ operators, copies }) + '\n');
}

// makeInner quantizes float.onnx as a part of a network, and writes both as ONNX Runtime optimizes them.
async function makeInner(file) {
  const taps = await ort.open(file('taps.onnx'));
  fs.writeFileSync(file('ranges.json'), JSON.stringify(await ort.ranges(taps, ort.readSamples(file('samples.f32'), taps))));
  int8('inner', file('float.onnx'), file('ranges.json'), file('int8.onnx'));
  await ort.open(file('int8.onnx'), file('int8.optimized.onnx'));
  await ort.open(file('float.onnx'), file('float.optimized.onnx'));
}

// checkInteger makes sure that ONNX Runtime runs every Conv and Gemm of the int8 model on integers.
function checkInteger(float, optimized) {
  const short = (op) => op.replace('com.microsoft.', '');
  const ops = {};
  for (const [op, n] of Object.entries(optimized)) ops[short(op)] = (ops[short(op)] || 0) + n;
  for (const [op, kernel] of [['Conv', 'QLinearConv'], ['Gemm', 'QGemm']]) {
    if ((float[op] || 0) !== (ops[kernel] || 0)) {
      throw new Error(`ONNX Runtime runs ${ops[kernel] || 0} of ${float[op]} ${op} on integers: ${JSON.stringify(ops)}`);
    }
  }
  return ops;
}

async function main() {
  const [kind, ...folders] = process.argv.slice(2);
  for (const folder of folders) {
    process.stderr.write(`${path.basename(folder)}: models for ONNX Runtime\n`);
    try {
      await (kind === 'layer' ? makeLayer : makeNetwork)(folder);
    } catch (err) {
      process.stderr.write(`contenders: ${folder}: ${err.stack || err}\n`);
      process.exit(1);
    }
  }
}

main();
