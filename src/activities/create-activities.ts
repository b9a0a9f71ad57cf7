/** Makes the activities that a worker registers. */

import type { Dependencies } from './dependencies.ts';
import { dropGate, startGate } from './gate-start.ts';
import { askForItems, buildCandidate, handOff, land, lookAtQueue, startMainGate } from './landing.ts';
import { Recorder } from './recorder.ts';
import { runGate } from './run-gate.ts';
import { runPhase } from './run-phase.ts';
import { senderOf } from './sender.ts';
import type { Activities } from './types.ts';

export function createActivities(deps: Dependencies): Activities {
  const recorder = new Recorder(deps);
  return {
    runPhase: (request) => runPhase(deps, recorder, request),
    runGate: (request) => runGate(deps, request),
    record: (request) => recorder.record(request),
    handOff: (request) => handOff(deps, recorder, request),
    senderOf: (request) => senderOf(deps.client, request),
    buildCandidate: (request) => buildCandidate(deps, recorder, request),
    startGate: (request) => startGate(deps.client, request),
    startMainGate: (request) => startMainGate(deps, request),
    dropGate: ({ target, run }) => dropGate(deps.client, target, run),
    lookAtQueue: (request) => lookAtQueue(deps, request),
    askForItems: (wanted) => askForItems(deps, wanted),
    land: (request) => land(deps, request),
  };
}
