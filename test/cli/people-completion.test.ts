/** Completion of what waits for a person, as bash itself does it. */

import { expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { AskView } from '../../src/core/ask-types.ts';
import type { TaskId } from '../../src/core/ids.ts';
import { inboxObject } from '../../src/cli/render/inbox.ts';
import { tempFolder } from '../support/temp.ts';
import { cli } from './rig.ts';
import { viewWith } from './views.ts';

const run = promisify(execFile);
const SINCE = '2026-01-02T03:03:05.000Z';

/** A line of `tasks inbox --json`. */
function line(id: string, kind: AskView['kind']): string {
  const ask = { version: 2, kind, text: '"reply":"tasks answer ', choices: [], default: null, for: null, since: SINCE };
  const isQuestion = kind === 'question';
  const waitingFor = {
    kind: isQuestion ? 'question' : 'proposal',
    proposal: isQuestion ? null : kind,
    text: ask.text,
    since: SINCE,
    version: 2,
    for: null,
    open: 1,
  } as const;
  const view = viewWith({ id: id as TaskId, state: 'waiting', waitingFor });
  return JSON.stringify(inboxObject({ ...view, asks: [{ ...ask, expiresAt: null }] }));
}

it('offers each reply the tasks that wait for it', async () => {
  const folder = await tempFolder('bin');
  const inbox = [line('aaaaaaaaaa', 'question'), line('bbbbbbbbbb', 'plan'), line('abbbbbbbbb', 'question')].join('\n');
  await writeFile(join(folder, 'inbox'), `${inbox}\n`);
  await writeFile(join(folder, 'tasks'), `#!/bin/sh\n[ "$1" = inbox ] && cat '${join(folder, 'inbox')}'\n`);
  await chmod(join(folder, 'tasks'), 0o755);
  const { stdout: script } = await cli({ cwd: '/', env: {} }, ['completion', 'bash']);
  const offers = async (...words: string[]): Promise<string[]> => {
    const asked = `${script}\nCOMP_WORDS=(tasks "$@"); COMP_CWORD=$#; _tasks; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}` };
    const { stdout } = await run('bash', ['-c', asked, 'bash', ...words], { env });
    return stdout.split('\n').filter((word) => word !== '');
  };
  expect(await offers('answer', '')).toEqual(['aaaaaaaaaa', 'abbbbbbbbb']);
  expect(await offers('answer', 'ab')).toEqual(['abbbbbbbbb']);
  for (const reply of ['approve', 'revise', 'reject']) expect(await offers(reply, '')).toEqual(['bbbbbbbbbb']);
  expect(await offers('approve', '--e')).toEqual(['--edit']);
});
