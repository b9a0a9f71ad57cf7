#!/usr/bin/env node
/**
 * `node scripts/record-histories.js`: runs the end-to-end tests and keeps histories of this version in
 * test/replay/histories/VERSION, for every later version to replay: of each workflow's type the smallest with each set of
 * things that happened.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readArguments } from './arguments.js';
import { root } from './sources.js';

const { words } = readArguments(
  {
    name: 'record-histories',
    help: `node scripts/record-histories.js: runs the end-to-end tests, and puts the histories of this version in the place of
those in test/replay/histories/VERSION.

usage: node scripts/record-histories.js [PATTERN …]

  PATTERN   the tests to run (test/e2e)
`,
    takesWords: true,
  },
  (_values, given) => ({ words: given.length === 0 ? ['test/e2e'] : given }),
);

const MAX_BYTES = 60_000;
/** So many of a type are kept: those with the most different things that happened. */
const MAX_OF_A_TYPE = 24;
/** Nobody has the keys of a test that is over. */
const ENCRYPTED = Buffer.from('binary/encrypted').toString('base64');
/** Of one that was ended before it began nothing replays. */
const CARRIED = 'EVENT_TYPE_WORKFLOW_TASK_COMPLETED';
/** Who ran it, and from which folder, says nothing about how it replays. */
const OF_THE_MACHINE = ['identity', 'stackTrace'];

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const from = mkdtempSync(join(tmpdir(), 'tributary-histories-'));
const to = join(root, 'test/replay/histories', version);
try {
  const ran = spawnSync(process.execPath, ['scripts/test.js', ...words], {
    cwd: root,
    env: { ...process.env, RECORD_HISTORIES: from },
    stdio: 'inherit',
  });
  if (ran.status !== 0) throw new Error('the tests failed: nothing is recorded');
  const kept = choose(readdirSync(from));
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  for (const { name, text } of kept) writeFileSync(join(to, name), text);
  process.stdout.write(`${kept.length} histories in ${to}\n`);
} finally {
  rmSync(from, { recursive: true, force: true });
}

function choose(files) {
  const best = new Map();
  for (const file of files) {
    const written = readFileSync(join(from, file), 'utf8');
    const recorded = JSON.parse(written);
    if (written.includes(ENCRYPTED) || !written.includes(CARRIED)) continue;
    const type = file.slice(0, file.lastIndexOf('-'));
    const kinds = kindsOf(recorded.history.events);
    const text = `${JSON.stringify(withoutMachine(recorded))}\n`;
    if (text.length > MAX_BYTES) continue;
    const key = `${type} ${kinds.join(' ')}`;
    const id = createHash('sha256').update(key).digest('hex').slice(0, 8);
    if ((best.get(key)?.text.length ?? Infinity) > text.length)
      best.set(key, { type, name: `${type}-${id}.json`, text, kinds: kinds.length });
  }
  const byType = new Map();
  for (const one of best.values()) byType.set(one.type, [...(byType.get(one.type) ?? []), one]);
  return [...byType.values()].flatMap((all) => all.toSorted((a, b) => b.kinds - a.kinds).slice(0, MAX_OF_A_TYPE));
}

/** What happened: each kind of event once, with the name of what it is about. */
function kindsOf(events) {
  const kinds = events.map((event) => {
    const about = Object.entries(event).find(([key]) => key.endsWith('Attributes'))?.[1] ?? {};
    return [event.eventType, about.activityType?.name, about.signalName, about.timerId && 'timer']
      .filter(Boolean)
      .join(':');
  });
  return [...new Set(kinds)].toSorted((a, b) => a.localeCompare(b));
}

function withoutMachine(value) {
  if (Array.isArray(value)) return value.map(withoutMachine);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, each]) => (OF_THE_MACHINE.includes(key) ? [] : [[key, withoutMachine(each)]])),
  );
}
