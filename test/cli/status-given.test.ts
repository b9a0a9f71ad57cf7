/** `tasks status` beside servers and workers that no `tasks up` of this state home has started. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { cli, cliEnvironment, type CliPlace } from './rig.ts';

describe('servers that the environment names', () => {
  let engine: Engine;
  let place: CliPlace;

  beforeAll(async () => {
    engine = await Engine.start({ presenceMs: 100 });
    place = { cwd: engine.home, env: cliEnvironment(engine.home, engine.servers) };
  });

  afterAll(async () => {
    await engine.stop();
  });

  it('are external, both of them, and not said to be not running', async () => {
    const [status] = (await cli(place, ['status', '--json'])).json<Record<'temporal' | 'postgres', object>>();
    expect(status).toMatchObject({
      temporal: { state: 'external', pid: null },
      postgres: { state: 'external', pid: null },
      worker: { state: 'absent' },
    });
    const { stdout } = await cli(place, ['status']);
    expect(stdout).toMatch(/^Postgres .* external$/m);
    expect(stdout).not.toMatch(/^Postgres .* not running$/m);
  });

  it('have workers of which the ledger knows: that there is none of tasks up is not all that is said', async () => {
    await eventually('the worker to have reported itself', async () => {
      const { stdout } = await cli(place, ['hosts', '--json']);
      return stdout !== '';
    });
    expect((await cli(place, ['status'])).stdout).toMatch(
      /^worker {5}none of tasks up here; 1 host runs workers: tasks hosts$/m,
    );
  });
});
