/**
 * The queue's own rules in simulated time: how many land an hour when a share of the tasks is red and so many gates run
 * side by side. Git and messages take no time here: what is measured is the rules alone.
 */

import type { ObjectId } from '../../src/core/ids.ts';
import { taskIdFromBytes } from '../../src/core/ids.ts';
import { gateKey, queueItemKey } from '../../src/core/queue-keys.ts';
import { NEW_QUEUE, reconcile, type Queue, type QueueCommand, type QueueFact } from '../../src/core/queue.ts';
import type { Candidate, GateVerdict, MainSeen, QueueItem } from '../../src/core/queue-types.ts';
import { itemOf, objectId, type Dice } from './rig.ts';

export interface SimulationOptions {
  readonly tasks: number;
  /** The share of the tasks that is red whatever it stands on. */
  readonly red: number;
  readonly slots: number;
  readonly gateMs: number;
  /** Several may land behind one run. */
  readonly batch?: boolean;
  /** Each is gated by itself before it may become a candidate. */
  readonly verify?: boolean;
  readonly dice: Pick<Dice, 'roll'>;
  /** What became of those before, as the queue keeps it. */
  readonly outcomes?: string;
  /** So many wait at first, and another comes for each that is decided; left out: all come at once. */
  readonly backlog?: number;
  /** Sees the queue after each step. */
  readonly watch?: (queue: Queue) => void;
}

export interface SimulationResult {
  readonly landed: number;
  readonly returned: number;
  readonly gateRuns: number;
  readonly pushes: number;
  readonly tookMs: number;
  /** When the last one landed. */
  readonly lastLandedMs: number;
  readonly landingsPerHour: number;
}

const GATE = { setup: null, commands: [], hash: 'gate' };
const RED: GateVerdict = { kind: 'red', failedCommand: 'npm test', text: 'red', logTail: '', landedSince: [] };
const MAX_ROUNDS = 1_000_000;

interface Due {
  readonly atMs: number;
  readonly fact: QueueFact;
}

interface Asked {
  readonly key: string;
  readonly runId: string;
  readonly isRed: boolean;
  readonly isSecond: boolean;
  /** Null while it has no slot. */
  untilMs: number | null;
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #red = new Set<string>();
  readonly #redCommits = new Set<ObjectId>();
  /** Runs that were asked for, in this order: the first so many have a slot. */
  readonly #asked = new Map<string, Asked>();
  readonly #trees = new Map<string, ObjectId>();
  #queue: Queue;
  #nowMs = 0;
  #handedOff = 0;
  #commits = 10;
  #runs = 0;
  #pushes = 0;
  #main: ObjectId = objectId(1);

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#queue = { ...NEW_QUEUE, outcomes: options.outcomes ?? '' };
  }

  run(): SimulationResult {
    const { tasks, backlog = tasks, watch } = this.#options;
    let returned = 0;
    let facts: readonly QueueFact[] = this.#handOff(backlog);
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const next = reconcile(this.#queue, facts, { nowMs: this.#nowMs, random: 0.5 });
      const { replies } = next.queue;
      const back = replies.filter(({ reply }) => reply.kind === 'returned').length;
      const landed = replies.filter(({ reply }) => reply.kind === 'landed').length;
      returned += back;
      this.#queue = { ...next.queue, replies: [] };
      watch?.(this.#queue);
      facts = next.commands.filter(({ kind }) => kind !== 'look').map((command) => this.#carryOut(command));
      facts = [...facts, ...this.#handOff(back + landed)];
      if (facts.length > 0) continue;
      const due = this.#next();
      if (due === null) break;
      this.#nowMs = due.atMs;
      facts = [due.fact];
    }
    const { landed, lastLandedMs } = this.#queue;
    return {
      landed,
      returned,
      gateRuns: this.#runs,
      pushes: this.#pushes,
      tookMs: this.#nowMs,
      lastLandedMs: lastLandedMs ?? 0,
      landingsPerHour: (landed / this.#nowMs) * 3_600_000,
    };
  }

  /** So many more, as far as there are some. */
  #handOff(count: number): readonly QueueFact[] {
    const { tasks, red, dice } = this.#options;
    const first = this.#handedOff;
    this.#handedOff = Math.min(tasks, first + count);
    return Array.from({ length: this.#handedOff - first }, (_, at): QueueFact => {
      const item = this.#item(first + at);
      if (dice.roll() < red) this.#red.add(queueItemKey(item));
      return { kind: 'handed-off', item };
    });
  }

  #item(number: number): QueueItem {
    const bytes = Uint8Array.from({ length: 10 }, (_, at) => (number >> (5 * at)) & 31);
    return itemOf(1, 1, { taskId: taskIdFromBytes(bytes), placeMs: number });
  }

  /** The next end of a run: those with a slot go on, the others wait for one, first come first served. */
  #next(): Due | null {
    let first: Asked | null = null;
    for (const run of this.#withSlot()) {
      run.untilMs ??= this.#nowMs + this.#options.gateMs;
      if (first === null || run.untilMs < (first.untilMs ?? 0)) first = run;
    }
    if (first === null || first.untilMs === null) return null;
    const { key, isRed, isSecond, runId, untilMs } = first;
    this.#asked.delete(key);
    if (isRed && !isSecond) {
      this.#asked.set(key, { ...first, isSecond: true, untilMs: null });
      return { atMs: untilMs, fact: { kind: 'gate', key, state: { kind: 'running', runId, suspect: true } } };
    }
    const verdict: GateVerdict = isRed ? RED : { kind: 'green' };
    return { atMs: untilMs, fact: { kind: 'gate', key, state: { kind: 'ended', verdict } } };
  }

  #withSlot(): readonly Asked[] {
    return [...this.#asked.values()].slice(0, this.#options.slots);
  }

  #carryOut(command: QueueCommand): QueueFact {
    const seen: MainSeen = { commit: this.#main, since: 'ahead', vanished: [] };
    switch (command.kind) {
      case 'build': {
        const { item, parent, known } = command;
        this.#commits += 1;
        const on = parent ?? this.#main;
        const tree = this.#treeOf(item, on);
        const candidate: Candidate = { commit: objectId(this.#commits), tree, main: on, gate: GATE };
        if (this.#red.has(queueItemKey(item)) || this.#redCommits.has(on)) this.#redCommits.add(candidate.commit);
        const { slots, batch = false, verify = false } = this.#options;
        const result = { kind: 'candidate', candidate, knownGreen: false } as const;
        const answer = { result, main: seen, run: null, slots, window: null, batch, verify };
        return { kind: 'built', taskId: item.taskId, attempt: item.attempt, parent, known, answer };
      }
      case 'gate':
        return {
          kind: 'gate',
          key: gateKey(command.candidate),
          state: this.#begin(gateKey(command.candidate), command.candidate.commit),
        };
      case 'gate-main': {
        const key = `main ${command.commit}/gate`;
        this.#begin(key, command.commit);
        const state = { kind: 'running', runId: 'main', suspect: false } as const;
        return { kind: 'main-gate', commit: command.commit, key, state };
      }
      case 'land': {
        const { item, candidate } = command;
        const { commit, tree, main } = candidate;
        this.#main = commit;
        this.#pushes += 1;
        const landing = { commit, tree, main, attempt: item.attempt, gateHash: 'gate' };
        const under = command.under.map((below) => ({ ...below.candidate, attempt: 1, gateHash: 'gate' }));
        const result = { kind: 'landed', landing, under } as const;
        return { kind: 'pushed', taskId: item.taskId, attempt: item.attempt, result };
      }
      case 'seal': {
        const made = new Map<ObjectId, ObjectId>();
        const parts = command.parts.map(({ item: { taskId, attempt }, candidate, cover }) => {
          this.#commits += 1;
          const commit = objectId(this.#commits);
          made.set(candidate.commit, commit);
          if (this.#redCommits.has(candidate.commit)) this.#redCommits.add(commit);
          const main = made.get(candidate.main) ?? candidate.main;
          return { taskId, attempt, was: candidate.commit, commit, main, cover };
        });
        return { kind: 'sealed', first: command.parts[0].item, answer: { kind: 'sealed', parts } };
      }
      case 'drop':
        this.#asked.delete(command.run.key);
        return { kind: 'dropped', key: command.run.key };
      case 'details': {
        const asked = command.wanted;
        const items = asked.map(({ taskId, attempt }) => itemOf(1, attempt, { taskId }));
        return { kind: 'details', asked, items, isWhole: true };
      }
      case 'look':
        throw new Error('a look is not carried out here');
    }
  }

  /** The same work on the same commit is the same tree. */
  #treeOf(item: QueueItem, on: ObjectId): ObjectId {
    const name = `${queueItemKey(item)} on ${on}`;
    const known = this.#trees.get(name) ?? objectId(10_000_000 + this.#trees.size);
    this.#trees.set(name, known);
    return known;
  }

  #begin(key: string, commit: ObjectId) {
    this.#runs += 1;
    const runId = `run ${this.#runs}`;
    const isRed = this.#redCommits.has(commit);
    this.#asked.set(key, { key, runId, isRed, isSecond: false, untilMs: null });
    for (const run of this.#withSlot()) run.untilMs ??= this.#nowMs + this.#options.gateMs;
    return { kind: 'running', runId, suspect: false } as const;
  }
}

export function simulateLanding(options: SimulationOptions): SimulationResult {
  return new Simulation(options).run();
}

/** What no strict order of landing can beat: landings an hour. */
export function strictBound({ red, slots, gateMs }: Pick<SimulationOptions, 'red' | 'slots' | 'gateMs'>): number {
  return ((slots * (1 - red)) / gateMs) * 3_600_000;
}

/**
 * What no way of landing several behind one run can beat, in landings an hour: each run says at most one bit, and
 * whether each of the tasks is red has to be found out.
 */
export function batchBound({ red, slots, gateMs }: Pick<SimulationOptions, 'red' | 'slots' | 'gateMs'>): number {
  const bits = -red * Math.log2(red) - (1 - red) * Math.log2(1 - red);
  return (((1 - red) * slots) / (gateMs * bits)) * 3_600_000;
}
