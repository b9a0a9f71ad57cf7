/** `tasks list` where there are more tasks than it shows. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openDatabase, type Database } from '../../src/ledger/database.ts';
import { Engine } from '../support/engine.ts';
import { SampleProject } from '../support/sample-project.ts';
import { GATE, projectFile } from '../support/scripted-agent.ts';
import { cli, cliEnvironment, type CliPlace } from './rig.ts';

const MANY = 10_000;
const COPIES = `
insert into tributary.tasks (id, project, state, agent, owner, created_at, ended_at, waits_for_person, sequence, view)
select copy.id, project, state, agent, owner, created_at, ended_at, waits_for_person, sequence,
  jsonb_set(view, '{id}', to_jsonb(copy.id))
from tributary.tasks, (select lpad(n::text, 10, '0') as id from generate_series(1, ${MANY}) n) copy`;

describe('a list of more tasks than it shows', () => {
  let engine: Engine;
  let database: Database;
  let place: CliPlace;

  beforeAll(async () => {
    engine = await Engine.start();
    const project = await SampleProject.create({ 'tasks.yaml': projectFile(), 'gate.sh': GATE, 'agent.sh': ':' });
    await project.git('fetch', '--quiet', 'origin');
    place = { cwd: project.clone, env: cliEnvironment(engine.home, engine.servers) };
    expect((await cli(place, ['submit', 'First', '--run', 'echo x > x', '--wait'])).code).toBe(0);
    database = openDatabase({ url: engine.database.url, applicationName: 'test', maxConnections: 1 });
    await database.query({ text: COPIES }, (row) => row);
  });

  afterAll(async () => {
    await database.close();
    await engine.stop();
  });

  it('is told of what it leaves out, which is listed when asked for', async () => {
    const all = await cli(place, ['list', '--all', '--json']);
    expect(all.stderr).toBe('tasks: there may be more than these 10000, the latest; give --limit for them\n');
    expect(all.json()).toHaveLength(MANY);
    const more = await cli(place, ['list', '--all', '--limit', String(2 * MANY), '--json']);
    expect(more.stderr).toBe('');
    expect(more.json()).toHaveLength(MANY + 1);
  });
});
