/** Carries out what the queue wants. Whatever becomes of it is a fact: nothing is thrown, and nothing is begun twice. */

import { workflowIds } from '../core/ids.ts';
import { gateKey, queueItemKey } from '../core/queue-keys.ts';
import type { QueueCommand, QueueFact, SealAnswer } from '../core/queue.ts';
import type { BuildAnswer, LandResult, RunState, Target } from '../core/queue-types.ts';
import { reasonOf, shortActivities } from './activity-options.ts';

export async function carryOut(target: Target, command: QueueCommand): Promise<QueueFact> {
  const waiter = workflowIds.integration(target.project, target.branch);
  switch (command.kind) {
    case 'build': {
      const { item, parent, known, gate, below } = command;
      const { taskId, attempt } = item;
      const answer = await shortActivities
        .buildCandidate({ target, item, parent, known, gate, below })
        .catch((error: unknown) => notBuilt(`a candidate could not be built: ${reasonOf(error)}`));
      return { kind: 'built', taskId, attempt, title: item.title, parent, known, answer };
    }
    case 'gate': {
      const { item, candidate, below } = command;
      const state = await shortActivities
        .startGate({ target, item, candidate, below, waiter, again: false })
        .catch(lostRun);
      return { kind: 'gate', key: gateKey(candidate), state };
    }
    case 'gate-main': {
      const { commit, again } = command;
      const { key, state } = await shortActivities
        .startMainGate({ target, commit, again, waiter })
        .catch((error: unknown) => ({ key: '', state: lostRun(error) }));
      return { kind: 'main-gate', commit, key, state };
    }
    case 'land': {
      const { item, candidate, under } = command;
      const { taskId, attempt } = item;
      const result = await shortActivities
        .land({ target, item, candidate, under })
        .catch((error: unknown): LandResult => ({
          kind: 'held',
          why: 'engine',
          text: `landing failed: ${reasonOf(error)}`,
        }));
      return { kind: 'pushed', taskId, attempt, result };
    }
    case 'seal': {
      const { parts, below } = command;
      const [first] = parts;
      const answer = await shortActivities
        .sealCandidates({ target, parts, below })
        .catch((error: unknown): SealAnswer => ({
          kind: 'failed',
          text: `a batch could not be made: ${reasonOf(error)}`,
        }));
      return { kind: 'sealed', first: first.item, answer };
    }
    case 'drop':
      // One that is not canceled ends by itself, and nobody waits for it.
      await shortActivities.dropGate({ target, run: command.run }).catch(() => undefined);
      return { kind: 'dropped', key: command.run.key };
    case 'details': {
      const answer = await shortActivities.askForItems(command.wanted).catch(() => ({ asked: [], items: [] }));
      const asked = new Set(answer.asked.map(queueItemKey));
      const silent = command.wanted.filter((one) => !asked.has(queueItemKey(one)));
      return { kind: 'details', ...answer, isWhole: silent.length === 0, silent };
    }
    case 'look': {
      const { known, runs, turn, requires } = command;
      const look = await shortActivities
        .lookAtQueue({ target, known, runs, turn, requires })
        .catch(() => ({ known, main: null, runs: [], turnOver: null, slots: null }));
      return { kind: 'looked', look };
    }
  }
}

function notBuilt(text: string): BuildAnswer {
  return { result: { kind: 'held', why: 'engine', text }, main: null, run: null, slots: null, window: null };
}

function lostRun(error: unknown): RunState {
  return { kind: 'ended', verdict: { kind: 'none', reason: reasonOf(error) } };
}
