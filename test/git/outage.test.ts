/** Whether an origin that cannot be reached is away, and is waited for, or is for a person to look after. */

import { afterEach, describe, expect, it } from '@jest/globals';
import { rename } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Target } from '../../src/core/queue-types.ts';
import { probeOrigin } from '../../src/git/room.ts';
import type { GitRoom } from '../../src/git/types.ts';
import { bareOrigin, branch, commitFiles, newRoom, prepared, project, taskId } from '../support/git-rig.ts';
import { serveOverHttp, type HttpOrigin } from '../support/http-origin.ts';
import { listen } from '../support/listener.ts';
import { tempFolder } from '../support/temp.ts';

const open: HttpOrigin[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((origin) => origin.close()));
});

async function served(): Promise<{ target: Target; origin: string; person: string; server: HttpOrigin }> {
  const { target, origin, person } = await bareOrigin();
  const server = await serveOverHttp(dirname(origin), 'ada', 'word');
  open.push(server);
  const url = `http://ada:word@127.0.0.1:${server.port}/${basename(origin)}`;
  return { target: { ...target, origin: url }, origin, person, server };
}

async function begun(room: GitRoom, target: Target) {
  return room.prepareWorkspace({ ...target, taskId, attempt: 2, start: { kind: 'main' } });
}

const AWAY = { kind: 'failed', failure: 'origin-unreachable', isAway: true };
const NOT_AWAY = { kind: 'failed', failure: 'origin-unreachable' };

describe('an origin that cannot be reached', () => {
  it('is away when its server, which has served this host, does not answer', async () => {
    const { target, person, server } = await served();
    const { room } = await newRoom();
    await prepared(room, target);
    const next = await commitFiles(person, { 'a.txt': 'next\n' });
    await server.close();
    expect(await begun(room, target)).toMatchObject(AWAY);
    expect(await room.readFileAt(target, next, 'tasks.yaml')).toMatchObject(AWAY);
  });

  it('is not when this host has never reached it', async () => {
    const { target, server } = await served();
    const { room } = await newRoom();
    await server.close();
    expect(await begun(room, target)).toMatchObject(NOT_AWAY);
    expect(await begun(room, target)).not.toHaveProperty('isAway');
  });

  it('is not when the server takes its password no more', async () => {
    const { target, origin, server } = await served();
    const { room } = await newRoom();
    await prepared(room, target);
    await server.close();
    open.push(await serveOverHttp(dirname(origin), 'ada', 'another', server.port));
    const result = await begun(room, target);
    expect(result).toMatchObject(NOT_AWAY);
    expect(result).not.toHaveProperty('isAway');
  });

  it.each(['on a server', 'in a folder'])('is not when the repository is gone, %s', async (where) => {
    const { target: overHttp, origin } = await served();
    const target = where === 'on a server' ? overHttp : { ...overHttp, origin };
    const { room } = await newRoom();
    await prepared(room, target);
    await rename(origin, `${origin}.gone`);
    const result = await begun(room, target);
    expect(result).toMatchObject(NOT_AWAY);
    expect(result).not.toHaveProperty('isAway');
  });
});

async function probed(origin: string) {
  const home = await tempFolder('home');
  const env = { PATH: process.env['PATH'] ?? '', HOME: home };
  return (await probeOrigin({ project, branch, origin }, { home, processHome: home, personal: { env } })).fetch;
}

describe('why an origin cannot be reached', () => {
  it.each([
    [503, 'away'],
    [429, 'away'],
    [404, 'absent'],
    [403, 'refused'],
  ] as const)('is told of a server that answers with %d: %s', async (status, why) => {
    const server = await listen();
    server.reply = (response) => void response.writeHead(status).end();
    try {
      // Whose name sounds like another reason.
      for (const name of ['permission-service', 'timeout'])
        expect(await probed(`${server.url}/${name}`)).toMatchObject({ kind: 'failed', why });
    } finally {
      await server.close();
    }
  });

  it.each(['http', 'https', 'git'])('is told of a port where nobody listens, by %s', async (scheme) => {
    expect(await probed(`${scheme}://127.0.0.1:1/shop.git`)).toMatchObject({ kind: 'failed', why: 'away' });
  });
});
