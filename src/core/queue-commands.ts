/** What should be under way in a queue: all of it, each time. */

import type { ObjectId } from './ids.ts';
import { groupsOf, isBatching, isSealed, sealCommand } from './queue-batch.ts';
import { activeRuns, hasBegun, isAllowed, linksOf, runOfMain, widthOf, type Link } from './queue-chain.ts';
import { candidateOfCheck } from './queue-checks.ts';
import { gateKey, queueItemKey } from './queue-keys.ts';
import { wantedOf } from './queue-line.ts';
import { checkBuilds } from './queue-verify.ts';
import type { QueueClock, QueueCommand } from './queue-exchange.ts';
import type { Entry, Queue } from './queue-state.ts';

export function commandsOf(queue: Queue, { nowMs }: QueueClock): readonly QueueCommand[] {
  const links = linksOf(queue);
  const commands: QueueCommand[] = [...builds(queue, links), ...gates(queue, links), ...landings(links)];
  const seal = sealCommand(queue, links);
  if (seal !== null) commands.push(seal);
  const { mainRun, lookMs } = queue;
  if (mainRun !== null && mainRun.begun === null) {
    const { commit, again } = mainRun;
    commands.push({ kind: 'gate-main', key: `gate-main/${commit}`, commit, again });
  }
  for (const run of queue.dropped) commands.push({ kind: 'drop', key: `drop/${run.key}/${run.runId}`, run });
  const wanted = wantedOf(queue.line);
  if (wanted.length > 0) commands.push({ kind: 'details', key: 'details', wanted });
  if (lookMs !== null && nowMs >= lookMs) commands.push(look(queue));
  return commands;
}

function look(queue: Queue): QueueCommand {
  const { main, turn } = queue;
  const runs = [...queue.runs.filter(hasBegun), ...runOfMain(queue)];
  const requires = linksOf(queue).flatMap(({ candidate }) =>
    candidate === null ? [] : [candidate.gate.requires ?? []],
  );
  return {
    kind: 'look',
    key: 'look',
    known: main?.commit ?? null,
    runs,
    turn: turn?.taskId ?? null,
    requires: requires[0] ?? null,
  };
}

function builds(queue: Queue, links: readonly Link[]): readonly QueueCommand[] {
  // Of a batch it is not known yet which one will be gated.
  let free = isBatching(queue) ? 0 : widthOf(queue) - activeRuns(queue);
  const chain = links.flatMap((link): readonly QueueCommand[] => {
    if (!isToBuild(queue, link) || link.base === null) return [];
    const { item } = link.entry;
    const parent = link.base.kind === 'main' ? null : link.base.commit;
    // One that is built has no verdict as a rule, unless it is gated under another title: its run begins together with it.
    const { stage, doubt } = link.entry;
    const isNew = stage.kind === 'building' || (stage.kind === 'candidate' && link.run === null);
    const gate = isNew && doubt === 'none' && free > 0;
    if (gate) free -= 1;
    const key = `build/${queueItemKey(item)}/${parent ?? 'main'}`;
    return [{ kind: 'build', key, item, parent, known: queue.main?.commit ?? null, gate, below: link.below }];
  });
  return [...chain, ...checkBuilds(queue, free)];
}

function isToBuild(queue: Queue, { entry, base, candidate }: Link): boolean {
  const { stage } = entry;
  if (base === null || candidate !== null || !mayBeBuilt(queue, entry)) return false;
  switch (stage.kind) {
    case 'building':
      return true;
    case 'candidate':
    case 'red':
      return true;
    case 'behind':
      return stage.parent !== (base.kind === 'main' ? null : base.commit) || stage.main !== queue.main?.commit;
    case 'held':
    case 'landing':
      return false;
  }
}

/**
 * Whether anything may be built of it now. Whether one is on main already is asked at any time but a halt, and in a person's pause of
 * those that are asked back: nothing lands by that, and what stands behind waits for the answer.
 */
export function mayBeBuilt(queue: Queue, { waited, doubt }: Pick<Entry, 'waited' | 'doubt'>): boolean {
  if (queue.halt !== null) return queue.halt.kind === 'person' && doubt === 'withdraw';
  return isAllowed(queue, waited) || (queue.oneTurn === true && doubt !== 'none');
}

function gates(queue: Queue, links: readonly Link[]): readonly QueueCommand[] {
  const starting = new Set(queue.runs.filter(({ state }) => state === 'starting').map(({ key }) => key));
  const unsealed = new Set(groupsOf(queue, links).flatMap((group) => (isSealed(group) ? [] : [group.last.entry])));
  const chain = links.flatMap(({ entry, candidate, below }): readonly QueueCommand[] => {
    if (candidate === null || unsealed.has(entry)) return [];
    const key = gateKey(candidate);
    // Of two with the same tree, one run is enough.
    if (!starting.delete(key)) return [];
    return [{ kind: 'gate', key: `gate/${key}`, item: entry.item, candidate, below }];
  });
  const checks = queue.checks.flatMap((check): readonly QueueCommand[] => {
    const candidate = candidateOfCheck(check);
    if (candidate === null || !starting.delete(gateKey(candidate))) return [];
    return [{ kind: 'gate', key: `gate/${gateKey(candidate)}`, item: check.item, candidate, below: [] }];
  });
  return [...chain, ...checks];
}

function landings(links: readonly Link[]): readonly QueueCommand[] {
  const parts = links.flatMap(({ entry: { item, stage } }) =>
    stage.kind === 'landing' ? [{ item, candidate: stage.candidate }] : [],
  );
  const last = parts.at(-1);
  if (last === undefined) return [];
  const { item, candidate } = last;
  return [{ kind: 'land', key: landKey(item, candidate.commit), item, candidate, under: parts.slice(0, -1) }];
}

function landKey(item: { readonly taskId: string; readonly attempt: number }, commit: ObjectId): string {
  return `land/${queueItemKey(item)}/${commit}`;
}
