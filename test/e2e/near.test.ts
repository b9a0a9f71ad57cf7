/** Where phases go on, with two hosts: worker processes with a state home each. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import type { TaskId } from '../../src/core/ids.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, GATE, projectFile } from '../support/scripted-agent.ts';
import { tempFolder } from '../support/temp.ts';

// temporal.api.enums.v1.TaskQueueType, by number: the client's package does not export the enumeration itself.
const ACTIVITY_QUEUE = 2;
const HOSTS = ['host-ada', 'host-bob'] as const;

const QUESTION = `grep -q 'answered:\\*\\* yes' "$TASKS_PROMPT_FILE" || { printf '{"status":"question","question":"Go on?"}' > "$TASKS_REPORT_FILE"; exit 0; }`;

function sample(name: string, phases: Parameters<typeof agentScript>[0]): Promise<SampleProject> {
  return SampleProject.create({
    'tasks.yaml': projectFile().replace('sample', name),
    'gate.sh': GATE,
    'agent.sh': agentScript(phases),
  });
}

describe('the phases of a task, on two hosts', () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await Engine.start({ agents: 2, presenceMs: 50, labels: ['gpu'] });
    await engine.drainWorker();
    for (const host of HOSTS) await startHost(host);
    await eventually('both to poll', async () => (await pollers()).size === HOSTS.length);
  });

  afterAll(async () => {
    await engine.stop();
  });

  const pollers = async (): Promise<ReadonlySet<string>> => {
    const type = Object.fromEntries([['taskQueueType', ACTIVITY_QUEUE]]);
    const asked = { namespace: engine.namespace.namespace, taskQueue: { name: 'agents' }, ...type };
    const { pollers: seen } = await engine.client.workflowService.describeTaskQueue(asked);
    return new Set(
      (seen ?? []).map(({ identity }) => identity ?? '').filter((name) => HOSTS.some((host) => name.startsWith(host))),
    );
  };
  const startHost = async (host: string) => engine.startWorker(await tempFolder('home'), host);
  const hostsOf = async (id: TaskId): Promise<readonly (string | null)[]> =>
    (await engine.ledger.readAttempts(id)).map(({ host }) => host);

  it('go on where its workspace is', async () => {
    const project = await sample('stays', { execute: 'echo "$TASKS_TASK_ID" > "$TASKS_TASK_ID"' });
    const ids: TaskId[] = [];
    // One that begins while others run may come to either host; what follows may not.
    for (const title of ['one', 'two', 'three', 'four']) ids.push(await engine.submit(project, { title }));
    for (const id of ids) {
      expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
      const hosts = await hostsOf(id);
      expect(hosts.length).toBe(3);
      expect(new Set(hosts).size).toBe(1);
    }
  });

  it('go on at the other one when that is full', async () => {
    const open = join(engine.home, 'open');
    const project = await sample('moves', { execute: `${QUESTION}; echo x > moved` });
    const id = await engine.submit(project, { title: 'Move' });
    await engine.untilWaiting(id, 'question');
    const [first] = await hostsOf(id);
    // Four that wait take all the slots of both; then those of the other host are freed.
    const run = `touch "${engine.home}/at-$TASKS_TASK_ID"; while [ ! -e '${open}' ] && [ ! -e "${open}-$TASKS_TASK_ID" ]; do sleep 0.05; done; :`;
    const busy = await Promise.all(
      [0, 1, 2, 3].map((index) =>
        engine.submit(project, { title: `Busy ${index}`, attempts: 1, work: { kind: 'shell', run } }),
      ),
    );
    const at = new Map<TaskId, string | null>();
    await eventually('both hosts to be full', async () => {
      for (const one of busy) at.set(one, (await hostsOf(one))[0] ?? null);
      return [...at.values()].every((host) => host !== null);
    });
    await engine.answer(id, 'yes');
    for (const one of busy) if (at.get(one) !== first) await writeFile(`${open}-${one}`, '');
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    const hosts = await hostsOf(id);
    expect(hosts.at(-1)).not.toBe(first);
    expect(new Set(hosts.slice(0, -1))).toEqual(new Set([first]));
    await writeFile(open, '');
    for (const one of busy) await engine.untilEnded(one);
  });

  it('go on at the other one when that is gone', async () => {
    const project = await sample('gone', { execute: `${QUESTION}; echo x > left` });
    const id = await engine.submit(project, { title: 'Leave', attempts: 1 });
    await engine.untilWaiting(id, 'question');
    const [first] = await hostsOf(id);
    await engine.drainWorker();
    const other = HOSTS.find((host) => host !== first) ?? '';
    await startHost(other);
    await engine.answer(id, 'yes');
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect((await hostsOf(id)).at(-1)).toBe(other);
  });
});
