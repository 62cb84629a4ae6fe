// Alternating rounds of contenders, some of which are programs of qconv.
'use strict';

const { spawn } = require('child_process');
const path = require('path');
const readline = require('readline');

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

  // measure times whole inferences, or what the word says of them.
  measure(milliseconds, what) {
    this.child.stdin.write(what ? `${milliseconds} ${what}\n` : `${milliseconds}\n`);
    return this.read();
  }

  close() {
    this.child.stdin.end();
  }
}

// alternate gives every contender, a function that measures, its turn in every round and returns their medians by round.
async function alternate(contenders, rounds) {
  const medians = Object.fromEntries(Object.keys(contenders).map((k) => [k, []]));
  for (let r = 0; r < rounds; r++) {
    for (const [k, measure] of Object.entries(contenders)) medians[k].push((await measure()).median_ns);
  }
  return medians;
}

module.exports = { Program, alternate };
