/** An agent whose account has met a limit, or has no credit left, in the real engine. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskId } from '../../src/core/ids.ts';
import { Engine } from '../support/engine.ts';
import { SampleProject } from '../support/sample-project.ts';
import { GATE } from '../support/scripted-agent.ts';
import { tempFolder } from '../support/temp.ts';

/** Stands for Claude Code: what it prints beside the end is agent.sh's. */
const CLAUDE = `#!/bin/sh
set -eu
sh agent.sh || exit 1
printf '{"type":"result","subtype":"success","is_error":false,"result":"The document.","session_id":"s"}\\n'
`;
const WORK = `[ "$TASKS_PHASE" != execute ] || { echo x > work; printf '{"status":"done","summary":"x"}' > "$TASKS_REPORT_FILE"; }`;
/** Longer than the least that a limit is waited for. */
const RESETS_AFTER_S = 12;
const refused = (text: string): string =>
  `printf '%s\\n' '{"type":"result","subtype":"success","is_error":true,"result":"${text}"}'; exit 1`;

const project = (name: string, script: string): Promise<SampleProject> =>
  SampleProject.create({
    'tasks.yaml': `project: ${name}\nbranch: main\ngate: sh gate.sh\nagent: claude\n`,
    'gate.sh': GATE,
    'agent.sh': `set -eu\n${script}\n${WORK}\n`,
  });

describe('an agent whose account', () => {
  let engine: Engine;

  beforeAll(async () => {
    const home = await tempFolder('home');
    await writeFile(join(home, 'claude'), CLAUDE);
    await chmod(join(home, 'claude'), 0o755);
    engine = await Engine.start({ home, programs: { claude: join(home, 'claude') } });
  });

  afterAll(async () => {
    await engine.stop();
  });

  const failuresOf = async (id: TaskId): Promise<readonly unknown[]> =>
    (await engine.ledger.readEvents(id)).flatMap(({ happened }) =>
      happened.kind === 'attempt-ended' ? [happened.failure?.kind ?? null] : [],
    );

  it('has met a limit is asked again when it resets, not before, and has spent no try', async () => {
    const event = `printf '{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":%s}}\\n' "$until"`;
    const met = `if mkdir '${engine.home}/met' 2> /dev/null; then until=$(($(date +%s) + ${RESETS_AFTER_S})); echo "$until" > '${engine.home}/until'; ${event}; ${refused('You have hit your limit')}; fi`;
    const early = `[ "$(date +%s)" -ge "$(cat '${engine.home}/until')" ] || echo early > early`;
    const sample = await project('limited', `${met}\n${early}`);
    const id = await engine.submit(sample, { title: 'Work', attempts: 1 });
    const waiting = await engine.untilWaiting(id, 'limit');
    expect(waiting).toMatchObject({ attempt: 1, failure: { kind: 'agent-limited' } });
    expect(await engine.processesOf(id)).toEqual([]);
    const ended = await engine.until(id, 'landed after the reset', ({ endedAt }) => endedAt !== null);
    expect(ended).toMatchObject({ state: 'landed', attempt: 4, failure: null });
    expect(await failuresOf(id)).toEqual(['agent-limited', null, null, null]);
    expect(await sample.originGit('ls-tree', '--name-only', 'main')).not.toContain('early');
  });

  it('has no credit is not asked again: a person is, at once', async () => {
    const sample = await project('exhausted', refused('Credit balance is too low'));
    const id = await engine.submit(sample, { title: 'Work' });
    expect(await engine.untilWaiting(id, 'attempts')).toMatchObject({
      attempt: 1,
      failure: { kind: 'agent-exhausted', message: expect.stringContaining('Credit balance is too low') },
    });
    expect(await failuresOf(id)).toEqual(['agent-exhausted']);
  });
});
