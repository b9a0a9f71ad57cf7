/** Which queue is meant where there are several. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { writeFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { QueueView } from '../../src/core/queue-types.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { GATE, projectFile } from '../support/scripted-agent.ts';
import { cli, cliEnvironment, type CliPlace } from './rig.ts';

interface Place extends CliPlace {
  readonly sample: SampleProject;
}

async function placeOf(name: string, env: CliPlace['env'], gate: string): Promise<Place> {
  const file = projectFile().replace('sample', name);
  const project = await SampleProject.create({ 'tasks.yaml': file, 'gate.sh': gate }, 'bare');
  await project.git('fetch', '--quiet', 'origin');
  const place = { cwd: project.clone, env, sample: project };
  expect((await cli(place, ['submit', 'First', '--run', 'echo x > first', '--wait'])).code).toBe(0);
  return place;
}

async function rowsAt(place: CliPlace): Promise<readonly string[]> {
  const { stdout } = await cli(place, ['queue', '--json']);
  return stdout
    .trim()
    .split('\n')
    .flatMap((line) => (JSON.parse(line) as QueueView).rows)
    .map(({ state, waitingFor, estimate }) => `${state} ${waitingFor} ${estimate === null ? 'untold' : 'told'}`)
    .toSorted();
}

describe('the queue that is meant where there are several', () => {
  let engine: Engine;
  let one: Place;
  let other: Place;

  beforeAll(async () => {
    engine = await Engine.start({ gates: 1 });
    await open();
    const env = cliEnvironment(engine.home, engine.servers);
    const gate = `${GATE}while [ ! -e '${engine.home}/go' ]; do sleep 0.02; done\n`;
    [one, other] = await Promise.all([placeOf('one', env, gate), placeOf('other', env, gate)]);
  });

  afterAll(async () => {
    await open();
    await engine.stop();
  });

  const open = (): Promise<void> => writeFile(join(engine.home, 'go'), '');

  it('says of a run that those of another one have all gate slots, instead of when it lands', async () => {
    await rm(join(engine.home, 'go'));
    for (const place of [one, other]) {
      expect((await cli(place, ['submit', 'Second', '--run', 'echo x > second'])).code).toBe(0);
    }
    const expected = ['gating a gate slot: none is free untold', 'gating null told'];
    await eventually('one to be gated and one to wait', async () => isDeepStrictEqual(await rowsAt(one), expected));
    await open();
    for (const place of [one, other]) expect((await cli(place, ['wait', '--all'])).code).toBe(0);
  });

  it('is the one of the repository that one stands in, and of no other', async () => {
    expect(await cli(other, ['queue', 'pause'])).toMatchObject({
      code: 0,
      stdout: 'other main  lands nothing until: tasks queue resume --project other\n',
    });
    expect((await cli(one, ['queue'])).stdout).toMatch(
      /^one main {2}2 landed.*\n {2}nothing waits\nother main.*\n {2}stopped: paused by Ada; to go on: tasks queue resume --project other\n/,
    );
    expect(await cli(one, ['queue', 'resume'])).toMatchObject({ code: 1, stderr: 'tasks: the queue is not paused\n' });
    expect(await cli(other, ['queue', 'resume'])).toMatchObject({ code: 0, stdout: 'other main  lands again\n' });
  });

  it('has its tasks waited for, and those of no other, where the project is named', async () => {
    expect((await cli(other, ['queue', 'pause'])).code).toBe(0);
    expect((await cli(other, ['submit', 'Third', '--run', 'echo x > third'])).code).toBe(0);
    const waited = (project: string) => cli(one, ['wait', '--all', '--project', project, '--timeout', '1s']);
    await eventually('the task to be found', async () => (await waited('other')).code === 124);
    expect(await waited('one')).toMatchObject({ code: 0, stderr: expect.stringContaining('no task is open') });
    expect((await cli(other, ['queue', 'resume'])).code).toBe(0);
    expect((await cli(one, ['wait', '--all', '--project', 'other'])).code).toBe(0);
  });

  it('is the one that is named, wherever one stands, and asked for outside of all', async () => {
    expect((await cli(one, ['queue', 'pause', '--project', 'other'])).stdout).toMatch(/^other main {2}lands nothing/);
    expect(await cli({ ...one, cwd: engine.home }, ['queue', 'resume'])).toMatchObject({
      code: 2,
      stderr: 'tasks: --project: there are several queues (one, other); name one\n',
    });
    expect((await cli({ ...one, cwd: engine.home }, ['queue', 'resume', '--project', 'other'])).code).toBe(0);
  });

  it('is the one of the project that is named before the command, too', async () => {
    const paused = await cli(one, ['queue', '--json', '--project', 'other', 'pause']);
    expect(paused.json()).toEqual([{ project: 'other', branch: 'main', action: 'pause', actor: 'Ada', queued: false }]);
    expect((await cli(one, ['queue', '--project', 'one', 'resume', '--project', 'other'])).code).toBe(0);
  });

  it('is the one of the branch in tasks.yaml where a project has had several, and any that is named', async () => {
    await one.sample.git('switch', '--quiet', '-c', 'trunk');
    await one.sample.write({ 'tasks.yaml': projectFile().replace('sample', 'one').replace('main', 'trunk') });
    await one.sample.git('commit', '--quiet', '-am', 'Land on trunk');
    await one.sample.git('push', '--quiet', 'origin', 'trunk');
    expect((await cli(one, ['submit', 'Third', '--run', 'echo x > third', '--wait'])).code).toBe(0);
    const elsewhere = { ...one, cwd: engine.home };
    expect((await cli(one, ['queue', 'pause'])).stdout).toMatch(/^one trunk {2}lands nothing/);
    const resume = ['queue', 'resume', '--project', 'one'];
    expect(await cli(elsewhere, resume)).toMatchObject({
      code: 2,
      stderr: 'tasks: --branch: one has several queues (main, trunk); name one\n',
    });
    expect(await cli(elsewhere, [...resume, '--branch', 'none'])).toMatchObject({
      code: 2,
      stderr: 'tasks: --branch: one has no queue for "none", but for main, trunk\n',
    });
    expect(await cli(one, [...resume, '--branch', 'main'])).toMatchObject({
      code: 1,
      stderr: 'tasks: the queue is not paused\n',
    });
    expect((await cli(elsewhere, [...resume, '--branch', 'trunk'])).stdout).toBe('one trunk  lands again\n');
  });
});
