#!/usr/bin/env node
/**
 * `npm test`: installs and builds what is missing, then runs the tests; `npm test -- PATTERN` runs some. The last line
 * is `N passed, N failed`, after what has failed.
 *
 * The whole suite runs in parts: core with its coverage, which must be 100 %, and the rest without, since measuring would
 * slow all of it. The rest has several, each with processes and servers of its own: a process of Jest's keeps some 30 MB
 * of each test file that it has run, and is slow before all are through.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { install } from './install.js';
import { root } from './sources.js';

const FULL = { branches: 100, functions: 100, lines: 100, statements: 100 };
const CORE = [
  '--coverage',
  '--coverageReporters=text-summary',
  '--coverageReporters=json',
  '--collectCoverageFrom=src/core/**/*.ts',
  `--coverageThreshold=${JSON.stringify({ global: FULL })}`,
  '--testPathPatterns=/test/core/',
];
const REST = ['--testPathIgnorePatterns=/node_modules/', '--testPathIgnorePatterns=/test/core/'];
const SHARDS = ['1/5', '2/5', '3/5', '4/5', '5/5'].map((shard) => `--shard=${shard}`);

const args = process.argv.slice(2);
if (args.includes('--help') || args.includes('-h')) {
  process.stdout.write(`npm test: every test, on real servers; installs and builds what is missing first.

usage: npm test [-- PATTERN … | FILE …] [-t TITLE] [any other option of jest]

The last line is "N passed, N failed"; ends with 1 when a test failed, coverage of src/core is below 100 %, or
something was left behind.

examples:
  npm test
  npm test -- test/git
  npm test -- test/git/lock -t "held by one"
`);
  process.exit(0);
}
try {
  install();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.stdout.write('0 passed, 1 failed\n');
  process.exit(1);
}

// Jest ends the run's servers by them; those of a terminal reach it by themselves, too.
let running = null;
let isStopped = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    isStopped = true;
    running?.kill(signal);
  });
}

const results = [];
const parts = args.length > 0 ? [args] : [CORE, ...SHARDS.map((shard) => [...REST, shard])];
for (const part of parts) if (!isStopped) results.push(await jest(part));
const passed = results.reduce((sum, each) => sum + each.passed, 0);
const failed = results.reduce((sum, each) => sum + each.failed, 0);
// Parts come one after another, and what the first has said is far up by then.
for (const title of results.flatMap(({ titles }) => titles)) process.stdout.write(`failed: ${title}\n`);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

async function jest(more) {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-jest-'));
  const file = join(folder, 'result.json');
  running = spawn(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--no-warnings=ExperimentalWarning',
      join(root, 'node_modules/jest/bin/jest.js'),
      '--json',
      `--outputFile=${file}`,
      ...more,
    ],
    { cwd: root, stdio: ['inherit', 'ignore', 'inherit'] },
  );
  const [status] = await once(running, 'close');
  try {
    const result = JSON.parse(readFileSync(file, 'utf8'));
    const failed = result.numFailedTests + result.numRuntimeErrorTestSuites;
    const titles = result.testResults.flatMap(titlesOfFailed);
    if (failed > 0 || status === 0) return { passed: result.numPassedTests, failed, titles };
    // Coverage below the threshold, a leak or a crash fails the run without failing a test.
    return { passed: result.numPassedTests, failed: 1, titles: [`jest ${more.join(' ')}: ended with ${status}`] };
  } catch {
    return { passed: 0, failed: 1, titles: [`jest ${more.join(' ')}: has left no result`] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function titlesOfFailed({ name, status, assertionResults }) {
  const file = relative(root, name);
  const failed = assertionResults.filter((each) => each.status === 'failed');
  if (status === 'failed' && failed.length === 0) return [file];
  return failed.map(({ fullName }) => `${file}: ${fullName}`);
}
