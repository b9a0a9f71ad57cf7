#!/usr/bin/env node
/**
 * `npm test`: installs and builds what is missing, then runs the tests; `npm test -- PATTERN` runs some. The last line
 * is `N passed, N failed`.
 *
 * The whole suite runs in two parts: core with its coverage, which must be 100 %, and the rest without, since measuring
 * would slow all of it.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
for (const more of args.length > 0 ? [args] : [CORE, REST]) if (!isStopped) results.push(await jest(more));
const passed = results.reduce((sum, each) => sum + each.passed, 0);
const failed = results.reduce((sum, each) => sum + each.failed, 0);
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
    const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites } = JSON.parse(readFileSync(file, 'utf8'));
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    // Coverage below the threshold, a leak or a crash fails the run without failing a test.
    return { passed: numPassedTests, failed: failed === 0 && status !== 0 ? 1 : failed };
  } catch {
    return { passed: 0, failed: 1 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
