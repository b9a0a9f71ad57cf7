/** `tasks gc` beside a running worker: what it would remove and why, and what is left when it has. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseProjectName, parseTaskId, workflowIds, type TaskId } from '../../src/core/ids.ts';
import { noteHibernated } from '../../src/local/hibernated.ts';
import { openPortLeases } from '../../src/local/port-leases.ts';
import { value } from '../support/git-rig.ts';
import { eventually } from '../support/eventually.ts';
import { PeopleRig } from '../support/people-rig.ts';
import type { SampleProject } from '../support/sample-project.ts';
import { cli, cliEnvironment, type CliRun } from './rig.ts';

interface Line {
  readonly kind: string;
  readonly name: string;
  readonly task: string | null;
  readonly bytes: number | null;
  readonly verdict: string;
  readonly why: string;
  readonly removed: boolean;
  readonly failure: string | null;
}

const MEBIBYTE = 1024 * 1024;
const DAY_MS = 24 * 60 * 60_000;
const HOST = 'workspaces: {keep: 1s}\nports: {base: 21500, each: 2, ranges: 20}\n';

const of = (lines: readonly Line[], kind: string, id: string | null): Partial<Line> | undefined =>
  lines.find((line) => line.kind === kind && (id === null || line.task === id));

describe('gc', () => {
  let rig: PeopleRig;
  let project: SampleProject;
  let name: string;
  let home: string;
  let env: Record<string, string>;
  let landed: TaskId;
  let asks: TaskId;
  let runs: TaskId;
  let canceled: TaskId;
  const unknown = value(parseTaskId('zzzzzzzzzz'));

  beforeAll(async () => {
    rig = await PeopleRig.start({ hostFile: () => HOST });
    ({ home } = rig.engine);
    await writeFile(join(home, 'host.yaml'), HOST);
    env = cliEnvironment(home, { TASKS_HOME: home, ...rig.engine.servers });
    const asking = `report '{"status":"question","question":"?"}'`;
    const does = `if told Asks || told Cancels; then echo x > half; ${asking}; elif told Runs; then until_open go; else echo x > work; fi`;
    ({ name, project } = await rig.project({ execute: does }, '  phases: [execute]'));
    landed = await rig.engine.submit(project, { title: 'Lands' });
    expect(await rig.engine.untilEnded(landed)).toMatchObject({ state: 'landed' });
    await eventually('its workspace to go', () => !existsSync(workspaceOf(landed)));
    asks = await rig.engine.submit(project, { title: 'Asks' });
    await rig.asked(asks, 1);
    canceled = await rig.engine.submit(project, { title: 'Cancels' });
    await rig.asked(canceled, 1);
    await rig.engine.cancel(canceled);
    await rig.engine.untilEnded(canceled);
    runs = await rig.engine.submit(project, { title: 'Runs' });
    await rig.engine.started(runs, name);
  });

  afterAll(async () => {
    await rig.open('go');
    await rig.engine.cancel(asks);
    await rig.stop();
  });

  const workspaceOf = (id: TaskId): string => join(home, 'workspaces', name, id);
  const scratchOf = (id: string): string => join(home, 'scratch', name, id);
  const tasks = (...argv: string[]): Promise<CliRun> => cli({ cwd: home, env }, argv);
  const gc = async (...argv: string[]): Promise<Line[]> => (await tasks('gc', '--json', ...argv)).json<Line>();

  /** What a worker that died, or an older version, has left. */
  async function plant(): Promise<void> {
    await mkdir(scratchOf(landed), { recursive: true });
    await writeFile(join(scratchOf(landed), 'cache'), Buffer.alloc(3 * MEBIBYTE, 1));
    await mkdir(scratchOf(unknown), { recursive: true });
    await project.originGit('update-ref', `refs/tasks/${landed}/1/head`, 'main');
    await project.originGit('update-ref', `refs/tasks/${unknown}/1/head`, 'main');
    await mkdir(join(home, 'spool/1-1-abcdef'), { recursive: true });
    await openPortLeases(home, { base: 21_500, each: 2, ranges: 20 }).lease(`task ${name}/${landed}`);
    await mkdir(join(home, 'gates', 'gone-0123456789ab', '1'), { recursive: true });
    const longAgo = new Date(Date.now() - 10 * DAY_MS);
    await utimes(join(home, 'gates', 'gone-0123456789ab', '1'), longAgo, longAgo);
    const since = longAgo.toISOString();
    await noteHibernated(home, {
      project: value(parseProjectName(name)),
      task: landed,
      since,
      why: 'disk',
    });
  }

  const PROOF = { verdict: 'remove', why: expect.stringMatching(/^it landed as [0-9a-f]{12}$/) };

  it('says what would go and why, what stays and why, and removes nothing when it is a dry run', async () => {
    await plant();
    await eventually(
      'the canceled one to be old enough',
      async () => of(await gc('--dry-run'), 'workspace', canceled)?.verdict === 'remove',
    );
    const lines = await gc('--dry-run');
    expect(lines.every(({ removed, failure }) => !removed && failure === null)).toBe(true);
    expect(of(lines, 'home', landed)).toMatchObject(PROOF);
    expect(of(lines, 'refs', landed)).toMatchObject({ ...PROOF, name: `${name}/${landed}` });
    expect(of(lines, 'workspace', canceled)).toMatchObject({ why: expect.stringMatching(/^it ended as canceled/) });
    expect(of(lines, 'refs', canceled)).toMatchObject({ verdict: 'keep', why: expect.stringContaining('tasks retry') });
    expect(of(lines, 'workspace', asks)).toMatchObject({ verdict: 'keep', why: 'its task is open (waiting)' });
    expect(of(lines, 'workspace', runs)).toMatchObject({
      verdict: 'keep',
      why: expect.stringContaining('at work in it'),
    });
    for (const kind of ['home', 'refs']) {
      expect(of(lines, kind, unknown)).toMatchObject({
        verdict: 'keep',
        why: expect.stringContaining('proves nothing'),
      });
    }
    const spools = lines.filter(({ kind }) => kind === 'spool');
    expect(spools.map(({ verdict }) => verdict).toSorted()).toEqual(['keep', 'remove']);
    expect(of(lines, 'ports', landed)).toMatchObject({ verdict: 'remove' });
    for (const kind of ['mirror', 'landing']) expect(of(lines, kind, null)).toMatchObject({ verdict: 'keep' });
    expect(lines.find((line) => line.name === 'gone-0123456789ab/1')).toMatchObject({
      kind: 'gate',
      verdict: 'remove',
    });
    expect(of(lines, 'home', landed)?.bytes).toBeGreaterThanOrEqual(3 * MEBIBYTE);
    expect(of(lines, 'home', landed)?.bytes).toBeLessThan(4 * MEBIBYTE);
    expect(of(lines, 'workspace', canceled)?.bytes).toBeGreaterThan(0);
    for (const [kind, id] of [
      ['refs', landed],
      ['ports', landed],
      ['workspace', asks],
    ] as const)
      expect(of(lines, kind, id)?.bytes).toBeNull();
    const { stdout, code } = await tasks('gc', '--dry-run');
    expect(stdout).toMatch(new RegExp(`^remove +home +${name}/${landed} +3\\.\\d MiB +it landed as`, 'm'));
    expect(stdout).toMatch(/\n\d+ would be removed \(3\.\d MiB\), \d+ kept\n$/);
    expect(code).toBe(0);
    expect(existsSync(scratchOf(landed))).toBe(true);
    expect(existsSync(workspaceOf(canceled))).toBe(true);
  });

  it('removes that and nothing else, beside a worker, and has nothing to do when it is asked again', async () => {
    const lines = await gc();
    const gone = lines.filter(({ verdict }) => verdict === 'remove');
    expect(gone.filter(({ removed }) => !removed)).toEqual([]);
    expect(of(gone, 'home', landed)?.bytes).toBeGreaterThanOrEqual(3 * MEBIBYTE);
    expect(existsSync(scratchOf(landed))).toBe(false);
    expect(existsSync(workspaceOf(canceled))).toBe(false);
    expect(existsSync(workspaceOf(asks))).toBe(true);
    expect(existsSync(workspaceOf(runs))).toBe(true);
    expect(existsSync(scratchOf(unknown))).toBe(true);
    const refs = await project.originGit('for-each-ref', '--format=%(refname)', 'refs/tasks');
    expect(refs).not.toContain(landed);
    for (const id of [asks, canceled, unknown]) expect(refs).toContain(id);
    expect((await gc()).filter(({ verdict }) => verdict === 'remove')).toEqual([]);
    await rig.open('go');
    expect(await rig.engine.untilEnded(runs)).toMatchObject({ state: 'unchanged' });
    expect(await rig.engine.ledger.readTask(canceled)).toMatchObject({ state: 'canceled' });
  });

  it("takes the word of main for a task that Temporal keeps no more, and nobody else's", async () => {
    const { client } = rig.engine;
    for (const id of [landed, canceled]) {
      await mkdir(scratchOf(id), { recursive: true });
      await client.workflowService.deleteWorkflowExecution({
        namespace: client.options.namespace,
        workflowExecution: { workflowId: workflowIds.task(id) },
      });
    }
    const lines = await eventually('Temporal to have forgotten them', async () => {
      const seen = await gc('--dry-run');
      const [one, other] = [of(seen, 'home', landed), of(seen, 'home', canceled)];
      return one?.why?.endsWith('as main says') === true && other?.why?.includes('proves nothing') === true && seen;
    });
    expect(of(lines, 'home', landed)).toMatchObject({ verdict: 'remove' });
    expect(of(lines, 'home', canceled)).toMatchObject({ verdict: 'keep' });
    expect(of(lines, 'refs', canceled)).toMatchObject({ verdict: 'keep' });
  });

  it('keeps everything when Temporal cannot be asked', async () => {
    const away = { ...env, TEMPORAL_ADDRESS: '127.0.0.1:1' };
    const lines = (await cli({ cwd: home, env: away }, ['gc', '--json'])).json<Line>();
    expect(of(lines, 'workspace', asks)).toMatchObject({
      verdict: 'keep',
      why: expect.stringContaining('could not be asked'),
    });
    expect(lines.filter(({ verdict, task }) => verdict === 'remove' && task !== null)).toEqual([]);
  });

  it('finds nothing in a state home that is not there', async () => {
    const { stdout, code } = await cli({ cwd: home, env: { ...env, TASKS_HOME: join(home, 'none') } }, ['gc']);
    expect([stdout, code]).toEqual(['nothing is here\n', 0]);
  });
});
