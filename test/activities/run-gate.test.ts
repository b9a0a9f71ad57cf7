import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { existsSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DEFAULT_LIMITS, type Dependencies, type Limits } from '../../src/activities/dependencies.ts';
import { landingByPush } from '../../src/activities/landing-adapter.ts';
import { GateRuns } from '../../src/activities/gate-runs.ts';
import { WAITS_FOR_SLOT } from '../../src/core/gate-run.ts';
import { NoFreeSlot, Running } from '../../src/activities/running.ts';
import { runGate } from '../../src/activities/run-gate.ts';
import type { CandidateRequest, GateAnswer } from '../../src/activities/types.ts';
import { parseProjectFile } from '../../src/config/project-file.ts';
import { ok } from '../../src/core/parsed.ts';
import type { GateCommand, GateDefinition } from '../../src/core/project.ts';
import type { GateVerdict } from '../../src/core/queue-types.ts';
import type { GitRoom } from '../../src/git/types.ts';
import { openLedger, type Ledger } from '../../src/ledger/ledger.ts';
import { openPortLeases } from '../../src/local/port-leases.ts';
import { openSpool, type Spool } from '../../src/ledger/spool.ts';
import { createProcessRoom } from '../../src/process/room.ts';
import { bareOrigin, newRoom, readGate, worked } from '../support/git-rig.ts';
import { eventually } from '../support/eventually.ts';
import { testDatabase, type TestDatabase } from '../support/postgres.ts';

const LIMIT_MS = 60_000;
/** As one more run on the same tree: nobody is told of its end by itself. */
const RED = { kind: 'red', failedCommand: 'x', text: 'red', logTail: '', landedSince: [] } as const;

describe('a gate run', () => {
  let database: TestDatabase;
  let ledger: Ledger;
  let spool: Spool;
  let deps: Dependencies;
  let home: string;
  let candidateWith: (gate: GateDefinition) => Promise<CandidateRequest>;
  let gates = 0;

  beforeAll(async () => {
    database = await testDatabase();
    ledger = openLedger({ url: database.url, applicationName: 'test', maxConnections: 2 });
    await ledger.migrate();
    const { target } = await bareOrigin();
    let git: GitRoom;
    ({ room: git, home } = await newRoom());
    const item = await worked(git, target, { 'a.txt': 'a\n' });
    spool = await openSpool({ folder: join(home, 'spool'), ledger, intervalMs: 10 });
    deps = {
      hostId: 'host',
      home,
      git,
      landing: landingByPush(git),
      process: await createProcessRoom({ home, termGraceMs: 200 }),
      ledger,
      spool,
      client: new Client({ connection: Connection.lazy({ address: '127.0.0.1:1' }) }),
      parseSettings: parseProjectFile,
      readGate,
      environment: ({ scratch }) => ({ PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: scratch }),
      program: (name) => name,
      secretsFor: () => Promise.resolve(ok({ variables: {}, secrets: [] })),
      confinement: {
        sandbox: null,
        read: [],
        hidden: [],
        write: [home],
        granted: () => [],
        personHome: '/nonexistent',
      },
      notices: {
        room: { tell: () => Promise.reject(new Error('nobody is told here')) },
        rules: [],
        readTargets: () => Promise.resolve(ok({})),
        readUi: () => Promise.resolve(null),
        nowMs: Date.now,
      },
      onWaiting: () => undefined,
      onRecorded: () => undefined,
      onEnded: () => undefined,
      isDraining: () => false,
      gates: 1,
      labels: [],
      onRequired: () => undefined,
      checkoutOf: () => null,
      ports: openPortLeases(home, { base: 21_100, each: 2, ranges: 8 }),
      limits: { ...DEFAULT_LIMITS, heartbeatMs: 10 },
      log: () => undefined,
    };
    candidateWith = async (gate) => {
      const built = await git.buildCandidate(target, item, () => ({ kind: 'ok', gate }));
      if (built.kind !== 'candidate') throw new Error(built.kind);
      return { target, item, candidate: built.candidate };
    };
  });

  afterAll(async () => {
    await spool.drain(5_000);
    await ledger.close();
    await database.drop();
  });

  const gateOf = (commands: readonly Partial<GateCommand>[], setup: string | null = null): GateDefinition => {
    gates += 1;
    return {
      setup,
      commands: commands.map((command, at) => ({
        name: `command ${at}`,
        run: 'true',
        timeoutMs: LIMIT_MS,
        ...command,
      })),
      hash: gates.toString(16).padStart(64, '0'),
    };
  };

  /** The verdict, and whether it is on record. */
  const run = async (
    gate: GateDefinition,
    limits: Partial<Limits> = {},
    environment = new MockActivityEnvironment(),
    runs = new GateRuns(new Running(1)),
  ): Promise<{ verdict: GateVerdict; green: boolean }> => {
    const request = await candidateWith(gate);
    const changed: Dependencies = { ...deps, limits: { ...deps.limits, ...limits } };
    const gateRequest = { ...request, below: [], waiter: 'nobody', red: RED };
    const { verdict }: GateAnswer = await environment.run(() => runGate(changed, runs, gateRequest));
    await spool.flush(request.item.taskId);
    return { verdict, green: await ledger.isGreen(request.candidate.tree, gate.hash) };
  };

  it('is green when every command exits with 0, which is kept', async () => {
    const { verdict, green } = await run(gateOf([{}, { run: 'grep -q a a.txt' }]));
    expect(verdict).toEqual({ kind: 'green' });
    expect(green).toBe(true);
  });

  it('is red at the first command that does not, with the end of its output', async () => {
    const after = join(home, 'after');
    const { verdict, green } = await run(gateOf([{ run: 'echo why; exit 3' }, { run: `touch '${after}'` }]));
    expect(verdict).toMatchObject({
      kind: 'red',
      failedCommand: 'echo why; exit 3',
      text: 'command 0 (echo why; exit 3) exited with 3',
      logTail: 'why\n',
    });
    expect(green).toBe(false);
    expect(existsSync(after)).toBe(false);
  });

  it('names a command once that has the beginning of it for a name', async () => {
    const long = `test -e ${'x'.repeat(80)}`;
    const { verdict } = await run(gateOf([{ name: `${long.slice(0, 59)}…`, run: long }]));
    expect(verdict).toMatchObject({ kind: 'red', text: `${long} exited with 1` });
  });

  it.each([
    ['missing', 'no-such-program --all', 'exited with 127: a program is missing on host', 'no-such-program'],
    ['not executable', './a.txt', 'exited with 126: a program cannot be run on host', './a.txt'],
  ])('names the host and the program when one is %s', async (_what, command, text, program) => {
    const { verdict, green } = await run(gateOf([{ run: command }]));
    expect(verdict).toMatchObject({ kind: 'red', text: expect.stringContaining(text) });
    expect(verdict).toMatchObject({ text: expect.stringMatching(new RegExp(`on host host \\(.*${program}: .+\\)$`)) });
    expect(green).toBe(false);
  });

  it('names no program when a command that runs exits with 127 itself', async () => {
    const { verdict } = await run(gateOf([{ run: 'echo "tests: 3"; exit 127' }]));
    expect(verdict).toMatchObject({ text: expect.stringMatching(/exited with 127: .* on host host$/) });
  });

  it('is red when a command does not end in time, and nothing of it is left', async () => {
    const { verdict } = await run(gateOf([{ run: `trap '' TERM; while :; do sleep 0.02; done`, timeoutMs: 300 }]));
    expect(verdict).toMatchObject({ kind: 'red', text: expect.stringMatching(/did not end within 0 s$/) });
  });

  it('is red when a program of the project ends by a signal of its own making', async () => {
    const { verdict } = await run(gateOf([{ run: 'kill -ABRT $$' }]));
    expect(verdict).toMatchObject({ kind: 'red', text: expect.stringMatching(/SIGABRT|134/) });
  });

  it.each([
    ['the shell is killed', 'kill -9 $$'],
    ['a program below the shell is killed', `sh -c 'kill -9 $$'; exit $?`],
    ['the shell is ended by SIGTERM', 'kill -TERM $$'],
  ])('is no verdict when %s', async (_what, command) => {
    const { verdict, green } = await run(gateOf([{ run: command }]));
    expect(verdict).toEqual({ kind: 'none', reason: expect.stringContaining('command 0') });
    expect(green).toBe(false);
  });

  it('is no verdict when it fails on a full disk', async () => {
    const { verdict } = await run(gateOf([{ run: 'exit 1' }]), { minFreeBytes: Number.MAX_SAFE_INTEGER });
    expect(verdict).toMatchObject({
      kind: 'none',
      reason: expect.stringMatching(/exited with 1, with \d+ bytes of disk/),
    });
  });

  it('is no verdict when it is ended since the disk is nearly full, whoever has filled it', async () => {
    const fill = 'head -c 40000000 /dev/zero > fill; while :; do sleep 0.05; done';
    const { verdict } = await run(gateOf([{ run: fill }]), { endBelowBytes: Number.MAX_SAFE_INTEGER });
    expect(verdict).toEqual({ kind: 'none', reason: expect.stringContaining('the disk was nearly full') });
  });

  it('leaves nothing on the disk that it has filled, in its worktree or its HOME', async () => {
    const fill = 'head -c 40000000 /dev/zero | tee fill > "$HOME/fill"; while :; do sleep 0.05; done';
    const { verdict } = await run(gateOf([{ run: fill }]), { maxWrittenBytes: 50_000_000 });
    expect(verdict).toMatchObject({ kind: 'red', text: expect.stringContaining('of the disk that are allowed') });
    expect(readdirSync(home, { recursive: true }).filter((name) => basename(String(name)) === 'fill')).toEqual([]);
    expect((await run(gateOf([{ run: 'grep -q a a.txt' }]))).verdict).toEqual({ kind: 'green' });
  });

  it('is green on a full disk when it passes all the same', async () => {
    const { verdict } = await run(gateOf([{}]), { minFreeBytes: Number.MAX_SAFE_INTEGER });
    expect(verdict).toEqual({ kind: 'green' });
  });

  it('throws when it is canceled, gives no verdict and leaves the worktree free', async () => {
    const environment = new MockActivityEnvironment();
    const mark = join(home, 'begun');
    const canceled = run(gateOf([{ run: `touch '${mark}'; while :; do sleep 0.02; done` }]), {}, environment);
    const rejected = expect(canceled).rejects.toThrow('CANCELLED');
    await eventually('the command', () => existsSync(mark));
    environment.cancel('CANCELLED');
    await rejected;
    expect((await run(gateOf([{}]))).verdict).toEqual({ kind: 'green' });
  });

  it('ends at once when this process gives it up, and gives no verdict', async () => {
    const workflowExecution = { workflowId: 'gate/x', runId: 'given-up' };
    const environment = new MockActivityEnvironment({ workflowExecution });
    const runs = new GateRuns(new Running(1));
    const mark = join(home, 'begun too');
    const over = run(gateOf([{ run: `touch '${mark}'; while :; do sleep 0.02; done` }]), {}, environment, runs);
    await eventually('the command', () => existsSync(mark));
    runs.giveUp('of another');
    runs.giveUp(workflowExecution.runId);
    expect(await over).toEqual({ verdict: { kind: 'none', reason: expect.stringContaining('stopped') }, green: false });
    expect((await run(gateOf([{}]), {}, new MockActivityEnvironment(), runs)).verdict).toEqual({ kind: 'green' });
  });

  it('has its worktree before it has a slot, says that it waits for one, and frees the worktree when there is none', async () => {
    const running = new Running(1, { patienceMs: 200 });
    const runs = new GateRuns(running);
    const ends: (() => void)[] = [];
    const other = running.run(new AbortController().signal, () => new Promise<void>((end) => void ends.push(end)));
    const before = deps;
    let freed = 0;
    const git: GitRoom = {
      ...deps.git,
      gateWorktree: async (...args) => {
        const worktree = await before.git.gateWorktree(...args);
        return { ...worktree, release: () => worktree.release().then(() => void (freed += 1)) };
      },
    };
    const beats: unknown[] = [];
    const environment = new MockActivityEnvironment();
    environment.on('heartbeat', (details: unknown) => beats.push(details));
    deps = { ...deps, git };
    const mark = join(home, 'begun without a slot');
    try {
      await expect(run(gateOf([{ run: `touch '${mark}'` }]), {}, environment, runs)).rejects.toThrow(NoFreeSlot);
    } finally {
      deps = before;
      ends[0]?.();
      await other;
    }
    expect(existsSync(mark)).toBe(false);
    expect(freed).toBe(1);
    expect(beats).toContainEqual(WAITS_FOR_SLOT);
  });

  it('begins with the worktree that it has as soon as there is a slot', async () => {
    const running = new Running(1);
    const ends: (() => void)[] = [];
    const other = running.run(new AbortController().signal, () => new Promise<void>((end) => void ends.push(end)));
    const environment = new MockActivityEnvironment();
    // Heard of before the slot comes: by then it has its worktree.
    environment.on('heartbeat', (details: unknown) => (details === undefined ? undefined : ends[0]?.()));
    const mark = join(home, 'begun with a slot');
    const over = run(gateOf([{ run: `touch '${mark}'` }]), {}, environment, new GateRuns(running));
    expect((await over).verdict).toEqual({ kind: 'green' });
    await other;
    expect(existsSync(mark)).toBe(true);
    expect(running.count).toBe(0);
  });

  it('has its verdict also when its worktree cannot be cleared, which is said', async () => {
    const said: string[] = [];
    const before = deps;
    const git: GitRoom = {
      ...before.git,
      gateWorktree: async (...parts) => {
        const worktree = await before.git.gateWorktree(...parts);
        const release = async (): Promise<void> => {
          await worktree.release();
          throw new Error('it stays');
        };
        return { ...worktree, release };
      },
    };
    deps = { ...before, git, log: (message, { reason }) => said.push(`${message}: ${String(reason)}`) };
    try {
      expect(await run(gateOf([{}]))).toEqual({ verdict: { kind: 'green' }, green: true });
    } finally {
      deps = before;
    }
    expect(said).toEqual(['a gate worktree could not be cleared after its run: it stays']);
  });

  it('is red also when nobody can say what landed since, which is told', async () => {
    const said: string[] = [];
    const before = deps;
    const git: GitRoom = { ...before.git, landedSince: () => Promise.reject(new Error('git was ended')) };
    deps = { ...before, git, log: (message, { reason }) => said.push(`${message}: ${String(reason)}`) };
    try {
      const { verdict } = await run(gateOf([{ run: 'echo why; exit 3' }]));
      expect(verdict).toMatchObject({ kind: 'red', logTail: 'why\n', landedSince: [] });
    } finally {
      deps = before;
    }
    expect(said).toEqual(['what landed since a red candidate began could not be told: git was ended']);
  });

  describe('without a sandbox', () => {
    let before: Dependencies;
    beforeAll(async () => {
      before = deps;
      deps = { ...deps, process: await createProcessRoom({ home, bwrapPath: null, termGraceMs: 200 }) };
    });
    afterAll(async () => {
      await deps.process.close();
      deps = before;
    });

    it('is red when a command removes its worktree and fails', async () => {
      const { verdict } = await run(gateOf([{ run: 'rm -rf "$PWD"; echo why; exit 3' }]));
      expect(verdict).toMatchObject({ kind: 'red', text: expect.stringContaining('exited with 3'), logTail: 'why\n' });
      expect((await run(gateOf([{ run: 'grep -q a a.txt' }]))).verdict).toEqual({ kind: 'green' });
    });

    it('is red when a command removes its worktree, so that the next one has none', async () => {
      const { verdict } = await run(gateOf([{ run: 'rm -rf "$PWD"' }, { run: 'true' }]));
      expect(verdict).toMatchObject({
        kind: 'red',
        failedCommand: 'true',
        text: 'command 1 (true) could not be run: a command before it has removed the worktree',
      });
      expect((await run(gateOf([{ run: 'grep -q a a.txt' }]))).verdict).toEqual({ kind: 'green' });
    });
  });

  it('is judged by a set-up of its own when that cannot be made on main, which is not to blame then', async () => {
    const setup = 'grep -qx a a.txt';
    expect((await run(gateOf([{}], setup))).verdict).toEqual({ kind: 'green' });
    const { verdict } = await run(gateOf([{}], 'grep -qx z a.txt'));
    expect(verdict).toMatchObject({ kind: 'red', text: expect.stringContaining('setup') });
  });

  it('sees what set-up made, and nothing that another run has written there', async () => {
    const setup = 'mkdir -p made && echo kept > made/file && echo "*" > made/.gitignore';
    const commands = [
      { run: 'test "$(cat made/file)" = kept && test ! -e made/more' },
      { run: 'echo changed > made/file; echo x > made/more' },
    ];
    for (let time = 0; time < 3; time += 1) {
      expect((await run(gateOf(commands, setup))).verdict).toEqual({ kind: 'green' });
    }
  });

  it('has a HOME of its own: what set-up has left there is seen, what another run has left is not', async () => {
    const setup = 'mkdir -p "$HOME/.cache" && echo kept > "$HOME/.cache/file"';
    const plant =
      'echo x > "$HOME/.npmrc"; echo x > "$HOME/.gitconfig"; echo x > "$HOME/.cache/file"; echo x > "$HOME/.bashrc"';
    const look = 'test "$(ls -A "$HOME")" = .cache && test "$(cat "$HOME/.cache/file")" = kept';
    for (let time = 0; time < 3; time += 1) {
      expect((await run(gateOf([{ run: look }, { run: plant }], setup))).verdict).toEqual({ kind: 'green' });
    }
    const empty = 'test -z "$(ls -A "$HOME")"';
    for (let time = 0; time < 2; time += 1) {
      expect((await run(gateOf([{ run: empty }, { run: plant }]))).verdict).toEqual({ kind: 'green' });
    }
    expect((await run(gateOf([{ run: plant }, { run: 'test -e "$HOME/.npmrc"' }]))).verdict).toEqual({ kind: 'green' });
  });

  it('runs its set-up once, and is red when that fails', async () => {
    const log = join(home, 'set-up');
    const setup = `echo x >> '${log}'; test ! -e '${log}.broken'`;
    expect((await run(gateOf([{}], setup))).verdict).toEqual({ kind: 'green' });
    expect((await run(gateOf([{ run: `test "$(wc -l < '${log}')" = 1` }], setup))).verdict).toEqual({ kind: 'green' });
    await writeFile(`${log}.broken`, '');
    const { verdict } = await run(gateOf([{}], `${setup}; echo no; exit 4`));
    expect(verdict).toMatchObject({ kind: 'red', text: expect.stringContaining('exited with 4') });
  });
});
