#!/usr/bin/env node
/** `npm run schemas`: writes what is generated from the configuration's schemas; `--check` only compares. */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { rolldown } from 'rolldown';
import { root } from './sources.js';

const build = await rolldown({
  input: join(root, 'src/config/generated-files.ts'),
  platform: 'node',
  external: [/^[^./]/],
});
const { output } = await build.generate({ format: 'es' });
await build.close();
// A module from its text would have no folder to find its packages from.
const file = join(root, `node_modules/.tributary-schemas-${process.pid}.mjs`);
writeFileSync(file, output[0].code);
const { generatedFiles } = await import(file).finally(() => rmSync(file, { force: true }));

const checkOnly = process.argv.includes('--check');
for (const [path, text] of Object.entries(generatedFiles())) {
  const target = join(root, path);
  if (checkOnly) {
    if (readFileSync(target, 'utf8') === text) continue;
    process.stderr.write(`${path} is not what is generated; run npm run schemas\n`);
    process.exitCode = 1;
  } else {
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
    process.stdout.write(`wrote ${path}\n`);
  }
}
