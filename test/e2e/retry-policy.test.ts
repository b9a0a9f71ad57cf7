/** How the real engine tries again: what stalled, and by the policy that tasks.yaml gives single phases. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TaskId } from '../../src/core/ids.ts';
import { Engine } from '../support/engine.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, GATE, projectFile } from '../support/scripted-agent.ts';

const HANG = 'echo the last words; exec sleep 1000000';

const sample = (name: string, phases: Parameters<typeof agentScript>[0], more: string): Promise<SampleProject> =>
  SampleProject.create({
    'tasks.yaml': `${projectFile().replace('sample', name)}${more}\n`,
    'gate.sh': GATE,
    'agent.sh': agentScript(phases),
  });

describe('a task', () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await Engine.start();
  });

  afterAll(async () => {
    await engine.stop();
  });

  /** The phases and failures of its attempts, oldest first. */
  const attemptsOf = async (id: TaskId): Promise<readonly string[]> =>
    (await engine.ledger.readEvents(id)).flatMap(({ happened }) =>
      happened.kind === 'attempt-ended' ? [`${happened.phase} ${happened.failure?.kind ?? 'done'}`] : [],
    );

  it('whose agent stalled is tried once more, and its agent is told what had been printed', async () => {
    const told = `grep -q 'the last words' "$TASKS_PROMPT_FILE" || { ${HANG}; }; echo x > work`;
    const project = await sample('stalls-once', { execute: told }, 'phases: {execute: {idle: 1s}}');
    const id = await engine.submit(project, { title: 'Work' });
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', attempt: 4 });
    expect(await attemptsOf(id)).toEqual(['understand done', 'plan done', 'execute idle-timeout', 'execute done']);
  });

  it('whose agent stalls again waits for a person, with tries left, and runs nothing', async () => {
    const project = await sample('stalls', { execute: HANG }, 'attempts: 5\nphases: {execute: {idle: 1s}}');
    const id = await engine.submit(project, { title: 'Work' });
    const view = await engine.untilWaiting(id, 'attempts');
    expect(view).toMatchObject({
      attempt: 4,
      failure: {
        kind: 'idle-timeout',
        message: expect.stringMatching(/stalled: it printed nothing for too long/),
        evidence: 'the last words',
      },
    });
    expect(await attemptsOf(id)).toEqual([
      'understand done',
      'plan done',
      'execute idle-timeout',
      'execute idle-timeout',
    ]);
    expect(await engine.processesOf(id)).toEqual([]);
    expect(await project.subjects()).toEqual(['Begin']);
  });

  it('has the tries and the time that a phase has of its own', async () => {
    const fails = `printf '%s' '{"status":"failed","reason":"No."}' > "$TASKS_REPORT_FILE"`;
    const phases =
      'attempts: 2\nbackoff: {first: 1s, cap: 1s}\nphases: {plan: {attempts: 1}, understand: {timeout: 1s}}';
    const slow = 'while [ "$TASKS_ATTEMPT" = 1 ]; do echo at it; sleep 0.1; done';
    const project = await sample('own-tries', { understand: slow, plan: fails }, phases);
    const id = await engine.submit(project, { title: 'Work' });
    expect(await engine.untilWaiting(id, 'attempts')).toMatchObject({ attempt: 3, failure: { kind: 'agent-failed' } });
    expect(await attemptsOf(id)).toEqual(['understand total-timeout', 'understand done', 'plan agent-failed']);
  });

  it('that is retried goes by the tasks.yaml that main has by then, not by that of its submission', async () => {
    const name = 'mended-later';
    const project = await sample(name, { execute: 'cat made > work' }, 'setup: echo no such package >&2; exit 1');
    const mended = `${projectFile().replace('sample', name)}setup: echo made > made\n`;
    const shell = await engine.submit(project, { title: 'Shell', work: { kind: 'shell', run: 'cat made > shell' } });
    const agent = await engine.submit(project, { title: 'Work' });
    for (const id of [shell, agent]) {
      expect(await engine.untilWaiting(id, 'attempts')).toMatchObject({ failure: { kind: 'setup-failed' } });
    }
    await project.commit('Mend the set-up', { 'tasks.yaml': mended, '.gitignore': 'made\n' });
    for (const id of [shell, agent]) await engine.retry(id);
    expect(await engine.untilEnded(shell)).toMatchObject({ state: 'landed' });
    expect(await engine.untilEnded(agent)).toMatchObject({ state: 'landed' });
    expect(await project.read('work')).toBe('made');
  });

  it('goes by the tasks.yaml of its submission where main has none that can be used', async () => {
    const project = await sample('broken-later', { execute: 'echo x > work' }, '');
    await engine.drainWorker();
    const id = await engine.submit(project, { title: 'Work' });
    await project.commit('Break the configuration', { 'tasks.yaml': 'gate: [\n' });
    await engine.startWorker();
    await engine.until(id, 'in line for landing', ({ state }) => state === 'landing');
    await project.commit('Mend it', { 'tasks.yaml': projectFile().replace('sample', 'broken-later') });
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
  });

  it('that begins anew on main has what set-up has made, and set-up runs once', async () => {
    const project = await SampleProject.create({
      'tasks.yaml': `${projectFile().replace('sample', 'set-up-once')}setup: sh set-up.sh\n`,
      // Its HOME is kept from one to the next.
      'set-up.sh': 'test -e "$HOME/ran" && echo twice >> "$HOME/ran" || echo once > "$HOME/ran"; cp "$HOME/ran" made\n',
      'gate.sh': GATE,
      '.gitignore': 'made\n',
    });
    const run = 'test -e "$HOME/tried" || { touch "$HOME/tried"; exit 1; }; cat made > work';
    const id = await engine.submit(project, { title: 'Work', work: { kind: 'shell', run } });
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', attempt: 2 });
    expect((await project.read('work')).split('\n')).toEqual(['once']);
  });

  it('whose set-up makes what git does not ignore fails each time before its agent runs, and names it', async () => {
    const setup =
      'backoff: {first: 1s, cap: 1s}\nsetup: mkdir -p packages/one kept && touch packages/one/a packages/b kept/ignored stray';
    const project = await sample('not-ignored', { understand: 'echo the agent runs', execute: 'ls > work' }, setup);
    await project.commit('Ignore some', { '.gitignore': 'kept\n' });
    const id = await engine.submit(project, { title: 'Work', attempts: 2 });
    const { failure } = await engine.untilWaiting(id, 'attempts');
    expect(await attemptsOf(id)).toEqual(['understand setup-failed', 'understand setup-failed']);
    expect(failure).toMatchObject({
      kind: 'setup-failed',
      message: expect.stringMatching(/ would be committed as work: "packages\/", "stray"$/),
      next: 'add it to .gitignore, or have set-up make it elsewhere; commit that, and retry',
    });
    const logs = await engine.ledger.readLogs(id, null, 10_000);
    expect(logs.filter(({ text }) => text.includes('the agent runs'))).toEqual([]);
    await project.commit('Ignore all', { '.gitignore': 'kept\npackages\nstray\n' });
    await engine.retry(id);
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect((await project.originGit('ls-tree', '--name-only', 'main')).split('\n')).not.toContain('stray');
  });

  it('whose set-up writes files anew that git has finds them as main has them, and is told', async () => {
    const setup = 'setup: echo other > lock; rm gone; touch made';
    const project = await sample('set-up-changes', { execute: 'cat lock gone > work' }, setup);
    await project.commit('Have some', { lock: 'as main has it\n', gone: 'is there\n', '.gitignore': 'made\n' });
    const id = await engine.submit(project, { title: 'Work' });
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await project.read('work')).toBe('as main has it\nis there');
    expect((await project.originGit('diff', '--name-only', 'main^1', 'main')).split('\n')).toEqual(['work']);
    const notes = (await engine.ledger.readEvents(id)).flatMap(({ happened }) =>
      happened.kind === 'attempt-ended' ? (happened.notes ?? []) : [],
    );
    expect(notes).toEqual(['set-up changed "gone", "lock": put back']);
  });

  const REFUSED = /── refused: 10\.1\.2\.3:80: 10\.1\.2\.3 is a private address; name its host/;
  const ASK = 'require("http").get(process.env.HTTP_PROXY, {path: "http://10.1.2.3/"}, () => process.exit(1))';

  it('whose set-up was refused what it wanted to reach is told what, why, and what lets it through', async () => {
    const setup = `setup: "node -e '${ASK.replaceAll('"', '\\"')}'"`;
    const project = await sample('refused', {}, setup);
    const id = await engine.submit(project, { title: 'Work', work: { kind: 'shell', run: 'true' }, attempts: 1 });
    const { failure } = await engine.untilWaiting(id, 'attempts');
    expect(failure).toMatchObject({
      kind: 'setup-failed',
      next: expect.stringContaining('network: {setup: ["*", 10.1.2.3]} in tasks.yaml'),
      evidence: expect.stringMatching(REFUSED),
    });
  });

  it('whose agent was refused what it wanted to reach is told the same, and so is its log', async () => {
    const gives = `printf '%s' '{"status":"failed","reason":"No."}' > "$TASKS_REPORT_FILE"`;
    const project = await sample('refused-agent', { understand: `node -e '${ASK}' || ${gives}` }, '');
    const id = await engine.submit(project, { title: 'Work', attempts: 1 });
    const { failure } = await engine.untilWaiting(id, 'attempts');
    expect(failure).toMatchObject({
      kind: 'agent-failed',
      message: 'agent sh gave up: No.',
      next: expect.stringContaining('network: {agents: ["*", 10.1.2.3]} in tasks.yaml'),
      evidence: expect.stringMatching(REFUSED),
    });
    const logs = await engine.ledger.readLogs(id, null, 100);
    expect(logs.map(({ text }) => text).join('')).toMatch(REFUSED);
  });
});
