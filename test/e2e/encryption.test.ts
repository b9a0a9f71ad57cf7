import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeOptionalFailureToOptionalError } from '@temporalio/common/lib/internal-non-workflow/codec-helpers.js';
import { newKeyText } from '../../src/codec/payload-key.ts';
import { workflowIds, type TaskId } from '../../src/core/ids.ts';
import { cli, cliEnvironment, type CliPlace, type CliRun } from '../cli/rig.ts';
import { eventually } from '../support/eventually.ts';
import { textOfMessage } from '../support/kept.ts';
import { PeopleRig, unlessTold } from '../support/people-rig.ts';
import type { SampleProject } from '../support/sample-project.ts';
import { tempFolder } from '../support/temp.ts';

/** Words that stand in one place each of what a task is made of. */
const WORDS = {
  title: 'aubergine-title',
  body: 'bergamot-body',
  question: 'cardamom-question',
  choice: 'damson-choice',
  answer: 'elderberry-answer',
  summary: 'fennel-summary',
  proposed: 'gooseberry-proposed',
  comment: 'huckleberry-comment',
  failure: 'juniper-failure',
} as const;

describe('with encryption in host.yaml', () => {
  let rig: PeopleRig;
  let keys: Readonly<Record<string, string>>;
  let hostFile = '';

  /** host.yaml with these keys, the first of which encrypts. */
  const withKeys = (...ids: readonly string[]): string =>
    `encryption: {keys: [${ids.map((id) => `{id: ${id}, from: "file:${keys[id] ?? ''}"}`).join(', ')}]}\n`;

  /** What the worker and the engine's client read from now on; the worker, from its next start. */
  const restart = async (text: string): Promise<void> => {
    await rig.engine.drainWorker();
    hostFile = text;
    await rig.engine.startWorker();
  };

  /** The command line on a machine of its own, with this host.yaml. */
  const machine = async (project: SampleProject, text: string): Promise<CliPlace> => {
    const home = await tempFolder('machine');
    await mkdir(join(home, 'state'));
    await writeFile(join(home, 'state', 'host.yaml'), text);
    return { cwd: project.clone, env: cliEnvironment(home, rig.engine.servers) };
  };

  /** All that Temporal keeps of all workflows. */
  const everythingKept = async (): Promise<string> => {
    const { workflowService } = rig.engine.namespace.connection;
    const { namespace } = rig.engine.namespace;
    const parts: string[] = [];
    for await (const { workflowId, runId } of rig.engine.client.workflow.list()) {
      const execution = { workflowId, runId };
      const { history } = await workflowService.getWorkflowExecutionHistory({ namespace, execution });
      const described = await workflowService.describeWorkflowExecution({ namespace, execution });
      parts.push(textOfMessage(history), textOfMessage(described));
    }
    return parts.join('\n');
  };

  const events = async (id: TaskId) => {
    const { history } = await rig.engine.namespace.connection.workflowService.getWorkflowExecutionHistory({
      namespace: rig.engine.namespace.namespace,
      execution: { workflowId: workflowIds.task(id) },
    });
    return history?.events ?? [];
  };

  /** The keys by which what a task's history has is encrypted. */
  const keysIn = async (id: TaskId): Promise<readonly string[]> => {
    const lines = textOfMessage(await events(id)).split('\n');
    return ['one', 'two'].filter((key) =>
      lines.some((line, at) => line === 'encryption-key-id' && lines[at + 1] === key),
    );
  };

  const asking = async (question = 'Which?') =>
    rig.project({ execute: `${unlessTold('answered:**', { status: 'question', question })}; echo x > work` });

  const signalAnswer = async (id: TaskId, messageId: string): Promise<void> => {
    await rig.engine.handle(id).signal('answer', { messageId, text: 'this', actor: 'Ada' });
  };

  beforeAll(async () => {
    const folder = await tempFolder('keys');
    keys = { one: join(folder, 'one'), two: join(folder, 'two'), other: join(folder, 'other') };
    for (const path of Object.values(keys)) await writeFile(path, `${newKeyText()}\n`);
    rig = await PeopleRig.start({ hostFile: () => hostFile });
  });

  afterAll(async () => {
    hostFile = withKeys('one', 'two');
    await rig.stop();
  });

  it('switched on while a task waits, what comes after is encrypted and the task goes on', async () => {
    const { project } = await asking();
    const id = await rig.engine.submit(project, { title: 'begun in the open' });
    await rig.engine.untilWaiting(id, 'question');
    expect(await keysIn(id)).toEqual([]);
    await restart(withKeys('one'));
    await rig.engine.answer(id, 'quince-answer');
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await keysIn(id)).toEqual(['one']);
    const kept = await everythingKept();
    expect(kept).toContain('begun in the open');
    expect(kept).not.toContain('quince-answer');
  });

  it('a task lands end to end, and Temporal has nothing of what it is about', async () => {
    const { question, choice, proposed, summary, body } = WORDS;
    const { project } = await rig.project({
      plan: unlessTold('answered:**', { status: 'question', question, choices: [choice, 'other'] }),
      execute: unlessTold(
        proposed,
        {
          status: 'proposal',
          proposal: { kind: 'effect', title: proposed, body: proposed },
        },
        `echo '${body}' > work; report '{"status":"done","summary":"${summary}"}'`,
      ),
    });
    await project.git('fetch', '--quiet', 'origin');
    const place = await machine(project, hostFile);
    const tasks = (...argv: string[]): Promise<CliRun> => cli(place, argv);
    const submitted = await tasks('submit', WORDS.title, '--body', WORDS.body, '--json');
    expect(submitted.stderr).toBe('');
    const id = submitted.json<{ id: TaskId }>()[0]?.id ?? ('' as TaskId);
    await rig.engine.untilWaiting(id, 'question');
    expect((await tasks('show', id)).stdout).toContain(question);
    expect(await tasks('comment', id, WORDS.comment)).toMatchObject({ code: 0, stderr: '' });
    expect(await tasks('answer', id, WORDS.answer)).toMatchObject({ code: 0 });
    await rig.engine.untilWaiting(id, 'proposal');
    // A refusal is a failure, whose message is encrypted and read.
    const late = await tasks('answer', `${id}@1`, WORDS.answer);
    expect(late).toMatchObject({ code: 1, stderr: expect.stringContaining('1 was answered by Ada') });
    expect(await tasks('approve', `${id}@2`)).toMatchObject({ code: 0 });
    expect(await tasks('wait', id)).toMatchObject({ code: 0 });
    expect(await rig.engine.detail(id)).toMatchObject({ view: { state: 'landed', title: WORDS.title } });
    expect(await project.read('work')).toBe(body);
    const kept = await everythingKept();
    // It is all there, and what is looked for could be found.
    expect(kept).toContain('binary/encrypted');
    expect(kept).toContain(id);
    for (const word of Object.values(WORDS)) expect(`${word}: ${kept.includes(word)}`).toBe(`${word}: false`);
    // What is not a payload stays plain: docs/encryption.md says so.
    expect(kept).toContain('"Ada');
    // The ledger is plain.
    const ledger = await rig.engine.dumpLedger();
    for (const word of [WORDS.title, WORDS.question, WORDS.answer]) expect(ledger).toContain(word);
  });

  it('the reason of a failed task is encrypted too, and is read by who has the key', async () => {
    const { project } = await rig.project({ execute: 'exit 1' }, 'attempts: 1');
    await project.commit('Another agent', {
      'tasks.yaml': (await project.read('tasks.yaml')).replace('[sh, agent.sh]', `[${WORDS.failure}]`),
    });
    const id = await rig.engine.submit(project, { title: 'fails' });
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'failed' });
    await expect(rig.engine.handle(id).result()).rejects.toMatchObject({
      cause: { message: expect.stringContaining(WORDS.failure), type: 'agent-missing' },
    });
    const kept = await everythingKept();
    expect(kept).toContain('Encoded failure');
    expect(kept).not.toContain(WORDS.failure);
  });

  it('queries are answered encrypted, the details for the Web UI among them', async () => {
    const { project } = await asking();
    const id = await rig.engine.submit(project, { title: WORDS.title });
    await rig.engine.untilWaiting(id, 'question');
    const { workflowService } = rig.engine.namespace.connection;
    for (const queryType of ['detail', '__temporal_workflow_metadata']) {
      const { queryResult } = await workflowService.queryWorkflow({
        namespace: rig.engine.namespace.namespace,
        execution: { workflowId: workflowIds.task(id) },
        query: { queryType },
      });
      const [payload] = queryResult?.payloads ?? [];
      expect(Buffer.from(payload?.metadata?.['encoding'] ?? []).toString()).toBe('binary/encrypted');
      expect(Buffer.from(payload?.data ?? []).toString('latin1')).not.toContain(WORDS.title);
    }
    expect(await rig.details(id)).toContain('tasks answer');
    await rig.engine.cancel(id);
    await rig.engine.untilEnded(id);
  });

  it('a machine without the key is told so by name, also that what it sent was not encrypted, and still has its lists', async () => {
    const { project } = await asking('kumquat-question');
    const id = await rig.engine.submit(project, { title: 'kept from others' });
    await rig.engine.untilWaiting(id, 'question');
    const says =
      /^tasks: a payload of this task is encrypted with the key "one", and host\.yaml here has none; add that key under encryption\.keys/;
    const place = await machine(project, '');
    for (const argv of [
      ['show', id],
      ['ledger', 'rebuild', '--dry-run'],
    ]) {
      const { code, stdout, stderr } = await cli(place, argv);
      expect({ argv, code, stdout, stderr }).toEqual({
        argv,
        code: 1,
        stdout: '',
        stderr: expect.stringMatching(says),
      });
    }
    expect((await cli(place, ['list'])).stdout).toContain('kept from others');
    expect((await cli(place, ['inbox'])).stdout).toContain('kumquat-question');
    const commented = await cli(place, ['comment', id, 'mulberry-comment']);
    expect(commented.code).toBe(1);
    expect(commented.stderr).toMatch(/the comment was sent, and not encrypted; its answer cannot be read: .*"one"/);
    // With the key all of it can be had.
    const keeper = await machine(project, withKeys('one'));
    expect(await cli(keeper, ['ledger', 'rebuild', '--dry-run'])).toMatchObject({ code: 0 });
    expect(await cli(keeper, ['answer', `${id}@1`, 'lychee-answer'])).toMatchObject({ code: 0 });
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await everythingKept()).not.toContain('lychee-answer');
  });

  it('a machine whose key cannot be looked up is told that of an open task, and not that no worker answers', async () => {
    const { project } = await asking('quince-question');
    const id = await rig.engine.submit(project, { title: 'kept from it' });
    await rig.engine.untilWaiting(id, 'question');
    const place = await machine(project, 'encryption: {keys: [{id: one, from: "file:/nonexistent/key"}]}\n');
    expect(await cli(place, ['show', id])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: 'tasks: host.yaml: encryption.keys: the key one: /nonexistent/key cannot be read (ENOENT)\n',
    });
    await rig.engine.cancel(id);
    await rig.engine.untilEnded(id);
  });

  it('a machine whose key cannot be looked up submits nothing', async () => {
    const { project } = await asking();
    await project.git('fetch', '--quiet', 'origin');
    const place = await machine(project, 'encryption: {keys: [{id: one, from: "file:/no/such/key"}]}\n');
    const { code, stdout, stderr } = await cli(place, ['submit', 'nectarine-title', '--request-id', 'once']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^tasks: host\.yaml: encryption\.keys: the key one: \/no\/such\/key cannot be read/);
    expect(await everythingKept()).not.toContain('nectarine-title');
  });

  it('a new key in front of the old one encrypts from then on, and tasks that wait go on', async () => {
    const { project } = await asking();
    const id = await rig.engine.submit(project, { title: 'rotated' });
    await rig.engine.untilWaiting(id, 'question');
    expect(await keysIn(id)).toEqual(['one']);
    await restart(withKeys('two', 'one'));
    await rig.engine.answer(id, 'this');
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await keysIn(id)).toEqual(['one', 'two']);
  });

  it.each([
    ['without any key', () => '', 'is encrypted with the key "one", and host.yaml here has none'],
    [
      'with another key under its id',
      () => withKeys('one').replace(keys['one'] ?? '', keys['other'] ?? ''),
      'another key than host.yaml has under the id "one"',
    ],
  ])('a worker %s fails no task: it names the key, and the task goes on once it has it', async (how, wrong, says) => {
    await restart(withKeys('one'));
    const { project } = await asking();
    const id = await rig.engine.submit(project, { title: 'unreadable' });
    await rig.engine.untilWaiting(id, 'question');
    await rig.engine.drainWorker();
    // Left with the workflow while nobody takes it.
    await signalAnswer(id, `answer-${how}`);
    await restart(wrong());
    const failed = await eventually('its failed workflow task', async () =>
      (await events(id)).find(({ workflowTaskFailedEventAttributes }) => workflowTaskFailedEventAttributes),
    );
    const error = await decodeOptionalFailureToOptionalError(
      rig.engine.client.options.loadedDataConverter,
      failed.workflowTaskFailedEventAttributes?.failure,
    );
    expect(error?.message).toContain(says);
    expect(error?.message).toContain('encryption.keys');
    // A person who asks there is told the same, and nothing is taken for an answer.
    await expect(rig.engine.handle(id).describe()).resolves.toMatchObject({ status: { name: 'RUNNING' } });
    await restart(withKeys('one', 'two'));
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
  });
});
