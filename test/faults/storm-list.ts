/** The storms, and what each has to come to. */

import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdir, open, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { workflowIds, type TaskId } from '../../src/core/ids.ts';
import { signalOf, updateOf, type MessageOutcome } from '../../src/workflows/messages.ts';
import { eventually } from '../support/eventually.ts';
import { cli } from '../cli/rig.ts';
import { jsonLines } from './commands.ts';
import { DropProxy } from './drop-proxy.ts';
import { untilAsked } from './everywhere.ts';
import { cutOff } from './partition.ts';
import { placeOf } from './project.ts';
import { between } from './random.ts';
import { runStorms, type Scene, type Storm, type StormsOptions } from './storms.ts';
import type { Report } from './table.ts';

const MANY = 50;
/** Of fifty that are wrong in one way. */
const MAX_TOLD = 3;
const QUESTION_LIMIT_MS = 60_000;
/** Older than any lock of a living process. */
const LONG_AGO_S = 1_000_000_000;

const STORMS: readonly Storm[] = [
  { name: 'the same submission 50 times at once', run: submitMany },
  { name: 'an answer 50 times at once, under 25 ids', run: answerMany },
  { name: 'a worktree is deleted while it waits', run: (scene) => loseWhileWaiting(scene, '') },
  { name: 'a worktree’s .git is deleted while it waits', run: (scene) => loseWhileWaiting(scene, '.git') },
  { name: 'a worktree is deleted under its agent', run: (scene) => loseUnderAgent(scene, '') },
  { name: 'its repository is deleted under an agent', run: (scene) => loseUnderAgent(scene, '../own.git') },
  { name: 'stale locks in every repository', run: leaveLocks },
  { name: 'broken objects in the mirror', run: (scene) => breakObjects(scene, 'mirrors') },
  { name: 'broken objects in the landing repository', run: (scene) => breakObjects(scene, 'landing') },
  { name: 'the mirror is gone', run: loseMirror },
  { name: 'lost completions', run: loseCompletions },
  { name: 'a host behind black holes, until its task has landed elsewhere', run: cutOff },
];

export function runStormList(options: StormsOptions): Promise<Report> {
  return runStorms(options, { storms: STORMS });
}

/** By fifty commands in one process, which come closer together than fifty processes on a small machine. */
async function submitMany(scene: Scene) {
  const { project, env } = scene;
  const args = ['submit', 'Once alone', '--request-id', `once-${randomUUID()}`, '--json'];
  const runs = await Promise.all(Array.from({ length: MANY }, () => cli(placeOf(project, env), args)));
  const wrong = runs.flatMap(({ code, stderr }) => (code === 0 ? [] : [`a submission ended with ${code}: ${stderr}`]));
  const lines = runs.flatMap(({ stdout }) => jsonLines(stdout)) as readonly { id: TaskId; existing: boolean }[];
  const ids = [...new Set(lines.map(({ id }) => id))];
  const [id] = ids;
  if (id === undefined || ids.length > 1) return { faults: MANY, wrong: [...wrong, `there are ${ids.length} tasks`] };
  const fresh = lines.filter(({ existing }) => !existing).length;
  if (fresh !== 1) wrong.push(`${fresh} of ${lines.length} were told that theirs is the first`);
  wrong.push(...(await scene.landed({ id })));
  const count = await runsOf(scene, id);
  if (count !== 1) wrong.push(`the task ran ${count} times`);
  return { faults: MANY, wrong: wrong.slice(0, MAX_TOLD) };
}

async function runsOf({ client }: Scene, id: TaskId): Promise<number> {
  let count = 0;
  for await (const run of client.workflow.list({ query: `WorkflowId = "${workflowIds.task(id)}"` })) {
    if (run.status.name !== 'CONTINUED_AS_NEW') count += 1;
  }
  return count;
}

/** Half of them by update and half by signal, each id twice; one of them counts, and all of its id say so. */
async function answerMany(scene: Scene) {
  const task = await scene.submit('Once answered (asks)');
  await untilAsked(scene, task.id);
  const handle = scene.client.workflow.getHandle(workflowIds.task(task.id));
  const answers = Array.from({ length: MANY }, (_, index) => {
    const number = Math.floor(index / 2);
    return { messageId: `answer-${number}`, actor: `Ada ${number}`, text: `yes, ${number}` };
  });
  const outcomes = await Promise.all(
    answers.map(async (answer, index): Promise<{ id: string; taken: boolean } | null> => {
      if (index % 4 >= 2) {
        await handle.signal(signalOf('answer'), answer);
        return null;
      }
      try {
        const outcome: MessageOutcome = await handle.executeUpdate(updateOf('answer'), { args: [answer] });
        return { id: answer.messageId, taken: outcome.kind === 'taken' };
      } catch {
        // Refused, or more at once than the server lets in.
        return { id: answer.messageId, taken: false };
      }
    }),
  );
  const wrong = [...(await scene.landed(task))];
  const taken = new Set(outcomes.flatMap((one) => (one?.taken === true ? [one.id] : [])));
  if (taken.size > 1) wrong.push(`${taken.size} answers were told that they count: ${[...taken].join(' ')}`);
  const events = await eventually('the answer to be on record', async () => {
    const found = (await scene.stand.ledger.readEvents(task.id)).filter(({ happened }) => happened.kind === 'answered');
    return found.length > 0 ? found : null;
  });
  if (events.length !== 1) wrong.push(`${events.length} answers took effect`);
  return { faults: MANY, wrong };
}

function worktreeOf({ home, project }: Scene, id: TaskId): string {
  return join(home, 'workspaces', project.name, id, 'worktree');
}

async function remove(path: string): Promise<number> {
  if (!existsSync(path)) throw new Error(`${path} is not there`);
  await rm(path, { recursive: true, force: true, maxRetries: 5 });
  return 1;
}

async function loseWhileWaiting(scene: Scene, what: string) {
  const task = await scene.submit('Loses its worktree (asks)');
  await untilAsked(scene, task.id);
  const faults = await remove(join(worktreeOf(scene, task.id), what));
  const answer = { messageId: randomUUID(), actor: 'Ada', text: 'yes' };
  await scene.client.workflow.getHandle(workflowIds.task(task.id)).signal(signalOf('answer'), answer);
  return { faults, wrong: await scene.landed(task) };
}

/** Its agent fails, or what it left cannot be stored: it is tried again, on a worktree made anew. */
async function loseUnderAgent(scene: Scene, what: string) {
  await scene.project.stopAt('agent-runs');
  const task = await scene.submit('Loses its worktree under it (commits)');
  await scene.project.untilAt('agent-runs');
  const path = join(worktreeOf(scene, task.id), what);
  let faults = 0;
  // In the sandbox the worktree is a mount of its own, so its files go one by one.
  if (what === '') {
    for (const name of readdirSync(path)) faults += await remove(join(path, name)).catch(() => 0);
  } else faults += await remove(path);
  await scene.project.letGo();
  return { faults, wrong: await scene.landed(task) };
}

/** As killed processes leave them: the worker is killed with a task in its hands, and everything is locked. */
async function leaveLocks(scene: Scene) {
  const { project, home } = scene;
  await project.stopAt('agent-runs');
  const task = await scene.submit('Finds everything locked (commits)');
  await project.untilAt('agent-runs');
  const worker = await scene.worker();
  await worker.kill(() => project.letGo());
  const folders = [...gitFoldersIn(join(home, 'mirrors')), ...gitFoldersIn(join(home, 'landing')), project.origin];
  const names = [
    'HEAD.lock',
    'packed-refs.lock',
    'refs/heads/main.lock',
    'refs/remotes/origin/main.lock',
    'index.lock',
  ];
  let faults = 0;
  for (const folder of folders) {
    for (const name of names) {
      const path = join(folder, name);
      // A bare origin has no index, and nobody who would look for its lock.
      if (!existsSync(dirname(path)) || (folder === project.origin && name === 'index.lock')) continue;
      await writeFile(path, '');
      await utimes(path, LONG_AGO_S, LONG_AGO_S);
      faults += 1;
    }
  }
  await scene.worker();
  const wrong = [...(await scene.landed(task))];
  wrong.push(
    ...(await scene.landed(
      await scene.submit('Comes after the locks', 'mkdir -p work; echo x > "work/$TASKS_TASK_ID"'),
    )),
  );
  return { faults, wrong };
}

function gitFoldersIn(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.git') || name.endsWith('.engine'))
    .map((name) => join(folder, name));
}

/** Some bytes in the middle of every pack and of one in three loose objects, as a bad disk would. */
async function breakObjects(scene: Scene, which: 'mirrors' | 'landing') {
  const { project, home, random } = scene;
  await project.stopAt('agent-runs');
  const task = await scene.submit('Meets broken objects (commits)');
  await project.untilAt('agent-runs');
  const worker = await scene.worker();
  await worker.kill(() => project.letGo());
  const files = gitFoldersIn(join(home, which)).flatMap((folder) => filesIn(join(folder, 'objects')));
  let faults = 0;
  for (const path of files) {
    const isPack = path.endsWith('.pack');
    if (!isPack && !(/\/[0-9a-f]{2}\/[0-9a-f]{38}$/.test(path) && random() < 1 / 3)) continue;
    await scribble(path, between(random, 0.4, 0.6));
    faults += 1;
  }
  await scene.worker();
  const wrong = [...(await scene.landed(task))];
  wrong.push(...(await scene.landed(await scene.submit('Comes after the broken objects'))));
  return { faults, wrong };
}

async function scribble(path: string, where: number): Promise<void> {
  await chmod(path, 0o644);
  const file = await open(path, 'r+');
  const { size } = await stat(path);
  await file.write(Buffer.from('broken'), 0, Math.min(6, size), Math.max(0, Math.floor(size * where) - 3));
  await file.close();
}

function filesIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Somebody cleans up the state home while nothing runs: it is a cache, but for work that is not stored yet. */
async function loseMirror(scene: Scene) {
  const task = await scene.submit('Loses all of its host (asks)');
  await untilAsked(scene, task.id);
  const worker = await scene.worker();
  await worker.stop();
  let faults = 0;
  for (const name of ['mirrors', 'landing', 'workspaces']) faults += await remove(join(scene.home, name));
  await mkdir(scene.home, { recursive: true });
  await scene.worker();
  const answer = { messageId: randomUUID(), actor: 'Ada', text: 'yes' };
  await scene.client.workflow.getHandle(workflowIds.task(task.id)).signal(signalOf('answer'), answer);
  return { faults, wrong: await scene.landed(task) };
}

/** The way to Temporal swallows what the worker sends, for a while, and then breaks: what was done is not known there. */
async function loseCompletions(scene: Scene) {
  const { stand, project } = scene;
  await (await scene.worker()).stop();
  const proxy = await DropProxy.start(stand.address);
  try {
    await scene.worker(proxy.address);
    let faults = 0;
    const wrong: string[] = [];
    for (const place of ['agent-reported', 'gate-runs']) {
      await project.stopAt(place);
      const task = await scene.submit('Its answer is lost (commits)');
      await project.untilAt(place);
      proxy.swallow();
      await project.letGo();
      await eventually('something to be swallowed', () => proxy.swallowedBytes > 0, QUESTION_LIMIT_MS);
      faults += 1;
      // Longer than what has ended takes to be told, shorter than a heartbeat may be missed.
      await proxy.breakAfter(between(scene.random, 500, 4_000));
      wrong.push(...(await scene.landed(task)));
      await project.reset();
    }
    await (await scene.worker()).stop();
    return { faults, wrong };
  } finally {
    await proxy.close();
  }
}
