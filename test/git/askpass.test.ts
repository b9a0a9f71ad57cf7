import { afterEach, describe, expect, it } from '@jest/globals';
import { chmod, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Target } from '../../src/core/queue-types.ts';
import { createGitRoom, type GitRoom, probeOrigin } from '../../src/git/room.ts';
import { bareOrigin, head, taskId } from '../support/git-rig.ts';
import { type HttpOrigin, serveOverHttp } from '../support/http-origin.ts';
import { tempFolder } from '../support/temp.ts';

const open: HttpOrigin[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((origin) => origin.close()));
});

/** An origin that asks who comes; the folder of the one below it. */
async function askingOrigin(): Promise<{ target: Target; folder: string }> {
  const { target, origin } = await bareOrigin();
  const served = await serveOverHttp(dirname(origin), 'ada', 'word');
  open.push(served);
  return { target: { ...target, origin: `http://127.0.0.1:${served.port}/${basename(origin)}` }, folder: origin };
}

/** A program that says who comes. */
async function answering(): Promise<string> {
  const program = join(await tempFolder('askpass'), 'answer');
  await writeFile(program, '#!/bin/sh\ncase "$1" in Username*) echo ada ;; *) echo word ;; esac\n');
  await chmod(program, 0o755);
  return program;
}

const PATH = process.env['PATH'] ?? '';

async function optionsOf(env: Readonly<Record<string, string>>): Promise<{
  home: string;
  processHome: string;
  personal: { env: Readonly<Record<string, string>> };
}> {
  const home = await tempFolder('home');
  return { home, processHome: home, personal: { env: { PATH, ...env } } };
}

async function roomOf(env: Readonly<Record<string, string>>): Promise<GitRoom> {
  return createGitRoom({ ...(await optionsOf(env)), worker: 'test' });
}

describe('an origin that asks for a password', () => {
  it('is answered by the program that GIT_ASKPASS of the worker names', async () => {
    const { target, folder } = await askingOrigin();
    const probed = await probeOrigin(target, await optionsOf({ GIT_ASKPASS: await answering() }));
    expect(probed.fetch).toEqual({ kind: 'ok', tip: await head(folder, 'main') });
  });

  it('is answered by the program that the configuration of the person names', async () => {
    const { target, folder } = await askingOrigin();
    const config = join(await tempFolder('config'), 'gitconfig');
    await writeFile(config, `[core]\n\taskPass = ${await answering()}\n`);
    const probed = await probeOrigin(target, await optionsOf({ GIT_CONFIG_GLOBAL: config }));
    expect(probed.fetch).toEqual({ kind: 'ok', tip: await head(folder, 'main') });
  });

  it('never has a window opened by SSH_ASKPASS', async () => {
    const { target } = await askingOrigin();
    const probed = await probeOrigin(target, await optionsOf({ SSH_ASKPASS: await answering() }));
    expect(probed.fetch).toMatchObject({ kind: 'failed', message: expect.stringContaining('could not read Username') });
  });

  it('fails what nobody answers with who may', async () => {
    const { target } = await askingOrigin();
    const room = await roomOf({});
    expect(await room.prepareWorkspace({ ...target, taskId, attempt: 1, start: { kind: 'main' } })).toMatchObject({
      kind: 'failed',
      failure: 'origin-unreachable',
      next: expect.stringMatching(/credential helper .*GIT_ASKPASS/),
    });
  });
});
