#!/usr/bin/env node
/** `npm run dev`: checks the types as files change, and builds again. Ends with Ctrl-C. */

import { spawn } from 'node:child_process';
import { watch } from 'node:fs';
import { join } from 'node:path';
import { readArguments } from './arguments.js';
import { install } from './install.js';
import { root } from './sources.js';

const SETTLE_MS = 200;

readArguments({
  name: 'dev',
  help: `npm run dev: checks the types as files change, and builds again. Ends with Ctrl-C.

usage: npm run dev
`,
});
install();
const types = spawn(
  process.execPath,
  [join(root, 'node_modules/typescript/bin/tsc'), '--watch', '--preserveWatchOutput'],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
types.once('exit', (code) => process.exit(code ?? 0));

let timer = null;
let building = false;
let again = false;

watch(join(root, 'src'), { recursive: true }, () => {
  clearTimeout(timer);
  timer = setTimeout(build, SETTLE_MS);
});

/** One build at a time; a change during one is built after it. */
function build() {
  if (building) {
    again = true;
    return;
  }
  building = true;
  const child = spawn(process.execPath, [join(root, 'scripts/build.js')], { cwd: root, stdio: 'inherit' });
  child.once('exit', () => {
    building = false;
    if (!again) return;
    again = false;
    build();
  });
}
