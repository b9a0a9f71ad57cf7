/** A host that may have few workspaces, and the ports that each of them has. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostView } from '../../src/core/hosts.ts';
import type { TaskId } from '../../src/core/ids.ts';
import { cli, cliEnvironment } from '../cli/rig.ts';
import { eventually } from '../support/eventually.ts';
import { PeopleRig, unlessTold } from '../support/people-rig.ts';

const HOST = 'workspaces: {count: 1, keep: 1s}\nports: {base: 21300, each: 4, ranges: 20}\n';

describe('a host that may have one workspace', () => {
  let rig: PeopleRig;

  beforeAll(async () => {
    rig = await PeopleRig.start({ hostFile: () => HOST, presenceMs: 50 });
  });

  afterAll(async () => {
    await rig.stop();
  });

  const json = async <T>(...argv: string[]): Promise<T[]> => {
    const env = cliEnvironment(rig.engine.home, rig.engine.servers);
    return (await cli({ cwd: rig.engine.home, env }, [...argv, '--json'])).json<T>();
  };

  it('hibernates the others while their tasks wait, says so, and has each again when it goes on', async () => {
    const { name, project } = await rig.project(
      {
        execute: `${unlessTold('answered:', { status: 'question', question: 'Go on?' }, 'test -f half && echo x > whole')}; echo x > half`,
      },
      '  phases: [execute]',
    );
    const ids: TaskId[] = [];
    for (const title of ['one', 'two', 'three']) {
      const id = await rig.engine.submit(project, { title });
      await rig.asked(id, 1);
      ids.push(id);
    }
    const workspaceOf = (id: TaskId): string => join(rig.engine.home, 'workspaces', name, id);
    const there = (): readonly TaskId[] => ids.filter((id) => existsSync(workspaceOf(id)));
    await eventually('one workspace to be left', () => there().length === 1);
    // The one that rested longest went first.
    expect(there()).toEqual([ids[2]]);
    const [host] = await eventually('the host to say so', async () => {
      const hosts = await json<HostView>('hosts');
      return hosts[0]?.workspaces?.hibernated === 2 ? hosts : null;
    });
    expect(host?.workspaces).toMatchObject({ count: 1, bytes: null });
    const [first, , third] = ids as [TaskId, TaskId, TaskId];
    const [shown] = await json<{ hibernated: unknown }>('show', first);
    expect(shown?.hibernated).toMatchObject({ host: host?.id, task: first, why: 'count' });
    const [other] = await json<{ hibernated: unknown }>('show', third);
    expect(other?.hibernated).toBeNull();
    await rig.engine.reply(first, 'answer', { text: 'yes' });
    expect(await rig.engine.untilEnded(first)).toMatchObject({ state: 'landed' });
    expect(await project.read('whole')).toBe('x');
    for (const id of ids.slice(1)) {
      await rig.engine.cancel(id);
      expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'canceled' });
    }
  });

  it('hibernates those in line for landing after those that wait, and they land; what runs stays', async () => {
    const { name, project } = await rig.project(
      {
        execute: `if told Runs; then until_open runs; elif told Asks; then report '{"status":"question","question":"?"}'; fi; echo x > "$TASKS_TASK_ID"`,
      },
      '  phases: [execute]',
      'until_open gate',
    );
    const there = (id: TaskId): boolean => existsSync(join(rig.engine.home, 'workspaces', name, id));
    const lands = await rig.engine.submit(project, { title: 'Lands' });
    await rig.engine.until(lands, 'in line', ({ state }) => state === 'landing');
    const runs = await rig.engine.submit(project, { title: 'Runs' });
    await rig.engine.started(runs, name);
    const asks = await rig.engine.submit(project, { title: 'Asks' });
    await rig.asked(asks, 1);
    await eventually('one workspace to be left', () => !there(asks) && !there(lands));
    expect(there(runs)).toBe(true);
    await rig.open('gate');
    await rig.open('runs');
    for (const id of [lands, runs]) expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    await rig.engine.cancel(asks);
    await rig.engine.untilEnded(asks);
  });

  it('gives each running task ports that no other has, and its gate a range too', async () => {
    const said = 'echo "$TASKS_PORT_BASE $TASKS_PORT_COUNT $PORT"';
    const { name, project } = await rig.project(
      { execute: `${said} > '${rig.engine.home}'/ports-$TASKS_TASK_ID; until_open ports; echo x > $TASKS_TASK_ID` },
      '  phases: [execute]',
      `echo "$TASKS_PORT_BASE,$PORT" > '${rig.engine.home}'/gate-ports`,
    );
    const ids = [await rig.engine.submit(project, { title: 'a' }), await rig.engine.submit(project, { title: 'b' })];
    for (const id of ids) await rig.engine.started(id, name);
    const read = (file: string): Promise<string> => readFile(join(rig.engine.home, file), 'utf8');
    const ranges = await Promise.all(
      ids.map((id) => eventually('its ports', async () => (await read(`ports-${id}`)).trim().split(' '))),
    );
    for (const [base, count, port] of ranges) {
      expect(Number(base)).toBeGreaterThanOrEqual(21_300);
      expect([count, port]).toEqual(['4', base]);
    }
    expect(ranges[0]?.[0]).not.toBe(ranges[1]?.[0]);
    await rig.open('ports');
    for (const id of ids) expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await read('gate-ports')).toMatch(/^213\d\d,\n$/);
  });

  it('keeps the workspace of a canceled task for a while, and its work on the origin for longer', async () => {
    const { name, project } = await rig.project(
      { execute: `echo x > half; report '{"status":"question","question":"?"}'` },
      '  phases: [execute]',
    );
    const id = await rig.engine.submit(project, { title: 'Asks' });
    await rig.asked(id, 1);
    await rig.engine.cancel(id);
    const { state, endedAt } = await rig.engine.untilEnded(id);
    expect(state).toBe('canceled');
    const workspace = join(rig.engine.home, 'workspaces', name, id);
    expect(existsSync(workspace)).toBe(true);
    await eventually('its time to be over', () => Date.now() - Date.parse(endedAt ?? '') > 2_000);
    expect(existsSync(workspace)).toBe(true);
    // A worker looks when it starts.
    await rig.engine.drainWorker();
    await rig.engine.startWorker();
    await eventually('the workspace to go', () => !existsSync(workspace));
    expect(await project.originGit('for-each-ref', `refs/tasks/${id}`)).not.toBe('');
  });
});
