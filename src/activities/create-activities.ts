/** Makes the activities that a worker registers. */

import type { Dependencies } from './dependencies.ts';
import { dropGate, startGate } from './gate-start.ts';
import { askForItems, buildCandidate, handOff, land, lookAtQueue, startMainGate } from './landing.ts';
import { deliver } from './notice-deliver.ts';
import { NoticeStarter } from './notice-start.ts';
import { tellOfQueue } from './queue-notice.ts';
import { Recorder } from './recorder.ts';
import { runGate } from './run-gate.ts';
import { runPhase } from './run-phase.ts';
import { Running } from './running.ts';
import { senderOf } from './sender.ts';
import { closedTasks } from './task-is-open.ts';
import type { Turns } from './turns.ts';
import type { Activities } from './types.ts';

/**
 * @param turns one attempt of a task at a time; shared with whatever else touches workspaces
 * @param running so many attempts at a time
 */
export function createActivities(deps: Dependencies, turns: Turns, running = new Running(Infinity)): Activities {
  const notices = new NoticeStarter({ ...deps.notices, client: deps.client, log: deps.log });
  const recorder = new Recorder(deps, notices);
  const within: Pick<Turns, 'take'> = {
    take: (taskId, signal, body) => turns.take(taskId, signal, () => running.run(signal, body)),
  };
  return {
    runPhase: (request) => runPhase(deps, recorder, within, request),
    runGate: (request) => runGate(deps, request),
    record: (request) => recorder.record(request),
    handOff: (request) => handOff(deps, recorder, request),
    senderOf: (request) => senderOf(deps.client, request),
    closedTasks: (ids) => closedTasks(deps.client, ids),
    buildCandidate: (request) => buildCandidate(deps, recorder, request),
    startGate: (request) => startGate(deps.client, request),
    startMainGate: (request) => startMainGate(deps, request),
    dropGate: ({ target, run }) => dropGate(deps.client, target, run),
    lookAtQueue: (request) => lookAtQueue(deps, request),
    askForItems: (wanted) => askForItems(deps, wanted),
    sealCandidates: ({ target, parts, below }) => deps.git.sealCandidates(target, parts, below),
    land: (request) => land(deps, request),
    tellOfQueue: (request) => tellOfQueue(deps, notices, request),
    deliver: (request) => deliver(deps, request),
  };
}
