import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskId } from '../../src/core/ids.ts';
import type { TaskView } from '../../src/core/task-types.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, GATE, projectFile } from '../support/scripted-agent.ts';
import { tempFolder } from '../support/temp.ts';
import { WorkerProcess } from '../support/worker-process.ts';

const HEARTBEAT_AND_MORE_MS = 90_000;

/** Stands for Claude Code: keeps its session where that does, and does what agent.sh says. */
const CLAUDE = (folder: string): string => `#!/bin/sh
set -eu
session=; mode=; previous=
for word in "$@"; do
  case "$previous" in
    --session-id) session=$word; mode=new ;;
    --resume) session=$word; mode=resumed ;;
  esac
  previous=$word
done
file="$HOME/.claude/projects/$(pwd | sed 's/[^A-Za-z0-9]/-/g')/$session.jsonl"
if [ "$mode" = resumed ] && [ ! -e "$file" ]; then echo "No conversation found with session ID: $session"; exit 1; fi
mkdir -p "$(dirname "$file")"
printf '{"cwd":"%s","phase":"%s","attempt":%s}\\n' "$(pwd)" "$TASKS_PHASE" "$TASKS_ATTEMPT" >> "$file"
printf '{"type":"system","subtype":"init","session_id":"%s"}\\n' "$session"
sh agent.sh
cp "$file" "${folder}/transcript-$TASKS_ATTEMPT"
printf '{"type":"result","subtype":"success","is_error":false,"result":"The document.","session_id":"%s"}\\n' "$session"
`;

/** Workers with state homes of their own, and nothing in common but Temporal, the ledger and the origin. */
describe('a task in the middle of its execute phase, whose host', () => {
  let engine: Engine;
  const workers: WorkerProcess[] = [];
  const homes: string[] = [];

  const at = (name: string): string => join(engine.home, name);

  const newHost = async (): Promise<WorkerProcess> => {
    const home = await tempFolder('home');
    const programs = `programs: {claude: ${JSON.stringify(at('claude'))}}`;
    await writeFile(join(home, 'host.yaml'), `checkpoint: 1s\nwrite: [${JSON.stringify(engine.home)}]\n${programs}\n`);
    homes.push(home);
    const worker = await WorkerProcess.start(engine, ['--agents', '2', '--gates', '1'], home);
    workers.push(worker);
    return worker;
  };

  beforeAll(async () => {
    engine = await Engine.start();
    // The engine's own worker makes room for those that can be killed.
    await engine.drainWorker();
    await writeFile(at('claude'), CLAUDE(engine.home));
    await chmod(at('claude'), 0o755);
  });

  afterAll(async () => {
    for (const worker of workers) await worker.stop();
    await engine.stop();
  });

  /** Its first run leaves a commit and an unfinished file, and waits; the one that goes on finishes what it finds. */
  const project = (name: string, settings = projectFile()): Promise<SampleProject> =>
    SampleProject.create({
      'tasks.yaml': settings.replace('sample', name),
      'gate.sh': GATE,
      'agent.sh': agentScript({
        plan: 'echo "what I will do" > "$TASKS_TASK_DIR/plan.md"',
        execute: [
          'if [ -e half ]; then',
          'grep -q "You go on from unfinished work" "$TASKS_PROMPT_FILE"; grep -q "what I will do" "$TASKS_TASK_DIR/plan.md"',
          'git log --format=%s > log; git status --porcelain half > status; cat half committed > finished',
          'else echo committed > committed; git add committed',
          'git -c user.name=A -c user.email=a@example.test commit -q -m "By the agent"; echo half > half',
          `echo begun >> '${at(`${name}-begun`)}'; while [ ! -e '${at(`${name}-go`)}' ]; do sleep 0.05; done`,
          'echo late > late; fi',
        ].join('\n'),
      }),
    });

  /** Submitted, and stored on the way with all that its first run leaves. */
  const underWay = async (sample: SampleProject, name: string): Promise<TaskId> => {
    const id = await engine.submit(sample, { title: `Work of ${name}`, attempts: 1 });
    await eventually('the work to be begun', () => existsSync(at(`${name}-begun`)));
    await eventually('its unfinished work to be stored', async () => {
      const stored = sample.originGit('ls-tree', '-r', '--name-only', `refs/tasks/${id}/3/work`);
      return (await stored.catch(() => '')).includes('half');
    });
    return id;
  };

  const ended = (id: TaskId): Promise<TaskView> =>
    eventually(
      'the task to end',
      async () => {
        const { view } = await engine.detail(id);
        return view.endedAt === null ? null : view;
      },
      HEARTBEAT_AND_MORE_MS,
    );

  const expectFinished = async (sample: SampleProject, id: TaskId): Promise<void> => {
    expect(await sample.read('finished')).toBe('half\ncommitted');
    expect(await sample.read('log')).toBe('By the agent\nBegin');
    expect(await sample.read('status')).toBe('A  half');
    await expect(sample.read('late')).rejects.toThrow();
    expect(await sample.subjects()).toHaveLength(2);
    const attempts = await engine.ledger.readAttempts(id);
    expect(attempts.find(({ attempt }) => attempt === 3)).toMatchObject({
      outcome: 'failed',
      failure: { kind: 'worker-lost' },
    });
    const notes = (await engine.ledger.readEvents(id)).flatMap(({ happened }) =>
      happened.kind === 'attempt-ended' ? (happened.notes ?? []) : [],
    );
    expect(notes).toContain('it went on from the unfinished work of attempt 3');
  };

  it('is killed, goes on at another host from what was stored on the way, in the session that the agent had', async () => {
    const sample = await project('killed', 'project: sample\nbranch: main\ngate: sh gate.sh\nagent: claude\n');
    const first = await newHost();
    const id = await underWay(sample, 'killed');
    await first.kill();
    await newHost();
    expect(await ended(id)).toMatchObject({ state: 'landed', attempt: 4, failure: null });
    await expectFinished(sample, id);
    const transcript = (await readFile(at('transcript-4'), 'utf8')).trim().split('\n');
    const cwd = join(homes[1] ?? '', 'workspaces', 'killed', id, 'worktree');
    expect(transcript).toEqual(
      ['understand', 'plan', 'execute', 'execute'].map(
        (phase, index) => `{"cwd":"${cwd}","phase":"${phase}","attempt":${index + 1}}`,
      ),
    );
  });

  it('stands still until it has landed elsewhere, stores nothing of what it still has', async () => {
    const sample = await project('stopped');
    const [zombie] = workers.filter((worker) => worker.alive);
    if (zombie === undefined) throw new Error('no worker is left');
    const id = await underWay(sample, 'stopped');
    process.kill(zombie.pid, 'SIGSTOP');
    try {
      await newHost();
      const view = await ended(id);
      // What was sent to the one that stands still is lost with it, too.
      expect(view.attempt).toBeGreaterThanOrEqual(4);
      expect(view).toMatchObject({ state: 'landed', failure: null });
      await eventually('its refs to be gone', async () => (await sample.taskRefs()).length === 0);
      await writeFile(at('stopped-go'), '');
      process.kill(zombie.pid, 'SIGCONT');
      await eventually('the zombie to have given up', async () => (await zombie.children()).length === 0);
      expect(await zombie.stop()).toBe(0);
      expect(await sample.taskRefs()).toEqual([]);
      expect((await engine.detail(id)).view).toEqual(view);
      await expectFinished(sample, id);
    } finally {
      if (zombie.alive) process.kill(zombie.pid, 'SIGCONT');
    }
  });
});
