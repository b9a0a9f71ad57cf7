/** N6 where the disk runs short: here it always does. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/eventually.ts';
import { PeopleRig, unlessTold } from '../support/people-rig.ts';

describe('a host whose disk runs short', () => {
  let rig: PeopleRig;

  beforeAll(async () => {
    rig = await PeopleRig.start({ limits: { shortBelowBytes: Number.POSITIVE_INFINITY } });
  });

  afterAll(async () => {
    await rig.stop();
  });

  it('has no workspace of a task that waits, and has it again, with its work, once somebody has replied', async () => {
    const { name, project } = await rig.project(
      {
        execute: `${unlessTold('answered:', { status: 'question', question: 'Go on?' }, 'test -f half && echo x > whole')}; echo x > half`,
      },
      '  phases: [execute]',
    );
    const id = await rig.engine.submit(project, { title: 'Work' });
    await rig.asked(id, 1);
    const workspace = join(rig.engine.home, 'workspaces', name, id);
    await eventually('the workspace to be gone', () => !existsSync(workspace));
    await rig.engine.reply(id, 'answer', { text: 'yes' });
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await project.read('whole')).toBe('x');
    expect(await project.read('half')).toBe('x');
  });

  it('keeps the workspace of a task that runs', async () => {
    const { name, project } = await rig.project({ execute: 'until_open go; echo x > work' }, '  phases: [execute]');
    const running = await rig.engine.submit(project, { title: 'Runs' });
    await rig.engine.started(running, name);
    const { project: other } = await rig.project(
      { execute: `report '{"status":"question","question":"?"}'` },
      '  phases: [execute]',
    );
    const asks = await rig.engine.submit(other, { title: 'Asks' });
    await rig.asked(asks, 1);
    expect(existsSync(join(rig.engine.home, 'workspaces', name, running))).toBe(true);
    await rig.open('go');
    expect(await rig.engine.untilEnded(running)).toMatchObject({ state: 'landed' });
    await rig.engine.cancel(asks);
  });
});
