/** Fetching: a large repository over a slow line, one that goes silent, and one that goes wrong here. */

import { expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { collect } from '../../src/git/collect.ts';
import { createGitRoom } from '../../src/git/room.ts';
import type { PrepareResult } from '../../src/git/types.ts';
import { bareOrigin, commitFiles, git, newRoom, taskId } from '../support/git-rig.ts';
import { tempFolder } from '../support/temp.ts';

/** Of all limits. */
const TIMES_SHORTER = 40;

/** What stands in for ssh: serves what it is asked for here, slowly, and stops in the middle when it is told to. */
const lineOf = (stopsAfter: number): string => `#!${process.execPath}
const { spawn } = require('node:child_process');
const { setTimeout: pause } = require('node:timers/promises');
const served = spawn('/bin/sh', ['-c', process.argv.at(-1)], { stdio: ['inherit', 'pipe', 'inherit'] });
(async () => {
  let sent = 0;
  for await (const chunk of served.stdout) {
    for (let at = 0; at < chunk.length; at += 2048) {
      process.stdout.write(chunk.subarray(at, at + 2048));
      sent += 2048;
      await pause(sent > ${stopsAfter} ? 60_000 : 40);
    }
  }
})();
`;

async function prepareOver(line: string): Promise<PrepareResult> {
  const { origin, person, target } = await bareOrigin();
  for (let count = 0; count < 30; count += 1) await writeFile(join(person, `f${count}`), randomBytes(10_000));
  await commitFiles(person, {});
  await git(person, 'push', '-q', 'origin', 'main');
  const home = await tempFolder('home');
  const ssh = join(home, 'line');
  await writeFile(ssh, line);
  await chmod(ssh, 0o755);
  const room = createGitRoom({
    home,
    worker: 'test',
    processHome: home,
    personal: { env: { PATH: process.env['PATH'] ?? '', GIT_SSH_COMMAND: ssh, GIT_SSH_VARIANT: 'simple' } },
    collect: (request) => {
      if (!request.args.includes('fetch')) return collect(request);
      const { timeoutMs, silentMs } = request;
      const silence = silentMs === undefined ? {} : { silentMs: silentMs / TIMES_SHORTER };
      return collect({ ...request, timeoutMs: timeoutMs / TIMES_SHORTER, ...silence });
    },
  });
  return room.prepareWorkspace({ ...target, origin: `slow:${origin}`, taskId, attempt: 1, start: { kind: 'main' } });
}

it('a fetch may take long, as long as it goes on', async () => {
  expect(await prepareOver(lineOf(Infinity))).toMatchObject({ kind: 'ready' });
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
  await rename(join(refs, 'main'), join(refs, 'was'));
  await mkdir(join(refs, 'main'));
  await rename(join(refs, 'was'), join(refs, 'main/other'));
  await commitFiles(person, { 'b.txt': 'b\n' });
  await git(person, 'push', '-q', origin, 'main');
  expect(await prepare()).toMatchObject({
    kind: 'failed',
    failure: 'engine-error',
    message: expect.stringContaining('unable to update local ref'),
  });
});
