/** Tasks of every kind for the fault suite, submitted as a person does, with the end that each must come to. */

import { taskIdOfWorkflow, type TaskId } from '../../src/core/ids.ts';
import type { EndKind } from '../../src/core/task-types.ts';
import { eventually } from '../support/eventually.ts';
import { jsonLines, tasks } from './commands.ts';
import { placeOf, type FaultProject } from './project.ts';
import { between, pick, type Random } from './random.ts';

export interface Wanted {
  readonly title: string;
  /** A shell task's command; left out: the project's agent does it. */
  readonly run?: string;
  readonly end: EndKind;
  /** What the suite does as its person, once. */
  readonly person: 'none' | 'answers' | 'cancels' | 'gives-up';
}

export interface Submitted extends Wanted {
  readonly id: TaskId;
}

const WORK = 'mkdir -p work; echo "$TASKS_TASK_ID" > "work/$TASKS_TASK_ID"';
const SUBMIT_LIMIT_MS = 2 * 60_000;

const KINDS: readonly ((random: Random) => Wanted)[] = [
  (random) => ({
    title: 'Lands from a shell',
    run: `sleep ${between(random, 0.1, 3).toFixed(1)}; ${WORK}`,
    end: 'landed',
    person: 'none',
  }),
  () => ({ title: 'Lands from an agent', end: 'landed', person: 'none' }),
  () => ({ title: 'Lands from an agent that (commits)', end: 'landed', person: 'none' }),
  () => ({ title: 'Lands when it was answered (asks)', end: 'landed', person: 'answers' }),
  () => ({ title: 'Lands after it was (red)', end: 'landed', person: 'none' }),
  () => ({ title: 'Changes nothing', run: 'true', end: 'unchanged', person: 'none' }),
  () => ({ title: 'Fails', run: 'exit 3', end: 'canceled', person: 'gives-up' }),
  () => ({ title: 'Is canceled', run: `sleep 300; ${WORK}`, end: 'canceled', person: 'cancels' }),
];

/** So many tasks, each kind among them when there are enough. */
export function wantedTasks(random: Random, count: number): readonly Wanted[] {
  return Array.from({ length: count }, (_, index) => {
    const kind = index < KINDS.length ? (KINDS[index] ?? pick(random, KINDS)) : pick(random, KINDS);
    return kind(random);
  });
}

/** Submits until it was acknowledged, under one request id each, however often a server is away. */
export async function submit(
  project: FaultProject,
  env: Readonly<Record<string, string>>,
  wanted: readonly Wanted[],
  key: string,
): Promise<readonly Submitted[]> {
  const lines = wanted.map(({ title, run }, index) => ({
    title,
    requestId: `${key}-${index}`,
    ...(run === undefined ? {} : { run }),
  }));
  const args = ['submit', '--json', '--from', '-'];
  const input = lines.map((line) => JSON.stringify(line)).join('\n');
  if (wanted.length === 0) return [];
  let said = '';
  const ids = await eventually(
    'the tasks to be acknowledged',
    async () => {
      const { code, stdout, stderr } = await tasks(placeOf(project, env), args, undefined, input);
      said = stderr;
      return code === 0 ? jsonLines(stdout).map(idIn) : null;
    },
    SUBMIT_LIMIT_MS,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}: ${said}`, { cause: error });
  });
  return wanted.map((one, index) => {
    const id = ids[index];
    if (id === undefined) throw new Error(`${wanted.length} tasks were submitted, and ${ids.length} acknowledged`);
    return { ...one, id };
  });
}

function idIn(line: unknown): TaskId {
  const id =
    typeof line === 'object' && line !== null && 'id' in line ? taskIdOfWorkflow(`task/${String(line.id)}`) : null;
  if (id === null) throw new Error(`this acknowledges no task: ${JSON.stringify(line)}`);
  return id;
}
