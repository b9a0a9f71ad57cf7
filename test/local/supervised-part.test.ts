import { describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { spawnDetached } from '../../src/local/processes.ts';
import { asFailure, supervisePart, type Backoff } from '../../src/local/supervised-part.ts';
import { eventually } from '../support/eventually.ts';
import { tempFolder } from '../support/temp.ts';

/** How long a part that ends at once was let rest before each of its next starts, in milliseconds. */
async function rests(backoff: Backoff, times: number): Promise<readonly number[]> {
  const home = await tempFolder('part');
  const waits: number[] = [];
  const part = supervisePart(
    async () => {
      const env = { PATH: process.env['PATH'] ?? '' };
      const child = await spawnDetached({ argv: ['true'], cwd: home, env, logFile: join(home, 'log'), home });
      if ('missing' in child) throw new Error(child.missing);
      return { kind: 'running', process: child, stop: () => child.ended.then(() => undefined) };
    },
    {
      running: () => Promise.resolve(),
      failed: () => undefined,
      died: () => Promise.resolve(),
      restarting: (inMs) => void waits.push(inMs),
    },
    backoff,
  );
  expect(await part.first).toBeNull();
  await eventually('it to be started again', () => waits.length >= times);
  await part.stop();
  return waits.slice(0, times);
}

describe('a part that dies again and again', () => {
  it('is started again ever later, up to a bound', async () => {
    expect(await rests({ firstMs: 2, capMs: 6, healthyMs: 60_000 }, 4)).toEqual([2, 4, 6, 6]);
  });

  it('is started again as soon as the first time once it was in health for long enough', async () => {
    expect(await rests({ firstMs: 2, capMs: 6, healthyMs: 0 }, 4)).toEqual([2, 2, 2, 2]);
  });
});

describe('what a start throws', () => {
  it('is a failure that names the limit which was met, and how to lift it', () => {
    const failure = {
      kind: 'engine-error',
      message: 'spawn /usr/bin/node EAGAIN',
      next: 'see the message; tasks doctor looks at the whole machine',
    };
    expect(asFailure(new Error(failure.message))).toMatchObject({
      failure: {
        message: 'spawn /usr/bin/node EAGAIN: its account may have no more processes and threads',
        next: expect.stringContaining('ulimit -u'),
      },
    });
    expect(asFailure(new Error('it broke'))).toEqual({ kind: 'failed', failure: { ...failure, message: 'it broke' } });
  });
});
