#!/usr/bin/env node
/**
 * Installs and builds what is missing, and says so; nothing when all is there. Plain Node, no packages: everything
 * that starts from a fresh clone begins with it.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root, sourcesHash } from './sources.js';

const OLDEST_NODE = [20, 19];

/** Makes sure of Node's version, the packages and the build. @throws Error with one line that says what failed */
export function install() {
  checkNode();
  if (!isInstalled()) run('installing packages (npm ci)', npm(), ['ci']);
  if (!isBuilt()) run('building', process.execPath, [join(root, 'scripts/build.js')]);
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [needMajor, needMinor] = OLDEST_NODE;
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return;
  throw new Error(`Node ${process.versions.node} is too old; install ${OLDEST_NODE.join('.')} or newer`);
}

/** Whether node_modules is what package-lock.json says; packages for other platforms may be missing. */
function isInstalled() {
  const wanted = readPackages(join(root, 'package-lock.json'));
  const there = readPackages(join(root, 'node_modules/.package-lock.json'));
  if (wanted === null || there === null) return false;
  return Object.entries(wanted).every(([path, { version, optional, devOptional }]) => {
    if (path === '') return true;
    const found = there[path];
    return found === undefined ? optional === true || devOptional === true : found.version === version;
  });
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages ?? null;
  } catch {
    return null;
  }
}

function isBuilt() {
  const stamp = join(root, 'dist/build.json');
  if (!existsSync(stamp)) return false;
  try {
    return JSON.parse(readFileSync(stamp, 'utf8')).sources === sourcesHash();
  } catch {
    return false;
  }
}

/** npm of the Node that runs this, also when it was started by npm itself. */
function npm() {
  return process.platform === 'win32' ? 'npm.cmd' : 'npm';
}

function run(what, command, args) {
  process.stderr.write(`${what} …\n`);
  // What they print is no result of the command that was asked for: to standard error.
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: command.endsWith('.cmd'),
  });
  if (error !== undefined) throw new Error(`${what} failed: ${error.message}`);
  if (status !== 0) throw new Error(`${what} failed with exit code ${status}`);
}

if (process.argv[1] !== undefined && fileURLToPath(import.meta.url) === process.argv[1]) {
  try {
    install();
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
