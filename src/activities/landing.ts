/** The integration workflow's short activities: candidates, landing, and a task's way into the queue. */

import { integrationStart } from './integration-start.ts';
import type { BuildResult, LandResult } from '../core/queue-types.ts';
import type { Dependencies } from './dependencies.ts';
import type { Recorder } from './recorder.ts';
import type { CandidateRequest, HandOffRequest, Recorded } from './types.ts';

export async function handOff(deps: Dependencies, recorder: Recorder, request: HandOffRequest): Promise<Recorded> {
  const recording = recorder.record(request.record);
  await integrationStart(deps.client, request.target, request.item);
  return recording;
}

export async function buildCandidate(
  deps: Dependencies,
  recorder: Recorder,
  request: Pick<CandidateRequest, 'target' | 'item'>,
): Promise<BuildResult> {
  const built = await deps.git.buildCandidate(request.target, request.item, deps.readGate);
  if (built.kind !== 'candidate') return built;
  const { tree, gate } = built.candidate;
  const green = await recorder.attempt('is-green', () => deps.ledger.isGreen(tree, gate.hash));
  return { ...built, knownGreen: green.kind === 'done' && green.value };
}

export async function land(deps: Dependencies, request: CandidateRequest): Promise<LandResult> {
  return deps.git.land(request.target, request.item, request.candidate);
}
