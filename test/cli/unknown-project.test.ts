/** A project that is named: one that nobody knows is a mistake, one that has nothing to show is none. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client as Postgres } from 'pg';
import { Engine } from '../support/engine.ts';
import { SampleProject } from '../support/sample-project.ts';
import { GATE, projectFile } from '../support/scripted-agent.ts';
import { cli, cliEnvironment, type CliPlace, type CliRun } from './rig.ts';

describe('a project that is named', () => {
  let engine: Engine;
  let place: CliPlace;
  let elsewhere: CliPlace;

  beforeAll(async () => {
    engine = await Engine.start();
    const project = await SampleProject.create({ 'tasks.yaml': projectFile(), 'gate.sh': GATE }, 'bare');
    await project.git('fetch', '--quiet', 'origin');
    const env = cliEnvironment(engine.home, engine.servers);
    place = { cwd: project.clone, env };
    elsewhere = { cwd: engine.home, env };
  });

  afterAll(async () => {
    await engine.stop();
  });

  const COMMANDS: readonly (readonly string[])[] = [
    ['list', '--project'],
    ['list', '--all', '--json', '--project'],
    ['inbox', '--project'],
    ['inbox', '--watch', '--project'],
    ['queue', '--project'],
    ['queue', 'pause', '--project'],
    ['queue', 'resume', '--project'],
    ['failed', '--project'],
    ['flakes', '--project'],
    ['conflicts', '--project'],
  ];
  /** One after the other: so many at once would only wait for one another. */
  const asked = async (where: CliPlace, name: string): Promise<readonly CliRun[]> => {
    const runs: CliRun[] = [];
    for (const argv of COMMANDS.filter((each) => !each.includes('--watch')))
      runs.push(await cli(where, [...argv, name]));
    return runs;
  };

  it('and known to nobody yet is refused by every command, which say how one is made', async () => {
    for (const argv of COMMANDS) {
      const { code, stdout, stderr } = await cli(elsewhere, [...argv, 'sampel']);
      const line =
        'tasks: --project: no project is known yet, so there is no sampel; one is with its first task: tasks submit\n';
      expect({ argv, code, stdout, stderr }).toEqual({ argv, code: 2, stdout: '', stderr: line });
    }
  });

  it('is known where its tasks.yaml lies, before it has any task', async () => {
    for (const { code, stderr } of await asked(place, 'sample')) {
      expect(stderr).not.toContain('--project');
      expect(code === 0 || stderr.includes('there is no queue')).toBe(true);
    }
    expect((await cli(place, ['list', '--project', 'sampel'])).stderr).toContain(
      'did you mean sample? (known: sample)',
    );
  });

  it('has nothing to wait for before its first task, which is said', async () => {
    const stderr = 'no task is open, so there is nothing to wait for\n';
    expect(await cli(place, ['wait', '--all'])).toMatchObject({ code: 0, stdout: '', stderr });
  });

  it('is known by its first task, which no worker has taken, and by what the ledger has', async () => {
    await engine.drainWorker();
    expect((await cli(place, ['submit', 'First', '--run', 'true'])).code).toBe(0);
    for (const { code } of await asked(elsewhere, 'sample')) expect([0, 1]).toContain(code);
    await engine.startWorker();
    expect((await cli(place, ['wait', '--all'])).code).toBe(0);
    const wrong = 'tasks: --project: no project is named sampel; did you mean sample? (known: sample)\n';
    for (const run of await asked(elsewhere, 'sampel'))
      expect(run).toMatchObject({ code: 2, stdout: '', stderr: wrong });
    const none = await cli(elsewhere, ['failed', '--project', 'sample']);
    expect(none).toMatchObject({ code: 0, stdout: '', stderr: 'no task has failed\n' });
    expect(await cli(elsewhere, ['retry', '--where', 'project=sampel'])).toMatchObject({
      code: 2,
      stderr: wrong.replace('--project', '--where: project'),
    });
  });

  it('is known behind a thousand others', async () => {
    const ledger = new Postgres({ connectionString: engine.database.url });
    await ledger.connect();
    await ledger.query(
      "insert into tributary.projects (name, origin) select 'a' || n, 'o' || n from generate_series(1, 1001) n union select 'zoo', 'o'",
    );
    await ledger.end();
    expect(await cli(elsewhere, ['list', '--project', 'zoo'])).toMatchObject({ code: 0, stdout: '' });
    expect((await cli(elsewhere, ['list', '--project', 'zoon'])).stderr).toMatch(/did you mean zoo\?.* and 983 more\)/);
  });
});
