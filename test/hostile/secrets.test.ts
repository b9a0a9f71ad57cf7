import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskId } from '../../src/core/ids.ts';
import { printable } from '../../src/core/text.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { textOfMessage } from '../support/kept.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, GATE, projectFile } from '../support/scripted-agent.ts';
import { tempFolder } from '../support/temp.ts';

const KEY = 'k3y-of-the-agent-0123456789';
const FORMS = [
  KEY,
  // What is the same of it wherever it begins.
  ...[0, 1, 2].map((offset) =>
    Buffer.concat([Buffer.alloc(offset), Buffer.from(KEY)])
      .toString('base64')
      .slice(4, 32),
  ),
  encodeURIComponent(KEY),
  Array.from(KEY).toReversed().join(''),
  Buffer.from(KEY).toString('hex'),
];

describe('an agent that is granted a key and', () => {
  let engine: Engine;
  const projects: SampleProject[] = [];

  beforeAll(async () => {
    const file = join(await tempFolder('key'), 'key');
    await writeFile(file, `${KEY}\n`);
    engine = await Engine.start({
      sharesHome: false,
      hostFile: () => `secrets: {AGENT_KEY: {from: "file:${file}", agents: [sh]}}\n`,
    });
  });
  afterAll(async () => {
    await engine.stop();
  });

  const submit = async (does: string): Promise<{ id: TaskId; project: SampleProject }> => {
    const name = `secrets-${projects.length + 1}`;
    const project = await SampleProject.create({
      'tasks.yaml': projectFile('  phases: [execute, revise]').replace('sample', name),
      'gate.sh': `echo "gate: $AGENT_KEY"\n${GATE}`,
      'agent.sh': agentScript({ execute: does }),
    });
    projects.push(project);
    return { project, id: await engine.submit(project, { title: 'Work', attempts: 1 }) };
  };

  it('prints it in every way, leaves it in its outputs and tells it in its report, lands without it', async () => {
    const { id } = await submit(
      `[ -n "$AGENT_KEY" ]; echo "$AGENT_KEY"; printf %s "$AGENT_KEY" | base64; printf 'x%s' "$AGENT_KEY" | base64 >&2; echo "$AGENT_KEY" | rev;
printf %s "$AGENT_KEY" | head -c 9; sleep 0.2; printf %s "$AGENT_KEY" | tail -c +10; echo; printf %s "$AGENT_KEY" | rev | tr -d '\\n' > /tmp/r; head -c 13 /tmp/r; sleep 0.2; tail -c +14 /tmp/r; echo;
printf %s "$AGENT_KEY" | od -An -tx1 | tr -d ' \\n';
printf '{"status":"done","summary":"the key is %s"}' "$AGENT_KEY" > "$TASKS_REPORT_FILE"; echo x > work; rm -f "$TASKS_TASK_DIR/x"`,
    );
    // The report is stored with the task's notes: with a key in it, nothing of the task is pushed.
    const view = await engine.untilWaiting(id, 'attempts');
    expect(view.failure).toMatchObject({
      kind: 'secret-found',
      message: expect.stringContaining('the secret AGENT_KEY'),
    });
    const log = await eventually('its log', async () => {
      const text = (await engine.ledger.readLogs(id, null, 10_000)).map((chunk) => chunk.text).join('');
      return text.split('[secret AGENT_KEY]').length > 7 ? text : null;
    });
    for (const form of FORMS) expect(log).not.toContain(form);
  });

  it.each([
    ['plainly', 'echo "the key: $AGENT_KEY" > work'],
    [
      'in Base64, and takes it away again in the next commit',
      `printf 'x%s' "$AGENT_KEY" | base64 -w0 > work; git add work; git commit -qm One; rm work; echo x > other`,
    ],
    ['as the name of a file', 'echo x > "$AGENT_KEY"'],
    ['in the message of a commit', 'echo x > work; git add work; git commit -qm "$AGENT_KEY"'],
    [
      'in a note of its task folder',
      'echo x > work; mkdir -p "$TASKS_TASK_DIR/outputs"; echo "$AGENT_KEY" > "$TASKS_TASK_DIR/outputs/note"; echo "$AGENT_KEY" > "$TASKS_TASK_DIR/result.md"',
    ],
    ['of a well-known format that nobody granted', `printf 'ghp_%s' aB3dE6gH9aB3dE6gH9aB3dE6gH9aB3dE6gH9 > work`],
  ])('commits one %s: is stopped before anything is pushed, and a person is asked', async (_how, does) => {
    const { id, project } = await submit(does);
    const view = await engine.untilWaiting(id, 'attempts');
    expect(view).toMatchObject({ state: 'waiting', commit: null, failure: { kind: 'secret-found' } });
    expect(view.failure?.next).toMatch(/tasks retry/);
    expect(
      (await project.originGit('for-each-ref', '--format=%(refname)'))
        .split('\n')
        .filter((ref) => ref.endsWith('/head')),
    ).toEqual([]);
  });

  it.each([
    [
      'its report, in the escapes of JSON, and lands',
      `echo x > work; node -e 'const escaped = [...process.env.AGENT_KEY].map((c) => "\\\\u" + c.charCodeAt(0).toString(16).padStart(4, "0")).join("");
require("node:fs").writeFileSync(process.env.TASKS_REPORT_FILE, "{\\"status\\":\\"done\\",\\"summary\\":\\"the key is " + escaped + "\\"}")'`,
      'landed',
    ],
    [
      'its log, with what nobody sees between two halves',
      `node -e 'const key = process.env.AGENT_KEY; for (const between of ["\\0", "\\x1b[0m", "\\u200e"]) console.log(key.slice(0, 9) + between + key.slice(9))'; echo x > work`,
      'landed',
    ],
    [
      'its log, half of it on each stream',
      `echo x > work; node -e 'const key = process.env.AGENT_KEY; require("fs").writeSync(1, key.slice(0, 9)); require("fs").closeSync(1); require("fs").writeSync(2, key.slice(9))'`,
      'landed',
    ],
    [
      'the evidence of its failure, with colours between two halves',
      `node -e 'const key = process.env.AGENT_KEY; console.log(key.slice(0, 9) + "\\x1b[0m" + key.slice(9))'; exit 3`,
      'agent-failed',
    ],
    [
      'an output, with what nobody sees between two halves',
      `node -e 'const key = process.env.AGENT_KEY; require("node:fs").writeFileSync(process.env.TASKS_TASK_DIR + "/outputs/n", key.slice(0, 9) + "\\0" + key.slice(9))'; echo x > work`,
      'secret-found',
    ],
  ])('puts it into %s: what is shown is whole nowhere', async (_where, does, ends) => {
    const { id } = await submit(does);
    const view = await engine.until(id, 'over', (seen) => seen.endedAt !== null || seen.waitingFor !== null);
    expect(view.failure?.kind ?? view.state).toBe(ends);
    expect(JSON.stringify(view)).not.toContain(KEY);
    expect(view.failure?.evidence ?? '').not.toContain(KEY);
    await eventually('its log or artifacts', async () => (await engine.dumpLedger()).includes(id));
  });

  it('prints it last and fails: the evidence of its failure is shown without', async () => {
    const { id } = await submit('echo "$AGENT_KEY" >&2; exit 3');
    const view = await engine.untilWaiting(id, 'attempts');
    expect(view.failure).toMatchObject({ kind: 'agent-failed', evidence: '[secret AGENT_KEY]' });
  });

  it('names an output after it: it is shown without, and nothing of it is pushed', async () => {
    const { id } = await submit(
      'mkdir -p "$TASKS_TASK_DIR/outputs"; echo x > "$TASKS_TASK_DIR/outputs/$AGENT_KEY"; echo x > work',
    );
    const view = await engine.untilWaiting(id, 'attempts');
    expect(view.failure).toMatchObject({ kind: 'secret-found' });
    const dump = await eventually('the artifact', async () => {
      const text = await engine.dumpLedger();
      return text.includes('outputs/[secret AGENT_KEY]') ? text : null;
    });
    expect(dump).not.toContain(KEY);
  });

  /** Whatever is kept anywhere of what agents did, by the kind of place. */
  const everything = async (): Promise<Readonly<Record<string, string>>> => {
    const places: Record<string, string> = { 'the log of the worker': engine.log.join('\n') };
    const add = (where: string, text: string): void => {
      places[where] = `${places[where] ?? ''}\n${text}`;
    };
    for await (const { history } of engine.client.workflow.list().intoHistories()) {
      add('histories', textOfMessage(history));
    }
    for (const project of projects) {
      add('commits', await project.originGit('cat-file', '--batch-all-objects', '--batch', '--unordered'));
      add('refs', await project.originGit('for-each-ref'));
    }
    for (const name of await readdir(join(engine.home, 'spool'), { recursive: true })) {
      add('the spool', `${name}\n${await readFile(join(engine.home, 'spool', name), 'utf8').catch(() => '')}`);
    }
    for (const [table, text] of Object.entries(await engine.dumpTables())) add(table, text);
    return places;
  };

  const found = async (forms: readonly string[]): Promise<readonly string[]> =>
    Object.entries(await everything())
      // As it is kept, and as a person is shown it.
      .filter(([, text]) => [text, printable(text)].some((seen) => forms.some((form) => seen.includes(form))))
      .map(([where]) => where);

  it('would have it found by the search below, in each place, if it were there', async () => {
    const marker = 'm4rker-that-is-no-secret';
    const { id } = await submit(
      `echo ${marker}; mkdir -p "$TASKS_TASK_DIR/outputs"; echo ${marker} > "$TASKS_TASK_DIR/outputs/note"; echo ${marker} > work; printf '{"status":"done","summary":"${marker}"}' > "$TASKS_REPORT_FILE"`,
    );
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', summary: marker });
    await eventually('its log and its artifacts', async () => {
      const tables = await engine.dumpTables();
      return ['logs', 'artifacts'].every((name) => tables[`tributary.${name}`]?.includes(marker));
    });
    const tables = ['tasks', 'logs', 'artifacts'].map((name) => `tributary.${name}`);
    expect(await found([marker])).toEqual(expect.arrayContaining(['histories', 'commits', ...tables]));
  });

  it('has it found nowhere afterwards: not in histories, the ledger, logs, commits or artifacts', async () => {
    expect(await found(FORMS)).toEqual([]);
  });
});
