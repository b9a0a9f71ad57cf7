/** Makes the activities that a worker registers. */

import { ApplicationFailure } from '@temporalio/activity';
import { NO_FREE_SLOT } from '../core/task-request.ts';
import type { Dependencies } from './dependencies.ts';
import { GateRuns } from './gate-runs.ts';
import { dropGate, startGate } from './gate-start.ts';
import { askForItems, buildCandidate, handOff, land, lookAtQueue, startMainGate } from './landing.ts';
import type { Near } from './near.ts';
import { deliver } from './notice-deliver.ts';
import { NoticeStarter } from './notice-start.ts';
import type { OnlyGates } from './only-gates.ts';
import { tellOfQueue } from './queue-notice.ts';
import { MissedOrigins } from './origin-away.ts';
import { Recorder } from './recorder.ts';
import { runGate } from './run-gate.ts';
import { runPhase } from './run-phase.ts';
import { NoFreeSlot, type Running } from './running.ts';
import { senderOf } from './sender.ts';
import { closedTasks } from './task-is-open.ts';
import type { Turns } from './turns.ts';
import type { Activities } from './types.ts';

export interface PhasePlaces {
  /** One attempt of a task at a time; shared with whatever else touches workspaces. */
  readonly turns: Turns;
  /** So many attempts at a time. */
  readonly running: Running;
  /** So many gate runs at a time. */
  readonly runningGates: Running;
  /** Looked up anew with each gate run. */
  readonly onlyGates: Pick<OnlyGates, 'look'>;
  /** Where a task's next phase is offered first. */
  readonly near: Pick<Near, 'queue'>;
}

function giveBack(error: unknown): never {
  if (!(error instanceof NoFreeSlot)) throw error;
  throw ApplicationFailure.create({ type: NO_FREE_SLOT, message: error.message, nonRetryable: true });
}

export function createActivities(deps: Dependencies, places: PhasePlaces): Activities {
  const { turns, running, runningGates, onlyGates, near } = places;
  const notices = new NoticeStarter({ ...deps.notices, client: deps.client, log: deps.log });
  const recorder = new Recorder(deps, notices);
  const gateRuns = new GateRuns(runningGates);
  const within: Pick<Turns, 'take'> = {
    take: (taskId, signal, body) => turns.take(taskId, signal, () => running.run(signal, body)),
  };
  const shared = { recorder, turns: within, missed: new MissedOrigins() };
  return {
    runPhase: async (request) => {
      const [answer, queue] = await Promise.all([
        runPhase(deps, shared, request).catch(giveBack),
        near.queue(request.spec.requires ?? []),
      ]);
      return queue === null ? answer : { ...answer, outcome: { ...answer.outcome, near: queue } };
    },
    runGate: async (request) => {
      const looked = onlyGates.look();
      try {
        return await runGate(deps, gateRuns, request).catch(giveBack);
      } finally {
        await looked;
      }
    },
    record: (request) => recorder.record(request),
    handOff: (request) => handOff(deps, recorder, request),
    senderOf: (request) => senderOf(deps.client, request),
    closedTasks: (ids) => closedTasks(deps.client, ids),
    buildCandidate: (request) => buildCandidate(deps, recorder, request),
    startGate: (request) => startGate(deps, request),
    startMainGate: (request) => startMainGate(deps, request),
    dropGate: ({ target, run }) => dropGate(deps.client, gateRuns, target, run),
    lookAtQueue: (request) => lookAtQueue(deps, request),
    askForItems: (wanted) => askForItems(deps, wanted),
    sealCandidates: ({ target, parts, below }) => deps.git.sealCandidates(target, parts, below),
    land: (request) => land(deps, request),
    tellOfQueue: (request) => tellOfQueue(deps, notices, request),
    deliver: (request) => deliver(deps, request),
  };
}
