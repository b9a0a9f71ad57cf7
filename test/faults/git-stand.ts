/** One place where an operation is prepared, cut off and carried out again, as often as wanted. */

import { execFile, execFileSync, fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync, utimesSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../support/eventually.ts';
import type { Facts } from './git-operations.ts';
import type * as Victim from './git-victim.ts';
import { callsOf, CHANGING, GitWrapper, STRACE, type Call, type Point } from './git-wrapper.ts';

const run = promisify(execFile);
const TRIES = 3;
const LOOK_EVERY_MS = 2;
/** Longer than a lock of a person's checkout has to lie before it can be stale. */
const LATER_MS = 10_000;

/** How a kill ended: null when the operation healed, else what was wrong; `missed` when nothing was killed. */
export type Outcome = { readonly kind: 'healed' | 'missed' } | { readonly kind: 'broken'; readonly text: string };

type Engine = typeof Victim;

export class Stand {
  readonly #folder: string;
  readonly #live: string;
  readonly #program: string;
  readonly #wrapper: GitWrapper;
  readonly #operation: string;
  readonly #isHeld: boolean;
  #facts: Facts | null = null;
  #next: ChildProcess | null = null;

  /** @param program the bundle of git-victim.ts @param isHeld whether git is held where it looks at a worktree */
  constructor(folder: string, program: string, operation: string, isHeld: boolean) {
    this.#folder = folder;
    this.#live = join(folder, 'live');
    this.#program = program;
    this.#operation = operation;
    this.#isHeld = isHeld;
    this.#wrapper = new GitWrapper(join(folder, 'control'));
  }

  async prepare(): Promise<void> {
    await mkdir(this.#live, { recursive: true });
    await mkdir(join(this.#folder, 'control'));
    await this.#wrapper.make();
    const engine = this.#engine();
    this.#facts = await engine
      .operationOf(this.#operation)
      .prepare(this.#live, (home) => engine.makeRoom(home, { gitPath: 'git', control: null, isHeld: this.#isHeld }));
    await run('cp', ['-a', this.#live, join(this.#folder, 'saved')]);
  }

  /** Every place at which the operation can be cut off; or `states`: of those that leave the same behind, the first. */
  async points(which: 'all' | 'states'): Promise<readonly Point[]> {
    const { only } = this.#engine().operationOf(this.#operation);
    const isMeant = (name: string): boolean => only === undefined || only.includes(name);
    await this.#reset();
    await this.#wrapper.record();
    const victim = await this.#victim();
    const [main, pool] = threadsOf(victim);
    const trace = join(this.#folder, 'engine-trace');
    const tracer = await attach([main, pool], ['-o', trace, '-e', `trace=${CHANGING.join(',')}`]);
    await this.#carryOut(victim);
    await tracer.ended;
    const points: Point[] = [];
    for (const [name, calls] of await this.#wrapper.calls()) {
      if (isMeant(name.replace(/\.\d+$/, ''))) points.push(...numbered(name, calls, which));
    }
    const traced = await readFile(trace, 'utf8');
    for (const [name, thread] of [
      ['engine', main],
      ['engine-pool', pool],
    ] as const) {
      if (isMeant('engine')) points.push(...numbered(name, callsOf(traced, thread), which));
    }
    return points;
  }

  /** Cuts the operation off at a point, and has it carried out again. `both`: the engine dies with its git. */
  async try(point: Point, both: boolean): Promise<Outcome> {
    await this.#reset();
    const isKilled = await this.#cutOff(point, both);
    await this.#stragglers(both);
    if (!isKilled) return { kind: 'missed' };
    await this.#wrapper.passOn();
    return this.#heal();
  }

  async close(): Promise<void> {
    this.#next?.kill('SIGKILL');
    this.#next = null;
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #cutOff(point: Point, both: boolean): Promise<boolean> {
    const victim = await this.#victim();
    if (!point.victim.startsWith('engine')) {
      await this.#wrapper.kill(point, both ? (victim.pid ?? 0) : 0);
      await this.#carryOut(victim);
      return this.#wrapper.hasKilled();
    }
    await this.#wrapper.passOn();
    const [main, pool] = threadsOf(victim);
    const inject = `inject=${point.call}:signal=SIGKILL:when=${point.nth}`;
    const args = ['-o', '/dev/null', '-e', `trace=${point.call}`, '-e', inject];
    const tracer = await attach([point.victim === 'engine' ? main : pool], args);
    await this.#carryOut(victim);
    await tracer.ended;
    return victim.signalCode === 'SIGKILL';
  }

  /** What a restarted engine does; it may try again as often as the engine does anyway. */
  async #heal(): Promise<Outcome> {
    for (const path of locksIn(this.#live)) {
      const then = (Date.now() - LATER_MS) / 1_000;
      utimesSync(path, then, then);
    }
    let text = '';
    for (let round = 0; round < TRIES; round += 1) {
      const engine = this.#engine();
      const operation = engine.operationOf(this.#operation);
      try {
        const facts = this.#known();
        const room = engine.makeRoom(facts.home, this.#place());
        await operation.run(room, facts);
        operation.check?.(facts);
        // A git that died can leave the lock of a task's ref behind that nobody writes again, or that of the packed refs, from
        // which nothing is taken for now: they go when the task ends.
        if (locksIn(facts.target.origin).length > 0)
          await room.deleteTaskRefs(facts.target, [engine.TASK, engine.OTHER_TASK]);
        this.#inspect(facts);
        return { kind: 'healed' };
      } catch (error) {
        text = error instanceof Error ? error.message : String(error);
      }
    }
    return { kind: 'broken', text };
  }

  /** No lock is left, and every repository is whole. */
  #inspect({ home, target }: Facts): void {
    // What was half made when the kill came lies in the trash, which nobody uses and tasks gc empties.
    const trash = join(home, 'trash/');
    const locks = [...locksIn(home), ...locksIn(target.origin)].filter((path) => !path.startsWith(trash));
    if (locks.length > 0) throw new Error(`locks are left: ${locks.join(', ')}`);
    fsck(target.origin);
    for (const name of namesIn(join(home, 'landing')).filter((one) => one.endsWith('.git')))
      fsck(join(home, 'landing', name));
    for (const name of namesIn(join(home, 'mirrors'))) {
      const folder = join(home, 'mirrors', name);
      if (name.endsWith('.git')) fsck(folder);
      if (name.endsWith('.engine')) fsck(folder, join(home, 'mirrors', name.replace(/\.engine$/, '.git'), 'objects'));
    }
  }

  async #reset(): Promise<void> {
    await rm(this.#live, { recursive: true, force: true, maxRetries: 5 });
    await run('cp', ['-a', join(this.#folder, 'saved'), this.#live]);
  }

  /** A process that waits for its order; the one after it starts meanwhile. */
  async #victim(): Promise<ChildProcess> {
    const victim = this.#next ?? this.#start();
    this.#next = null;
    await eventually('the victim to be ready', () => ready.has(victim));
    this.#next = this.#start();
    return victim;
  }

  #start(): ChildProcess {
    const env = { ...process.env, UV_THREADPOOL_SIZE: '1' };
    const child = fork(this.#program, ['victim'], { env, stdio: ['ignore', 'ignore', 'ignore', 'ipc'], execArgv: [] });
    child.once('message', () => ready.add(child));
    return child;
  }

  async #carryOut(victim: ChildProcess): Promise<void> {
    const ended = once(victim, 'exit');
    const order: Victim.Order = { operation: this.#operation, facts: this.#known(), place: this.#place() };
    victim.send(order);
    // A git in a sandbox has killed itself, and cannot reach its engine.
    const ending = setInterval(() => {
      if (this.#wrapper.wantsEngineDead()) victim.kill('SIGKILL');
    }, LOOK_EVERY_MS);
    await ended.finally(() => clearInterval(ending));
  }

  /** Git goes on for a while without its engine, or dies with it. */
  async #stragglers(kill: boolean): Promise<void> {
    await eventually("git's processes to end", () => {
      const left = processesIn(this.#folder);
      if (kill) left.forEach((pid) => process.kill(pid, 'SIGKILL'));
      return left.length === 0;
    });
  }

  /** The engine with nothing in mind, as after a restart. */
  #engine(): Engine {
    const load = createRequire(this.#program);
    delete load.cache[this.#program];
    return load(this.#program);
  }

  #place(): Victim.GitPlace {
    const { path, control } = this.#wrapper;
    return { gitPath: path, control, isHeld: this.#isHeld };
  }

  #known(): Facts {
    if (this.#facts === null) throw new Error('nothing is prepared');
    return this.#facts;
  }
}

const ready = new WeakSet<ChildProcess>();

function numbered(victim: string, calls: readonly Call[], which: 'all' | 'states'): readonly Point[] {
  const seen = new Map<string, number>();
  return calls.flatMap(({ name: call }, index) => {
    const nth = (seen.get(call) ?? 0) + 1;
    seen.set(call, nth);
    const isNew = index === 0 || calls[index - 1]?.changes === true;
    return which === 'all' || isNew ? [{ victim, call, nth }] : [];
  });
}

/** The thread that runs JavaScript, and the last one that was made: the pool's only one. */
function threadsOf({ pid }: ChildProcess): readonly [number, number] {
  const threads = namesIn(`/proc/${pid}/task`).map(Number);
  return [pid ?? 0, Math.max(...threads)];
}

/** Lets strace watch threads from here on; `ended` when the last of them has ended. */
async function attach(
  threads: readonly number[],
  args: readonly string[],
): Promise<{ readonly ended: Promise<unknown> }> {
  const all = [...args, ...threads.flatMap((thread) => ['-p', String(thread)])];
  const tracer = spawn(STRACE, all, { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(tracer, 'exit');
  let said = '';
  tracer.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  await eventually('strace to attach', () => said.split(' attached').length > threads.length);
  return { ended };
}

/** @throws when something that a ref needs is not there or not sound */
function fsck(gitDir: string, objects = join(gitDir, 'objects')): void {
  const places = existsSync(join(gitDir, '.git')) ? {} : { GIT_DIR: gitDir, GIT_OBJECT_DIRECTORY: objects };
  execFileSync('git', ['fsck', '--full', '--no-dangling', '--no-progress'], {
    cwd: gitDir,
    env: { PATH: '/usr/bin:/bin', HOME: gitDir, GIT_CONFIG_GLOBAL: '/dev/null', ...places },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

function processesIn(folder: string): readonly number[] {
  return namesIn('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => wordsOf(pid).includes(folder))
    .map(Number);
}

/** Where a process is, and how it was called; nothing when it has ended. */
function wordsOf(pid: string): string {
  try {
    return `${readlinkSync(`/proc/${pid}/cwd`)} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8')}`;
  } catch {
    return '';
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function locksIn(folder: string): readonly string[] {
  return filesBelow(folder).filter((path) => path.endsWith('.lock'));
}

function filesBelow(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) =>
      join(entry.parentPath, entry.name),
    );
  } catch {
    return [];
  }
}
