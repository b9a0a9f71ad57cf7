/** What a task asks, by the ledger's record, while no worker answers for its workflow. */

import { describe, expect, it } from '@jest/globals';
import { openAsksOf } from '../../src/cli/open-asks.ts';
import { Session } from '../../src/cli/session.ts';
import type { TaskView, WaitingFor } from '../../src/core/task-types.ts';
import { ASK, event, migratedLedger, taskId, view } from '../ledger/rig.ts';
import { tempFolder } from '../support/temp.ts';
import { cliEnvironment, cliIo } from './rig.ts';

const WAITS: WaitingFor = {
  kind: 'question',
  text: 'Which flag?',
  since: ASK.since,
  version: 2,
  proposal: null,
  for: null,
  open: 2,
};

describe('the open questions on record', () => {
  it('are those without a reply, from the one on that the task waits for', async () => {
    const { ledger, url } = await migratedLedger();
    const task: TaskView = view({ id: taskId('a'), state: 'waiting', waitingFor: WAITS, sequence: 5 });
    await ledger.record(task, [
      // What it had asked before it was taken up again: nobody waits for that.
      event(1, { kind: 'asked', ask: ASK }),
      event(2, { kind: 'asked', ask: { ...ASK, version: 2 } }),
      event(3, { kind: 'asked', ask: { ...ASK, version: 3 } }),
      event(4, { kind: 'asked', ask: { ...ASK, version: 4 } }),
      event(5, { kind: 'answered', version: 3, text: '--json', actor: 'Ada' }),
    ]);
    const env = cliEnvironment(await tempFolder('home'), { DATABASE_URL: url });
    const session = new Session(cliIo({ cwd: '/', env }), false);
    try {
      const asks = await openAsksOf(session, { view: task, detail: null, from: 'ledger', pending: null });
      expect(asks?.map(({ version }) => version)).toEqual([2, 4]);
    } finally {
      await session.close();
    }
  });
});
