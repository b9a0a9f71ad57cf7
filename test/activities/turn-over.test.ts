import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isTurnOver } from '../../src/activities/turn-over.ts';
import { eventually } from '../support/eventually.ts';
import { PeopleRig } from '../support/people-rig.ts';

describe('the turn of a task', () => {
  let rig: PeopleRig;

  beforeAll(async () => {
    rig = await PeopleRig.start();
  });

  afterAll(async () => {
    await rig.stop();
  });

  it('goes on while its agent works, and is over once it was ended from outside', async () => {
    const { project } = await rig.project({ understand: 'until_open never' });
    const id = await rig.engine.submit(project, { title: 'Work' });
    await eventually('the agent', async () => (await rig.phases(id)).length === 1);
    expect(await isTurnOver(rig.engine.client, id)).toBe(false);
    await rig.engine.handle(id).terminate('not wanted');
    expect(await isTurnOver(rig.engine.client, id)).toBe(true);
    await eventually('its processes to end', async () => (await rig.engine.processesOf(id)).length === 0);
  });

  it('goes on while it waits for its next try, and is over while it waits for a person', async () => {
    const { project } = await rig.project({ understand: 'exit 1' });
    const backoff = { firstMs: 600_000, capMs: 600_000 };
    const id = await rig.engine.submit(project, { title: 'Work', attempts: 2, policy: { backoff } });
    await rig.engine.untilWaiting(id, 'retry');
    expect(await isTurnOver(rig.engine.client, id)).toBe(false);
    await rig.engine.retry(id);
    await rig.engine.untilWaiting(id, 'attempts');
    expect(await isTurnOver(rig.engine.client, id)).toBe(true);
    await rig.engine.cancel(id);
    await rig.engine.untilEnded(id);
    expect(await isTurnOver(rig.engine.client, id)).toBe(true);
  });
});
