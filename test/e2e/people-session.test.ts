/** Claude Code in the engine: a program that speaks its protocol stands for it, and says how it was started. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskId } from '../../src/core/ids.ts';
import { PeopleRig } from '../support/people-rig.ts';
import { SampleProject } from '../support/sample-project.ts';
import { tempFolder } from '../support/temp.ts';

/** Keeps its arguments; asks, then proposes, then works; says what the protocol wants. */
const CLAUDE = (log: string): string => `#!/bin/sh
set -eu
session=
mode=
allowed=
previous=
for word in "$@"; do
  case "$previous" in
    --session-id) session=$word; mode=new ;;
    --resume) session=$word; mode=resumed ;;
    --permission-mode) allowed=$word ;;
  esac
  previous=$word
done
echo "$TASKS_PHASE $mode $session $allowed" >> '${log}'
printf '{"type":"system","subtype":"init","session_id":"%s"}\\n' "$session"
text='The document.'
if [ "$TASKS_PHASE" = execute ]; then
  if ! grep -q 'answered:' "$TASKS_PROMPT_FILE"; then
    echo '{"status":"question","question":"Which port?"}' > "$TASKS_REPORT_FILE"
  elif ! grep -q 'decided at' "$TASKS_PROMPT_FILE"; then
    echo '{"status":"proposal","proposal":{"kind":"effect","title":"Release","body":"npm publish"}}' > "$TASKS_REPORT_FILE"
  else
    echo x > work
    echo '{"status":"done","summary":"Done."}' > "$TASKS_REPORT_FILE"
  fi
fi
printf '{"type":"result","subtype":"success","is_error":false,"result":"%s","session_id":"%s"}\\n' "$text" "$session"
`;

describe('Claude Code', () => {
  let rig: PeopleRig;
  let log: string;
  let id: TaskId;
  /** Of each start its phase, whether it is a new session, that, and its permission mode. */
  const runs = async (): Promise<readonly (readonly string[])[]> =>
    (await readFile(log, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => line.split(' '));

  beforeAll(async () => {
    const folder = await tempFolder('claude');
    log = join(folder, 'log');
    const program = join(folder, 'claude');
    await writeFile(program, CLAUDE(log));
    await chmod(program, 0o755);
    rig = await PeopleRig.start({ programs: { claude: program }, hostFile: () => `write: [${folder}]\n` });
  });

  afterAll(async () => {
    await rig.stop();
  });

  it('goes on in its own session after an answer, and after a decision', async () => {
    const project = await SampleProject.create({
      'tasks.yaml': 'project: claude\nbranch: main\ngate: "true"\nagent: claude\n',
    });
    id = await rig.engine.submit(project, { title: 'Work' });
    await rig.asked(id, 1);
    await rig.engine.reply(id, 'answer', { text: '80' });
    await rig.asked(id, 2);
    await rig.engine.reply(id, 'approve', {});
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    const started = (await runs()).map((words) => words.slice(0, 3));
    const session = started[0]?.[2] ?? '';
    expect(session).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8/);
    expect(started).toEqual([
      ['understand', 'new', session],
      ['plan', 'resumed', session],
      ['execute', 'resumed', session],
      ['execute', 'resumed', session],
      ['execute', 'resumed', session],
    ]);
    expect(await project.subjects()).toEqual(['Work', 'Begin']);
  });

  it.each(['preferred', 'off'])(
    'may run commands where a sandbox holds it, and else change files: %s',
    async (mode) => {
      const project = await SampleProject.create({
        'tasks.yaml': `project: claude-${mode}\nbranch: main\ngate: "true"\nagent: claude\nsandbox: ${mode}\n`,
      });
      const before = (await runs()).length;
      const task = await rig.engine.submit(project, { title: 'Work' });
      await rig.asked(task, 1);
      const notes = (await rig.engine.ledger.readEvents(task)).flatMap(({ happened }) =>
        happened.kind === 'attempt-ended' ? (happened.notes ?? []) : [],
      );
      const isOpen = notes.some((note) => note.startsWith('it ran without a sandbox'));
      expect(isOpen || mode === 'preferred').toBe(true);
      const allowed = (await runs()).slice(before).map(([phase, , , allows]) => `${phase} ${allows}`);
      expect(allowed).toEqual([
        'understand default',
        'plan default',
        isOpen ? 'execute acceptEdits' : 'execute bypassPermissions',
      ]);
      await rig.engine.cancel(task);
      await rig.engine.untilEnded(task);
    },
  );
});
