/** The integration workflow's short activities: candidates, landing, and a task's way into the queue. */

import { integrationStart } from './integration-start.ts';
import type { BuildResult, LandResult } from '../core/queue-types.ts';
import type { Dependencies } from './dependencies.ts';
import { taskIsOpen } from './task-is-open.ts';
import type { Recorder } from './recorder.ts';
import type { CandidateRequest, HandOffRequest, Recorded } from './types.ts';

export async function handOff(deps: Dependencies, recorder: Recorder, request: HandOffRequest): Promise<Recorded> {
  const recording = recorder.record(request.record);
  await integrationStart(deps.client, request.target, request.item);
  return recording;
}

type LandingDependencies = Pick<Dependencies, 'git' | 'client' | 'readGate' | 'ledger' | 'onEnded'>;

export async function buildCandidate(
  deps: LandingDependencies,
  recorder: Pick<Recorder, 'attempt'>,
  request: Pick<CandidateRequest, 'target' | 'item'>,
): Promise<BuildResult> {
  const { target, item } = request;
  const built = await deps.git.buildCandidate(target, item, deps.readGate);
  // What has landed has landed; a hold would be for nobody.
  if (built.kind === 'candidate' || built.kind === 'held') {
    const openness = await taskIsOpen(deps.client, item.taskId);
    if (openness.kind === 'closed') {
      deps.onEnded(target, item.taskId);
      return { kind: 'ended' };
    }
    if (openness.kind === 'unknown') return { kind: 'held', why: 'engine', text: openness.text };
  }
  if (built.kind !== 'candidate') return built;
  const { tree, gate } = built.candidate;
  const green = await recorder.attempt('is-green', () => deps.ledger.isGreen(tree, gate.hash));
  return { ...built, knownGreen: green.kind === 'done' && green.value };
}

/** Of a closed task nothing is pushed. Whether an earlier try has landed it is found out by building once more (N2). */
export async function land(
  deps: LandingDependencies,
  { target, item, candidate }: CandidateRequest,
): Promise<LandResult> {
  const openness = await taskIsOpen(deps.client, item.taskId);
  switch (openness.kind) {
    case 'open':
      return deps.git.land(target, item, candidate);
    case 'closed':
      return { kind: 'moved' };
    case 'unknown':
      return { kind: 'held', why: 'engine', text: openness.text };
  }
}
