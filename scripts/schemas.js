#!/usr/bin/env node
/** `npm run schemas`: writes what is generated from the configuration's schemas; `--check` only compares. */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { rolldown } from 'rolldown';
import { readArguments } from './arguments.js';
import { root } from './sources.js';

const { check: checkOnly } = readArguments({
  name: 'schemas',
  help: `npm run schemas: writes schema/ and docs/configuration.md from the configuration's schemas.

usage: npm run schemas [-- --check]

options:
  --check   writes nothing; ends with 1 when something is not what would be generated
`,
  options: { check: { type: 'boolean', default: false } },
});

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
