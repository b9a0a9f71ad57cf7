/**
 * Work in every stage of a task's life at once: some stopped in the middle of something, one that waits for its person, one
 * that waits before it is tried again. And that person, who does what tasks ask for until they have landed.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { workflowIds, type TaskId } from '../../src/core/ids.ts';
import { signalOf } from '../../src/workflows/messages.ts';
import { eventually } from '../support/eventually.ts';
import { tasks } from './commands.ts';
import { placeOf } from './project.ts';
import { pick } from './random.ts';
import type { Scene } from './storms.ts';
import type { Submitted } from './submitting.ts';

const AGENT_PLACES = ['agent-runs', 'agent-committed', 'agent-reported'];
const QUEUE_PLACES = ['gate-runs', 'before-landing', 'transaction-landing', 'after-landing'];
const STORE_PLACES = ['before-store', 'transaction-store', 'after-store'];

/** What a scene needs for {@link beginEverywhere}: one that waits for its next try does so for a while. */
export const EVERYWHERE = {
  slots: { agents: 10, gates: 2 },
  project: { hooks: true, more: 'attempts: 12' },
} as const;

const REACHED_LIMIT_MS = 60_000;
const LOOK_EVERY_MS = 500;
const CALL_LIMIT_MS = 5_000;

/** One task in each place, an asking one and one that fails until {@link FaultProject.letGo}. All are to land. */
export async function beginEverywhere(scene: Scene): Promise<readonly Submitted[]> {
  const { project, random } = scene;
  const asking = await scene.submit('Waits for an answer (asks)');
  await untilAsked(scene, asking.id);
  const begun = [asking];
  for (const place of [...AGENT_PLACES, pick(random, QUEUE_PLACES), pick(random, STORE_PLACES)]) {
    await project.stopAt(place);
    begun.push(await scene.submit(`Stops at ${place} (commits)`));
    await project.untilAt(place, REACHED_LIMIT_MS);
  }
  const work = 'mkdir -p work; echo "$TASKS_TASK_ID" > "work/$TASKS_TASK_ID"';
  begun.push(await scene.submit('Waits to be tried again', `[ -e '${project.told}/go' ] || exit 3; ${work}`));
  return begun;
}

export async function untilAsked({ stand }: Scene, id: TaskId): Promise<void> {
  const isAsked = async () => (await stand.ledger.readTask(id))?.waitingFor?.kind === 'question';
  await eventually(`task ${id} to ask`, isAsked, REACHED_LIMIT_MS);
}

/** Waits until all have landed, and does meanwhile what they wait for a person for. @returns what was not right */
export async function untilLanded(scene: Scene, all: readonly Submitted[]): Promise<readonly string[]> {
  const over = new AbortController();
  const person = attend(scene, all, over.signal);
  try {
    return (await Promise.all(all.map((task) => landed(scene, task)))).flat();
  } finally {
    over.abort();
    await person;
  }
}

/** One that does not end says where it is. */
async function landed(scene: Scene, { id, title }: Submitted): Promise<readonly string[]> {
  const where = async (): Promise<string> => (await tasks(placeOf(scene.project, scene.env), ['show', id])).stdout;
  try {
    const wrong = await scene.landed({ id });
    return wrong.length === 0 ? [] : [`${title}: ${wrong.join('; ')}\n${await where()}`];
  } catch (error) {
    return [`${title}: ${String(error)}\n${await where()}`];
  }
}

/** Answers, and has what has failed tried again. A server that is away is asked again. */
async function attend(scene: Scene, all: readonly Submitted[], over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    for (const { id } of all) await act(scene, id).catch(() => undefined);
    await pause(LOOK_EVERY_MS, undefined, { signal: over }).catch(() => undefined);
  }
}

async function act({ client, stand, project, env }: Scene, id: TaskId): Promise<void> {
  const waiting = (await stand.ledger.readTask(id))?.waitingFor ?? null;
  if (waiting?.kind === 'question') {
    const answer = { messageId: `answer-${id}`, actor: 'Ada', text: 'yes' };
    const signaling = () => client.workflow.getHandle(workflowIds.task(id)).signal(signalOf('answer'), answer);
    await client.withDeadline(Date.now() + CALL_LIMIT_MS, signaling);
  }
  if (waiting?.kind === 'attempts') await tasks(placeOf(project, env), ['retry', id], CALL_LIMIT_MS);
}
