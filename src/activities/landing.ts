/** The integration workflow's short activities: candidates, landing, looks, and a task's way into the queue. */

import { WorkflowNotFoundError } from '@temporalio/client';
import { workflowIds, type ObjectId } from '../core/ids.ts';
import { gateKey } from '../core/queue-keys.ts';
import type { LookAnswer, Wanted } from '../core/queue.ts';
import type { BuildAnswer, LandResult, QueueItem, RunState, Target } from '../core/queue-types.ts';
import type { Dependencies } from './dependencies.ts';
import { gateSlots } from './gate-slots.ts';
import { askAfterGate, startGate } from './gate-start.ts';
import { integrationStart } from './integration-start.ts';
import { taskIsOpen } from './task-is-open.ts';
import { isTurnOver } from './turn-over.ts';
import type { Recorder } from './recorder.ts';
import type { BuildRequest, HandOffRequest, LandRequest, LookRequest, Recorded } from './types.ts';

// Spelled out, since activities may not import workflows; test/activities compares them with workflows/messages.ts.
export const TASK_QUERIES = { item: 'item' } as const;
const QUERY_MS = 2_000;

export async function handOff(deps: Dependencies, recorder: Recorder, request: HandOffRequest): Promise<Recorded> {
  const recording = recorder.record(request.record);
  await integrationStart(deps.client, request.target, request.item);
  return recording;
}

type LandingDependencies = Pick<
  Dependencies,
  'git' | 'landing' | 'client' | 'readGate' | 'ledger' | 'onEnded' | 'onRequired' | 'gates' | 'labels'
>;

export async function buildCandidate(
  deps: LandingDependencies,
  recorder: Pick<Recorder, 'attempt'>,
  request: BuildRequest,
): Promise<BuildAnswer> {
  const { target, item, gate, below } = request;
  const [built, openness] = await Promise.all([
    deps.git.buildOn(target, request, deps.readGate),
    taskIsOpen(deps.client, item.taskId, item.firstRun),
  ]);
  const { result } = built;
  const slots =
    result.kind === 'candidate' ? await gateSlots(deps.client, deps, result.candidate.gate.requires ?? []) : null;
  const answer: BuildAnswer = { ...built, run: null, slots };
  // What has landed has landed; anything else would be said to nobody.
  if (result.kind !== 'landed' && (openness.kind === 'closed' || openness.kind === 'anew')) {
    if (openness.kind === 'closed') deps.onEnded(target, item.taskId);
    return { ...answer, result: { kind: 'ended' } };
  }
  if (
    openness.kind === 'unknown' &&
    (result.kind === 'candidate' || result.kind === 'held' || result.kind === 'behind')
  )
    return { ...answer, result: { kind: 'held', why: 'engine', text: openness.text } };
  if (result.kind !== 'candidate') return answer;
  const { candidate } = result;
  const green = await recorder.attempt('is-green', () => deps.ledger.isGreen(candidate.tree, candidate.gate.hash));
  if (green.kind === 'done' && green.value) return { ...answer, result: { ...result, knownGreen: true } };
  if (!gate) return answer;
  const waiter = workflowIds.integration(target.project, target.branch);
  const run = await startGate(deps, { target, item, candidate, below, waiter, again: false });
  return { ...answer, run };
}

/** @throws Error when the commit is not there, or its tasks.yaml cannot be read */
export async function startMainGate(
  deps: Dependencies,
  { target, commit, again, waiter }: MainGateRequest,
): Promise<{ readonly key: string; readonly state: RunState }> {
  const candidate = await deps.git.mainCandidate(target, commit, deps.readGate);
  if (candidate === null) throw new Error(`${commit} of ${target.branch} cannot be gated`);
  const state = await startGate(deps, { target, item: null, candidate, below: [], waiter, again });
  return { key: gateKey(candidate), state };
}

interface MainGateRequest {
  readonly target: Target;
  readonly commit: ObjectId;
  readonly again: boolean;
  readonly waiter: string;
}

/** Of a task that is closed, or was begun anew, nothing is pushed. Whether an earlier try has landed it is found out by building once more (N2). */
export async function land(
  deps: LandingDependencies,
  { target, item, candidate, under = [] }: LandRequest,
): Promise<LandResult> {
  const all = await Promise.all(
    [...under, { item }].map((one) => taskIsOpen(deps.client, one.item.taskId, one.item.firstRun)),
  );
  const unknown = all.find(({ kind }) => kind === 'unknown');
  if (unknown?.kind === 'unknown') return { kind: 'held', why: 'engine', text: unknown.text };
  if (all.some(({ kind }) => kind !== 'open')) return { kind: 'moved' };
  return deps.landing.land(target, item, candidate, under);
}

export async function lookAtQueue(deps: Dependencies, request: LookRequest): Promise<LookAnswer> {
  const { target, known, turn, requires } = request;
  const [main, runs, turnOver, slots] = await Promise.all([
    deps.git.lookAtMain(target, known),
    Promise.all(
      request.runs.map(async (run) => ({ key: run.key, state: await askAfterGate(deps.client, target, run) })),
    ),
    turn === null ? null : isTurnOver(deps.client, turn),
    requires === null ? null : gateSlots(deps.client, deps, requires),
  ]);
  return { known, main, runs, turnOver: turnOver === true ? turn : null, slots };
}

/** Asks each task for its hand-off; one that has none by this number, or is gone, is asked and gives nothing. */
export async function askForItems(
  deps: Dependencies,
  wanted: readonly Wanted[],
): Promise<{ readonly asked: readonly Wanted[]; readonly items: readonly QueueItem[] }> {
  const answers = await Promise.all(
    wanted.map(async (one) => {
      try {
        const item = await deps.client.connection.withDeadline(Date.now() + QUERY_MS, () =>
          deps.client.workflow.getHandle(workflowIds.task(one.taskId)).query<QueueItem | null>(TASK_QUERIES.item),
        );
        return { one, item: item?.attempt === one.attempt ? item : null };
      } catch (error) {
        return error instanceof WorkflowNotFoundError ? { one, item: null } : null;
      }
    }),
  );
  const given = answers.filter((answer) => answer !== null);
  return { asked: given.map(({ one }) => one), items: given.flatMap(({ item }) => (item === null ? [] : [item])) };
}
