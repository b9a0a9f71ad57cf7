import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProjectName, TaskId } from '../../src/core/ids.ts';
import type { NoticeMessage } from '../../src/core/notice-types.ts';
import type { RadarReport } from '../../src/core/radar.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { listen, type Listener } from '../support/listener.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, GATE, projectFile } from '../support/scripted-agent.ts';

const ASK = `printf '%s' '{"status":"question","question":"Shall I go on?"}' > "$TASKS_REPORT_FILE"`;

/** Its agent writes a line into a file and asks a question, in each attempt. */
const projectOf = (name: string, more = ''): Promise<SampleProject> =>
  SampleProject.create({
    'tasks.yaml': projectFile(more).replace('sample', name),
    'gate.sh': GATE,
    'a.txt': 'one\ntwo\nthree\n',
    'agent.sh': agentScript({ execute: `printf 'one\\nTASK %s\\nthree\\n' "$TASKS_TASK_ID" > a.txt; ${ASK}` }),
  });

describe('the conflict radar of a worker', () => {
  let engine: Engine;
  let listener: Listener;

  beforeAll(async () => {
    listener = await listen();
    engine = await Engine.start({
      hostFile: () => `targets:\n  hook: {webhook: "${listener.url}"}\n`,
      limits: { radarMs: 50 },
    });
  });

  afterAll(async () => {
    await engine.stop();
    await listener.close();
  });

  const land = async (project: SampleProject, run: string): Promise<TaskId> => {
    const id = await engine.submit(project, { title: 'Count in capitals', work: { kind: 'shell', run } });
    expect(await engine.handle(id).result()).toMatchObject({ state: 'landed' });
    return id;
  };
  const report = async (name: string): Promise<RadarReport | undefined> =>
    (await engine.ledger.readRadar(name as ProjectName))[0];

  it('tells a waiting task and its person what landed on its files, and the next prompt says so', async () => {
    const project = await projectOf('told', 'notify: [{ to: hook, events: [conflicts] }]');
    const id = await engine.submit(project, { title: 'Change the middle' });
    await engine.untilWaiting(id, 'question');
    await land(project, `printf 'one\\nTWO\\nthree\\n' > a.txt`);
    const view = await eventually('the conflict on record', async () => {
      const now = await engine.ledger.readTask(id);
      return now?.conflict == null ? null : now;
    });
    expect(view).toMatchObject({
      state: 'waiting',
      conflict: { head: view.checkpoint?.head, files: ['a.txt'], landed: [{ title: 'Count in capitals' }] },
    });
    const [heard] = await eventually('the notice', () => (listener.heard.length > 0 ? listener.heard : null));
    const notice = JSON.parse(heard?.body ?? '') as NoticeMessage;
    expect(notice).toMatchObject({ event: 'conflicts', task: id });
    expect(notice.text).toMatch(/a\.txt\n- [0-9a-f]{12} Count in capitals/);
    // What has landed is on its way into the ledger for a moment.
    const conflicts = await eventually('the landing on record', async () => {
      const now = await report('told');
      return now?.overlaps.length === 0 ? now : null;
    });
    expect(conflicts).toMatchObject({ withMain: [{ id, files: ['a.txt'] }] });

    const prompt = join(engine.home, 'workspaces/told', id, 'task/prompt.md');
    expect(await readFile(prompt, 'utf8')).not.toContain('landed meanwhile');
    await engine.answer(id, 'Yes');
    await engine.until(id, 'asking again', ({ waitingFor }) => waitingFor?.version === 2);
    expect(await readFile(prompt, 'utf8')).toMatch(/landed meanwhile conflicts[^]*\n- a\.txt\n[^]*Count in capitals/);
    await engine.cancel(id);
    await engine.untilEnded(id);
  });

  it('keeps for everybody who overlaps with whom, and tells nobody whose work goes together with main', async () => {
    const project = await projectOf('shared');
    const ids = [];
    for (const title of ['One', 'Other']) {
      const id = await engine.submit(project, { title });
      await engine.untilWaiting(id, 'question');
      ids.push(id);
    }
    await land(project, 'echo x > b.txt');
    const seen = await eventually('both to be looked at', async () => {
      const now = await report('shared');
      return now?.overlaps.length === 1 ? now : null;
    });
    expect(seen).toMatchObject({ withMain: [], overlaps: [{ files: ['a.txt'], conflict: true }] });
    expect(seen.overlaps[0]?.tasks.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
    for (const id of ids) {
      expect((await engine.detail(id)).view.conflict).toBeNull();
      await engine.cancel(id);
      await engine.untilEnded(id);
    }
  });
});
