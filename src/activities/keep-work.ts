/**
 * Stores an agent's unfinished work while it runs, so that a host that is lost costs some minutes of it, not the phase.
 *
 * It owns a timer for each running agent. Kept true: one store at a time, none after {@link Keeping.stop} has resolved; a
 * store that fails is told and tried again with the next one, and fails nothing else; once another attempt has taken over,
 * the agent is ended and nothing of it is stored (N2).
 *
 * An attempt gets its ref on the origin when it begins, beside its set-up. One that has none after some seconds, since it stood
 * still or the origin was away, stores nothing before Temporal has said that it still counts.
 */

import type { AgentAdapter, LineReader } from '../agents/types.ts';
import type { PhaseRequest } from '../core/task-request.ts';
import { oneLine } from '../core/text.ts';
import { messageOf } from '../core/thrown.ts';
import type { AttemptRequest, Scan } from '../git/types.ts';
import type { Dependencies } from './dependencies.ts';
import { stillCounts } from './heartbeat.ts';
import { runAgent, type AgentRequest, type AgentRun } from './run-agent.ts';
import { packedSession, type Packed } from './session.ts';

const MAX_NAMED = 5;
const BEGIN_AGAIN_MS = 60_000;
/** Timers count milliseconds in 31 bits. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface HeldRequest extends Pick<AgentRequest, 'request' | 'workspace' | 'signal'> {
  /** For how long the attempt has been under way, in milliseconds. */
  readonly lasted: () => number;
}

/** While an attempt has its ref. */
export interface Holding {
  /** Fires when the attempt is to stop, and when another one has taken over. */
  readonly signal: AbortSignal;
  /** Runs the agent with its work stored on the way. */
  readonly runAgent: (agent: AgentRequest) => Promise<KeptRun>;
}

export interface KeptRun {
  readonly run: AgentRun;
  /** What the agent needs to go on in its session elsewhere; null: nothing. */
  readonly session: Buffer | null;
}

export interface Held<T> {
  readonly value: T;
  /** For the record of the attempt. */
  readonly notes: readonly string[];
  /** Another attempt has this one's place: what is left in its workspace is nobody's. */
  readonly takenOver: boolean;
  /** Whether the attempt has had its ref. */
  readonly hasRef: boolean;
}

/** Runs what an attempt is about, with its ref on the origin. @param scan what may not be stored on the way */
export async function runHeld<T>(
  deps: Dependencies,
  request: HeldRequest,
  scan: Scan,
  body: (holding: Holding) => Promise<T>,
): Promise<Held<T>> {
  const taken = new AbortController();
  const keeping = new Keeping(deps, request, scan, () => taken.abort(new Error('another attempt has taken over')));
  const signal = AbortSignal.any([request.signal, taken.signal]);
  keeping.start();
  try {
    const value = await body({
      signal,
      runAgent: async (agent) => {
        keeping.storeOnTheWay();
        const onReader: AgentRequest['onReader'] = (...of) => keeping.follow(agent, ...of);
        const run = await runAgent(deps, { ...agent, signal, onReader });
        await keeping.stop();
        return { run, session: await keeping.session() };
      },
    });
    await keeping.stop();
    return { value, notes: keeping.notes(), takenOver: taken.signal.aborted, hasRef: keeping.hasRef };
  } finally {
    await keeping.stop();
  }
}

/** A shell command is run again from main, and files that are made anew from the merge: half of it is of no use. */
function isKept({ spec, regenerate }: PhaseRequest): boolean {
  return spec.work.kind !== 'shell' && regenerate !== true;
}

interface Followed {
  readonly agent: AgentRequest;
  readonly adapter: AgentAdapter;
  readonly reader: LineReader;
}

class Keeping {
  readonly #deps: Dependencies;
  readonly #request: AttemptRequest;
  readonly #everyMs: number;
  readonly #scan: Scan;
  readonly #onTakenOver: () => void;
  readonly #lasted: () => number;
  #hasRef: boolean;
  #timer: NodeJS.Timeout | null = null;
  #working: Promise<void> = Promise.resolve();
  #isStoring = false;
  #stopped = false;
  /** What was wrong with the last store; null: nothing. */
  #problem: string | null = null;
  #leftOut: readonly string[] = [];
  #following: Followed | null = null;
  #sessionLeftOut: string | null = null;

  constructor(deps: Dependencies, held: HeldRequest, scan: Scan, onTakenOver: () => void) {
    const { request, workspace, lasted } = held;
    this.#deps = deps;
    const { spec, attempt } = request;
    this.#request = { project: spec.project, origin: spec.origin, workspace, attempt };
    this.#everyMs = isKept(request) ? Math.min(deps.limits.checkpointMs, MAX_TIMER_MS) : 0;
    this.#scan = scan;
    this.#onTakenOver = onTakenOver;
    this.#lasted = lasted;
    // Whoever takes over has it from the start.
    this.#hasRef = workspace.unfinished !== undefined;
  }

  start(): void {
    if (!this.#hasRef) this.#work(() => this.#begin());
  }

  /** From now on the work is stored, every so often. */
  storeOnTheWay(): void {
    this.#isStoring = this.#everyMs > 0;
    this.#working = this.#working.then(() => this.#wait());
  }

  get hasRef(): boolean {
    return this.#hasRef;
  }

  follow(agent: AgentRequest, adapter: AgentAdapter, reader: LineReader): void {
    this.#following = { agent, adapter, reader };
  }

  /** What there is of the agent's session by now. */
  async session(): Promise<Buffer | null> {
    if (this.#following === null) return null;
    const { agent, adapter, reader } = this.#following;
    const packed = await packedSession(this.#deps, agent, adapter, reader.reading.session, this.#scan).catch(
      (error: unknown): Packed => ({ kind: 'left-out', why: oneLine(messageOf(error), 300) }),
    );
    this.#sessionLeftOut = packed.kind === 'left-out' ? packed.why : null;
    return packed.kind === 'packed' ? packed.content : null;
  }

  /** Resolves when nothing is being stored. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    const wasStopped = this.#stopped;
    this.#stopped = true;
    await this.#working;
    if (!wasStopped && !this.#hasRef) await this.#counts();
  }

  /** What people should know. */
  notes(): readonly string[] {
    const named = this.#leftOut.slice(0, MAX_NAMED).join(', ');
    const more = this.#leftOut.length > MAX_NAMED ? ` and ${this.#leftOut.length - MAX_NAMED} more` : '';
    return [
      ...(this.#problem === null || this.#everyMs === 0
        ? []
        : [oneLine(`its unfinished work was not stored last: ${this.#problem}`, 500)]),
      ...(named === '' ? [] : [oneLine(`its unfinished work was stored without ${named}${more}`, 500)]),
      ...(this.#sessionLeftOut === null ? [] : [`its session stays on this host: ${this.#sessionLeftOut}`]),
    ];
  }

  #work(step: () => Promise<void>): void {
    this.#working = step()
      .catch((error: unknown) => this.#failed(messageOf(error)))
      .then(() => this.#wait());
  }

  /** A ref that could not be made is made with the next store, or tried again where nothing is stored. */
  #wait(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#stopped) return;
    const [ms, step] = this.#next();
    if (ms > 0) this.#timer = setTimeout(() => this.#work(step), ms);
  }

  #next(): readonly [number, () => Promise<void>] {
    if (this.#isStoring) return [this.#everyMs, () => this.#store()];
    return [this.#hasRef ? 0 : BEGIN_AGAIN_MS, () => this.#begin()];
  }

  /** Whether the attempt still counts; only one that has no ref need ask. */
  async #counts(): Promise<boolean> {
    if (await stillCounts(this.#deps.client, this.#lasted())) return true;
    this.#takenOver();
    return false;
  }

  async #begin(): Promise<void> {
    if (!(await this.#counts())) return;
    const problem = await this.#deps.git.beginAttempt(this.#request);
    if (problem === null) this.#hasRef = true;
    else if (problem.failure === 'worker-lost') this.#takenOver();
    else this.#failed(problem.message);
  }

  async #store(): Promise<void> {
    if (!this.#hasRef && !(await this.#counts())) return;
    // Before the files: what the agent remembers is then no newer than they are.
    const session = await this.session();
    const asked = {
      ...this.#request,
      scan: this.#scan,
      hasRef: this.#hasRef,
      ...(session === null ? {} : { session }),
    };
    const stored = await this.#deps.git.storeUnfinished(asked);
    switch (stored.kind) {
      case 'failed':
        return this.#failed(stored.message);
      case 'taken-over':
        return this.#takenOver();
      case 'stored':
        this.#hasRef = true;
        this.#leftOut = stored.leftOut;
        this.#problem = null;
        return;
      case 'unchanged':
        this.#leftOut = stored.leftOut;
        this.#problem = null;
        if (!this.#hasRef) await this.#begin();
    }
  }

  #takenOver(): void {
    this.#stopped = true;
    this.#onTakenOver();
  }

  #failed(message: string): void {
    const { workspace, attempt } = this.#request;
    this.#problem = message;
    this.#deps.log('unfinished work was not stored', {
      task: workspace.taskId,
      attempt,
      reason: oneLine(message, 500),
    });
  }
}
