/**
 * A world around a queue: a main that people move too, gates that know which changes are red together, and a carrier
 * that does what the queue wants, or crashes while it does. After every step the invariants are checked.
 */

import { isDeepStrictEqual } from 'node:util';
import type { ObjectId } from '../../src/core/ids.ts';
import { packQueue, unpackQueue } from '../../src/core/queue-carried.ts';
import { mustBeVerified } from '../../src/core/queue-checks.ts';
import { gateKey, queueItemKey } from '../../src/core/queue-keys.ts';
import { isRedAtRest } from '../../src/core/queue-main.ts';
import { asksForRedRests, asksForToldOnce } from '../../src/core/queue-rules.ts';
import {
  NEW_QUEUE,
  reconcile,
  type Control,
  type EntryStage,
  type Queue,
  type QueueCommand,
  type QueueFact,
} from '../../src/core/queue.ts';
import type {
  BuildAnswer,
  BuildResult,
  Candidate,
  LandResult,
  LandingReply,
  MainSeen,
  QueueItem,
  RunState,
} from '../../src/core/queue-types.ts';
import { failureOf, holds, itemOf, NOW_MS, objectId, REQUEST, taskId } from './rig.ts';

export const TASKS = 8;
/** In so many steps one is decided by both rules: that takes as long as all else in it. */
const RULES_EVERY = 8;
/** These two conflict with each other; those two are red together; the third pair is red alone. */
const CONFLICT = [0, 1];
const SEMANTIC = [2, 3];
const RED_ALONE = 4;
const FLAKY = 5;

export interface Commit {
  readonly id: ObjectId;
  /** What it contains: hand-offs as `<task>/<attempt>`, and what people did as words. */
  readonly content: readonly string[];
  readonly parent: Commit | null;
}

/** How the carrier fares with a command: `lost`: it is done, and nobody hears of it. */
export type Luck = 'done' | 'lost' | 'away';

function trailersOf(title: string, cover?: string | null): string {
  return ` as ${title}${cover === undefined || cover === null ? '' : ` covered by ${cover}`}`;
}

function isSame(one: EntryStage, other: EntryStage): boolean {
  return 'candidate' in one && 'candidate' in other && one.candidate === other.candidate;
}

type Older = Omit<Queue, 'toldOnce' | 'redRests'> & { readonly [rule in 'toldOnce' | 'redRests']?: true | undefined };

export class QueueWorld {
  queue: Queue = NEW_QUEUE;
  nowMs = NOW_MS;
  wanted: readonly QueueCommand[] = [];
  readonly attempts = Array.from({ length: TASKS }, () => 1);
  readonly told = new Map<string, LandingReply[]>();
  readonly items = new Map<string, QueueItem>();
  readonly kinds = new Set<string>();
  slots = 2;
  batch = false;
  verify = false;
  /** The most that went in one push. */
  together = 0;
  lands = 0;
  /** Whether the origin lets nobody push to main for now. */
  isProtected = false;
  /** How often it has said so. */
  kept = 0;
  /** In how many steps a red main was at rest. */
  rested = 0;
  /** How many hotfixes went on their way to main in the turn of another. */
  letPass = 0;
  readonly #ids = new Map<string, ObjectId>();
  readonly #commits = new Map<ObjectId, Commit>();
  readonly #greenSeen = new Set<string>();
  readonly #runs = new Map<string, { runId: string; content: readonly string[]; state: RunState }>();
  readonly #handedOff = new Set<string>();
  #runCount = 0;
  #steps = 0;
  #foreign = 0;
  main: Commit = this.#commit(['begin'], null);

  /** One gate slot, and a project that lands several behind one run, where red was rare so far. */
  letBatch(): void {
    this.batch = true;
    this.slots = 1;
    this.queue = { ...this.queue, slots: 1, batch: true, outcomes: '0'.repeat(10) };
  }

  /** The task's present hand-off; a repeated one when nothing is new. */
  arrive(task: number, isNew: boolean, change: Partial<QueueItem> = {}): void {
    const before = this.attempts[task] ?? 1;
    if (isNew) this.attempts[task] = before + 1;
    const attempt = this.attempts[task] ?? 1;
    const key = `${taskId(task)}/${attempt}`;
    const { title = `Task ${task}` } = change;
    // Who is sent back from its first hand-off has its turn.
    // One that is sent back has its turn.
    const often = { returns: attempt, mayReturn: 1, turnMs: 30 * 60_000 };
    const item = {
      ...(this.items.get(key) ?? itemOf(task, attempt, { placeMs: this.nowMs, ...often, ...change })),
      title,
    };
    this.items.set(key, item);
    this.#handedOff.add(key);
    this.step({ kind: 'handed-off', item });
  }

  withdraw(task: number, back: number): void {
    const handoff = Math.max(1, (this.attempts[task] ?? 1) - back);
    this.step({ kind: 'withdraw', taskId: taskId(task), handoff });
  }

  control(control: Control): void {
    this.step({ kind: 'control', control });
  }

  /** A person commits to main. */
  move(word: string): void {
    this.#foreign += 1;
    const content = this.main.content.filter((other) => word !== 'mend' || other !== 'broken');
    this.main = this.#commit([...content, word === 'mend' ? `mend ${this.#foreign}` : word], this.main);
  }

  /** A person takes the last commit off main. */
  rewrite(): void {
    this.#foreign += 1;
    const { parent } = this.main;
    const content = parent?.content ?? [];
    for (const key of this.main.content) if (!content.includes(key)) this.#handedOff.delete(key);
    this.main = this.#commit([...content, `rewritten ${this.#foreign}`], parent);
  }

  /** The gate runs that are on their way end; their word may be lost. */
  endRuns(number: number, luck: Luck): void {
    const open = [...this.#runs].filter(([, { state }]) => state.kind === 'running');
    const [key, run] = open[number % Math.max(1, open.length)] ?? [];
    if (key === undefined || run === undefined) return;
    run.state = { kind: 'ended', verdict: this.#verdict(run.content, luck) };
    if (run.state.verdict.kind === 'green') this.#greenSeen.add(key);
    if (luck !== 'lost') this.step({ kind: 'gate', key, state: run.state });
  }

  /** Says that a first run was red. */
  suspect(number: number): void {
    const open = [...this.#runs].filter(([, { state }]) => state.kind === 'running');
    const [key, run] = open[number % Math.max(1, open.length)] ?? [];
    if (key === undefined || run?.state.kind !== 'running') return;
    run.state = { ...run.state, suspect: true };
    this.step({ kind: 'gate', key, state: run.state });
  }

  /** Does one of the things that the queue wants. */
  carryOut(number: number, luck: Luck): void {
    const command = this.wanted[number % Math.max(1, this.wanted.length)];
    if (command === undefined) return this.step();
    const fact = this.#factOf(command, luck);
    if (fact === null || luck === 'lost') return this.step();
    this.step(fact);
  }

  tell(): void {
    this.step({ kind: 'told', count: this.queue.replies.length });
  }

  pass(ms: number): void {
    this.nowMs += ms;
    this.step();
  }

  carryOver(): void {
    this.queue = unpackQueue(packQueue(this.queue));
    this.step();
  }

  step(...facts: readonly QueueFact[]): void {
    const before = this.queue;
    const next = reconcile(before, facts, { nowMs: this.nowMs, random: 0.5 });
    this.queue = next.queue;
    this.wanted = next.commands;
    this.#check(before, facts);
    this.#checkHalt(before, facts);
    this.#checkTurn(before, facts);
    this.#checkRules(before, facts, next);
    const again = reconcile(next.queue, [], { nowMs: this.nowMs, random: 0.5 });
    holds('a queue that has come to rest stays so', again.queue === next.queue);
    const isDue = next.wakeAtMs !== null && next.wakeAtMs <= this.nowMs;
    holds('what wakes a queue at once is its look', !isDue || this.wanted.some(({ kind }) => kind === 'look'));
  }

  /** Where its history is not asked it goes by the older rules; what comes to a halt just now is asked the next time. */
  #checkRules(before: Queue, facts: readonly QueueFact[], next: ReturnType<typeof reconcile>): void {
    this.#steps += 1;
    if (isRedAtRest(next.queue)) this.rested += 1;
    if (this.#steps % RULES_EVERY !== 0) return;
    const clock = { nowMs: this.nowMs, random: 0.5 };
    const isAsked = asksForToldOnce(before, facts) || asksForToldOnce(next.queue, []);
    if (!isAsked) this.#checkAlike({ ...before, toldOnce: undefined }, facts, next);
    if (!asksForRedRests(before, facts, clock)) this.#checkAlike({ ...before, redRests: undefined }, facts, next);
  }

  #checkAlike(older: Older, facts: readonly QueueFact[], next: ReturnType<typeof reconcile>): void {
    const { toldOnce, redRests, ...rules } = older;
    const { queue, ...rest } = reconcile(
      { ...rules, ...(toldOnce && { toldOnce }), ...(redRests && { redRests }) },
      facts,
      { nowMs: this.nowMs, random: 0.5 },
    );
    const { toldOnce: told, redRests: rests } = next.queue;
    const isSame = isDeepStrictEqual({ queue: { ...queue, toldOnce: told, redRests: rests }, ...rest }, next);
    holds('a queue that does not ask by which rules it goes decides alike by both', isSame);
  }

  isRed(content: readonly string[]): boolean {
    const has = (task: number): boolean => content.some((key) => key.startsWith(`${taskId(task)}/`));
    return content.includes('broken') || has(RED_ALONE) || SEMANTIC.every(has);
  }

  contentOf(commit: ObjectId): readonly string[] {
    return this.#commits.get(commit)?.content ?? [];
  }

  #verdict(content: readonly string[], luck: Luck) {
    if (luck === 'away') return { kind: 'none', reason: 'killed' } as const;
    if (this.isRed(content)) {
      return { kind: 'red', failedCommand: 'npm test', text: 'red', logTail: 'no', landedSince: [] } as const;
    }
    const isFlake = content.some((key) => key.startsWith(`${taskId(FLAKY)}/`));
    return isFlake ? ({ kind: 'green', flake: 'red at first' } as const) : ({ kind: 'green' } as const);
  }

  #factOf(command: QueueCommand, luck: Luck): QueueFact | null {
    switch (command.kind) {
      case 'build': {
        const { item, parent, known, gate } = command;
        const answer = this.#build(item, parent, known, gate, luck);
        return { kind: 'built', taskId: item.taskId, attempt: item.attempt, title: item.title, parent, known, answer };
      }
      case 'gate':
        return { kind: 'gate', key: gateKey(command.candidate), state: this.#begin(command.candidate, false) };
      case 'gate-main': {
        const candidate = this.#candidate(this.main);
        const state = this.#begin(candidate, command.again);
        return { kind: 'main-gate', commit: this.main.id, key: gateKey(candidate), state };
      }
      case 'land': {
        const { item, candidate, under } = command;
        const result = this.#land([...under, { item, candidate }], luck);
        return { kind: 'pushed', taskId: item.taskId, attempt: item.attempt, result };
      }
      case 'seal': {
        const first = command.parts[0].item;
        if (luck === 'away') return { kind: 'sealed', first, answer: { kind: 'failed', text: 'away' } };
        const made = new Map<ObjectId, ObjectId>();
        const parts = command.parts.map(({ item: { taskId: id, attempt, title }, candidate, cover }) => {
          const old = this.#commits.get(candidate.commit);
          const main = made.get(candidate.main) ?? candidate.main;
          const parent = this.#commits.get(main) ?? null;
          holds('what is sealed is there', old !== undefined && parent !== null);
          const { id: commit } = this.#commit(old?.content ?? [], parent, trailersOf(title, cover));
          made.set(candidate.commit, commit);
          return { taskId: id, attempt, was: candidate.commit, commit, main, cover };
        });
        return { kind: 'sealed', first, answer: { kind: 'sealed', parts } };
      }
      case 'drop': {
        const run = this.#runs.get(command.run.key);
        if (run?.runId === command.run.runId) this.#runs.delete(command.run.key);
        return { kind: 'dropped', key: command.run.key };
      }
      case 'details': {
        // Of those that are asked, the first may not answer.
        const silent = luck === 'away' ? command.wanted.slice(0, 1) : [];
        const asked = command.wanted.filter((wanted) => !silent.includes(wanted));
        const items = asked.flatMap((wanted) => this.items.get(queueItemKey(wanted)) ?? []);
        return { kind: 'details', asked, items, isWhole: silent.length === 0, silent };
      }
      case 'look': {
        const runs = command.runs.map(({ key, runId }) => {
          const run = this.#runs.get(key);
          const state: RunState =
            run?.runId === runId && run !== undefined
              ? run.state
              : { kind: 'ended', verdict: { kind: 'none', reason: 'gone' } };
          return { key, state };
        });
        const main = luck === 'away' ? null : this.#see(command.known);
        return { kind: 'looked', look: { known: command.known, main, runs, turnOver: null, slots: this.slots } };
      }
    }
  }

  #see(known: ObjectId | null): MainSeen {
    const { id } = this.main;
    if (known === null) return { commit: id, since: 'first', vanished: [] };
    if (known === id) return { commit: id, since: 'same', vanished: [] };
    for (let at: Commit | null = this.main; at !== null; at = at.parent) {
      if (at.id === known) return { commit: id, since: 'ahead', vanished: [] };
    }
    return { commit: id, since: 'rewritten', vanished: ['one'] };
  }

  #build(item: QueueItem, parent: ObjectId | null, known: ObjectId | null, gate: boolean, luck: Luck): BuildAnswer {
    if (luck === 'away') {
      const result = { kind: 'held', why: 'origin', text: 'away' } as const;
      return { result, main: null, run: null, slots: null, window: null };
    }
    const result = this.#merge(item, parent);
    const run = result.kind === 'candidate' && gate ? this.#begin(result.candidate, false) : null;
    return {
      result,
      main: this.#see(known),
      run,
      slots: this.slots,
      window: null,
      batch: this.batch,
      verify: this.verify,
    };
  }

  #merge(item: QueueItem, parent: ObjectId | null): BuildResult {
    const key = queueItemKey(item);
    const base = parent === null ? this.main : (this.#commits.get(parent) ?? this.main);
    const landing = this.#landingOf(key);
    if (parent === null && landing !== null) return { kind: 'landed', landing };
    if (base.content.includes(key)) return { kind: parent === null ? 'nothing-to-land' : 'behind' };
    if (this.#conflicts(key, this.main.content)) return { kind: 'conflict', request: REQUEST };
    if (this.#conflicts(key, base.content)) return { kind: 'behind' };
    return {
      kind: 'candidate',
      candidate: this.#candidate(this.#commit([...base.content, key], base, trailersOf(item.title))),
      knownGreen: false,
    };
  }

  #conflicts(key: string, content: readonly string[]): boolean {
    const [task] = key.split('/');
    const other = CONFLICT.find((each) => task !== taskId(each));
    if (!CONFLICT.some((each) => task === taskId(each)) || other === undefined) return false;
    // What was amended after a conflict goes together with the other.
    return key.endsWith('/1') && content.some((each) => each.startsWith(`${taskId(other)}/`));
  }

  #landingOf(key: string) {
    for (let at: Commit | null = this.main; at?.parent != null; at = at.parent) {
      if (at.content.includes(key) && !at.parent.content.includes(key)) {
        const { id, parent } = at;
        return { commit: id, tree: this.#tree(at), main: parent.id, attempt: 1, gateHash: 'gate' };
      }
    }
    return null;
  }

  #begin(candidate: Candidate, again: boolean): RunState {
    const key = gateKey(candidate);
    const before = this.#runs.get(key);
    const isOver = before?.state.kind === 'ended' && before.state.verdict.kind !== 'green';
    if (before !== undefined && !isOver && !(again && before.state.kind === 'ended')) return before.state;
    this.#runCount += 1;
    const runId = `run ${this.#runCount}`;
    const state: RunState = { kind: 'running', runId, suspect: false };
    this.#runs.set(key, { runId, content: this.contentOf(candidate.commit), state });
    return state;
  }

  /** All that go together, or none. */
  #land(parts: readonly { readonly item: QueueItem; readonly candidate: Candidate }[], luck: Luck): LandResult {
    const [first] = parts;
    const last = parts.at(-1);
    if (first === undefined || last === undefined) throw new Error('nothing to land');
    const keys = parts.map(({ item }) => queueItemKey(item));
    if (keys.every((key) => this.main.content.includes(key))) return this.#landed(keys);
    if (first.candidate.main !== this.main.id) return { kind: 'moved' };
    if (this.isProtected) return { kind: 'protected', text: 'main is protected' };
    if (parts.some(({ item }) => item.taskId === taskId(7))) {
      return { kind: 'refused', failure: failureOf('landing-refused') };
    }
    holds('what was seen green is landed last (N3)', this.#greenSeen.has(gateKey(last.candidate)));
    let below = this.main.id;
    for (const { item, candidate } of parts) {
      const commit = this.#commits.get(candidate.commit);
      const trailers = trailersOf(item.title, candidate.cover);
      const named = this.#id(`commit ${commit?.content.join(' ')} on ${commit?.parent?.id ?? ''}${trailers}`);
      holds('a candidate lands under the title that its item has', named === candidate.commit);
      holds('each is a commit on the one before', commit?.parent?.id === below && candidate.main === below);
      below = candidate.commit;
      const cover = parts.length === 1 ? undefined : last.candidate.tree;
      holds('each says which run covers it', candidate.cover === cover);
      const key = queueItemKey(item);
      holds('what was told withdrawn is not landed', !this.#isTold(key, 'withdrawn'));
      holds(
        'a task lands once (N2)',
        !this.main.content.some((other) => other.startsWith(`${item.taskId}/${item.attempt}`)),
      );
      if (commit !== undefined) this.main = commit;
    }
    this.lands += parts.length;
    this.together = Math.max(this.together, parts.length);
    return luck === 'away' ? { kind: 'held', why: 'origin', text: 'no answer' } : this.#landed(keys);
  }

  #landed(keys: readonly string[]): LandResult {
    const landings = keys.flatMap((key) => this.#landingOf(key) ?? []);
    const landing = landings.at(-1);
    if (landing === undefined || landings.length < keys.length) return { kind: 'moved' };
    return { kind: 'landed', landing, under: landings.slice(0, -1) };
  }

  #isTold(key: string, kind: LandingReply['kind']): boolean {
    return (this.told.get(key) ?? []).some((reply) => reply.kind === kind);
  }

  #candidate(commit: Commit): Candidate {
    const gate = { setup: null, commands: [], hash: 'gate' };
    return { commit: commit.id, tree: this.#tree(commit), main: commit.parent?.id ?? commit.id, gate };
  }

  #tree({ content }: Commit): ObjectId {
    return this.#id(`tree ${content.toSorted().join(' ')}`);
  }

  #commit(content: readonly string[], parent: Commit | null, trailer = ''): Commit {
    const id = this.#id(`commit ${content.join(' ')} on ${parent?.id ?? ''}${trailer}`);
    const commit: Commit = { id, content, parent };
    this.#commits.set(id, commit);
    return commit;
  }

  #id(name: string): ObjectId {
    const known = this.#ids.get(name) ?? objectId(1_000_000 + this.#ids.size);
    this.#ids.set(name, known);
    return known;
  }

  #check(before: Queue, facts: readonly QueueFact[]): void {
    const { queue } = this;
    for (const { taskId: id, reply } of queue.replies.filter((other) => !before.replies.includes(other))) {
      if (reply.kind === 'held') continue;
      const key = `${id}/${reply.handoff}`;
      this.kinds.add(reply.kind);
      this.told.set(key, [...(this.told.get(key) ?? []), reply]);
      if (reply.kind === 'landed')
        holds('who is told landed is on main', this.#landingOf(key) !== null || this.#wasRewritten(key));
      if (reply.kind === 'withdrawn') holds('who is told withdrawn is not on main', !this.main.content.includes(key));
      if (reply.kind === 'returned' && reply.request.kind === 'red') this.#checkBlame(before, key, reply.request.main);
    }
    for (const [first, ...others] of this.told.values()) {
      holds(
        'a hand-off has one answer (N2)',
        others.every(({ kind }) => kind === first?.kind),
      );
    }
    const inLine = new Set([...queue.line, ...queue.chain.map(({ item }) => item)].map(queueItemKey));
    holds('nobody is in line twice', inLine.size === queue.line.length + queue.chain.length);
    for (const key of this.#handedOff)
      holds(`who was handed off is in line or answered (N1): ${key}`, inLine.has(key) || this.told.has(key));
    for (const key of inLine)
      holds('who was answered is not in line (N2)', !this.told.has(key) || this.#isNew(facts, key));
    const landing = queue.chain.filter(({ stage }) => stage.kind === 'landing');
    const early = queue.chain.filter(
      ({ waited, doubt, stage }, at) =>
        at > 0 && doubt === 'none' && stage.kind !== 'landing' && mustBeVerified(queue, waited),
    );
    holds('nobody but the first becomes a candidate without being verified', early.length === 0);
    holds(
      'only the first may be on their way to main',
      landing.every((entry, at) => queue.chain[at] === entry) && (this.batch || landing.length <= 1),
    );
  }

  /** Main is where it was, so what was pushed stays a candidate, and is tried again as it is when somebody says so. */
  #checkHalt(before: Queue, facts: readonly QueueFact[]): void {
    const { chain, halt } = this.queue;
    const isPushed = chain.some(({ stage }) => stage.kind === 'landing');
    holds(
      'nothing is pushed while main is not what it should be',
      !isPushed || halt === null || halt.kind === 'person',
    );
    const stages = new Map(chain.map(({ item, stage }) => [queueItemKey(item), stage]));
    for (const fact of facts) {
      const isRefused = fact.kind === 'pushed' && fact.result.kind === 'protected';
      const wasLanding = before.chain.filter(({ stage }) => stage.kind === 'landing');
      if (!isRefused || wasLanding.every(({ item }) => item.taskId !== fact.taskId)) continue;
      this.kept += 1;
      holds('a protected main halts the queue', halt?.kind === 'protected');
      for (const { item, stage, doubt } of wasLanding) {
        const now = stages.get(queueItemKey(item));
        if (doubt === 'withdraw') holds('who was asked back is not tried again', now === undefined);
        else holds('what was pushed is a candidate as before', now?.kind === 'candidate' && isSame(now, stage));
      }
    }
    if (before.halt?.kind !== 'protected' || halt !== null) return;
    for (const { item, stage } of before.chain) {
      const now = stages.get(queueItemKey(item));
      if (stage.kind === 'candidate' && now !== undefined)
        holds('nobody is built anew for a main that was protected', isSame(stage, now));
    }
  }

  /** Those that had been pushed when it began may land in it all the same. */
  #checkTurn(before: Queue, facts: readonly QueueFact[]): void {
    const { chain, turn } = this.queue;
    if (before.turn !== null && turn !== null && before.turn.taskId !== turn.taskId) {
      const { taskId: had, untilMs } = before.turn;
      const isOver = untilMs <= this.nowMs || facts.some((fact) => fact.kind === 'looked');
      const isTold = this.queue.answered.some((one) => one.taskId === had && !before.answered.includes(one));
      holds('nobody takes a turn from another', isOver || isTold);
    }
    if (turn === null || before.turn?.taskId !== turn.taskId) return;
    const pushed = before.chain.flatMap(({ item, stage }) => (stage.kind === 'landing' ? [queueItemKey(item)] : []));
    for (const { item, stage } of chain) {
      if (stage.kind !== 'landing' || pushed.includes(queueItemKey(item))) continue;
      const isOwn = item.taskId === turn.taskId;
      holds('in a turn only its task and hotfixes are pushed', isOwn || item.priority === 'hotfix');
      if (!isOwn) this.letPass += 1;
    }
  }

  #isNew(facts: readonly QueueFact[], key: string): boolean {
    return (
      facts.some((fact) => fact.kind === 'handed-off' && queueItemKey(fact.item) === key) &&
      this.queue.answered.length >= 100
    );
  }

  #wasRewritten(key: string): boolean {
    return !this.main.content.includes(key);
  }

  /** Nobody is sent back for a neighbour's or main's fault. */
  #checkBlame(before: Queue, key: string, parent: ObjectId): void {
    const content = this.contentOf(parent);
    holds('who is blamed is red', this.isRed([...content, key]));
    const item = this.items.get(key);
    const mends = (before.redMain ?? this.queue.redMain) !== null && item?.priority === 'hotfix';
    holds('what it stood on is not red', mends || !this.isRed(content));
  }
}
