/** Fetching and pushing: much over a slow line, a line that goes silent, and a fetch that goes wrong here. */

import { expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { chmod, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { collect } from '../../src/git/collect.ts';
import { createGitRoom } from '../../src/git/room.ts';
import type { GitRoom, PrepareResult } from '../../src/git/types.ts';
import {
  bareOrigin,
  commitFiles,
  git,
  newRoom,
  prepared,
  stored,
  storeRequest,
  taskId,
  write,
} from '../support/git-rig.ts';
import { tempFolder } from '../support/temp.ts';

/** Of all limits. */
const TIMES_SHORTER = 40;

/** What stands in for ssh: serves what it is asked for here, slowly, and stops in the middle when it is told to. */
const lineOf = (stopsAfter: number): string => `#!${process.execPath}
const { spawn } = require('node:child_process');
const { setTimeout: pause } = require('node:timers/promises');
const served = spawn('/bin/sh', ['-c', process.argv.at(-1)], { stdio: ['pipe', 'pipe', 'inherit'] });
let sent = 0;
async function pass(from, to) {
  for await (const chunk of from) {
    for (let at = 0; at < chunk.length; at += 2048) {
      to.write(chunk.subarray(at, at + 2048));
      sent += 2048;
      await pause(sent > ${stopsAfter} ? 60_000 : 20);
    }
  }
  to.end();
}
pass(served.stdout, process.stdout);
pass(process.stdin, served.stdin);
`;

/** Takes six seconds over the line, twice as long as all limits that count from the beginning. */
async function writeMuch(folder: string): Promise<void> {
  for (let count = 0; count < 60; count += 1) await writeFile(join(folder, `f${count}`), randomBytes(10_000));
}

async function roomOver(line: string): Promise<GitRoom> {
  const home = await tempFolder('home');
  const ssh = join(home, 'line');
  await writeFile(ssh, line);
  await chmod(ssh, 0o755);
  return createGitRoom({
    home,
    worker: 'test',
    processHome: home,
    personal: { env: { PATH: process.env['PATH'] ?? '', GIT_SSH_COMMAND: ssh, GIT_SSH_VARIANT: 'simple' } },
    collect: (request) => {
      if (!request.args.some((arg) => arg === 'fetch' || arg === 'push')) return collect(request);
      const { timeoutMs, silentMs } = request;
      const silence = silentMs === undefined ? {} : { silentMs: silentMs / TIMES_SHORTER };
      return collect({ ...request, timeoutMs: timeoutMs / TIMES_SHORTER, ...silence });
    },
  });
}

async function prepareOver(line: string): Promise<PrepareResult> {
  const { origin, person, target } = await bareOrigin();
  await writeMuch(person);
  await commitFiles(person, {});
  await git(person, 'push', '-q', 'origin', 'main');
  const room = await roomOver(line);
  return room.prepareWorkspace({ ...target, origin: `slow:${origin}`, taskId, attempt: 1, start: { kind: 'main' } });
}

it('a fetch may take long, as long as it goes on', async () => {
  expect(await prepareOver(lineOf(Infinity))).toMatchObject({ kind: 'ready' });
});

it('a push may take long, as long as it goes on', async () => {
  const { origin, target } = await bareOrigin();
  const far = { ...target, origin: `slow:${origin}` };
  const room = await roomOver(lineOf(Infinity));
  const workspace = await prepared(room, far);
  await writeMuch(workspace.worktree);
  const { head } = await stored(room, far, workspace);
  expect(await git(origin, 'rev-parse', `refs/tasks/${taskId}/1/head`)).toBe(head);
});

it('a push that is refused has the words of the server, and not how far it was', async () => {
  const lines = Array.from({ length: 2_000 }, (_, at) => `line ${at * at}\n`).join('');
  const { origin, target } = await bareOrigin({ 'a.txt': lines });
  // Resolving deltas is what a server says of itself.
  await git(origin, 'config', 'receive.unpackLimit', '1');
  await write(origin, { 'hooks/pre-receive': '#!/bin/sh\necho "ask Ada" >&2\nexit 1\n' });
  await chmod(join(origin, 'hooks/pre-receive'), 0o755);
  const { room } = await newRoom();
  const workspace = await prepared(room, target);
  await write(workspace.worktree, { 'a.txt': `${lines}one more\n` });
  expect(await room.storeWorkspace(storeRequest(target, workspace))).toMatchObject({
    kind: 'failed',
    message: 'the origin did not take the checkpoint of attempt 1: "pre-receive hook declined": ask Ada',
  });
});

it('a fetch that does not go on is ended, and says how far it came', async () => {
  expect(await prepareOver(lineOf(100_000))).toMatchObject({
    kind: 'failed',
    failure: 'origin-unreachable',
    message: expect.stringMatching(/^cannot reach the origin slow:\S+: (?:.*; )?Receiving objects: +\d+% \([^\r]*$/),
  });
});

it('a fetch that goes wrong here says how', async () => {
  const { origin, person, target } = await bareOrigin();
  const { room, home } = await newRoom();
  const prepare = () => room.prepareWorkspace({ ...target, taskId, attempt: 1, start: { kind: 'main' } });
  expect(await prepare()).toMatchObject({ kind: 'ready' });
  const [engine = ''] = (await readdir(join(home, 'mirrors'))).filter((name) => name.endsWith('.engine'));
  const refs = join(home, 'mirrors', engine, 'refs/remotes/origin');
  await rename(join(refs, 'main'), `${refs}.main`);
  await rm(refs, { recursive: true });
  await rename(`${refs}.main`, refs);
  await commitFiles(person, { 'b.txt': 'b\n' });
  await git(person, 'push', '-q', origin, 'main');
  expect(await prepare()).toMatchObject({
    kind: 'failed',
    failure: 'engine-error',
    message: expect.stringContaining('unable to update local ref'),
  });
});
