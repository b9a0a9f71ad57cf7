/** A stack that died whole, as text. Pure. */

import type { StackState } from '../../local/stack-record.ts';

/** What is said of a stack whose Temporal died with whoever would start it again; null of any other. */
export function goneLine({ states }: Pick<StackState, 'states'>): string | null {
  if (states.temporal !== 'dead' || states.supervisor === 'alive') return null;
  const names = { temporal: 'Temporal', postgres: 'Postgres', worker: 'the worker', supervisor: 'what kept them up' };
  const dead = Object.entries(names).flatMap(([part, name]) =>
    states[part as keyof typeof names] === 'dead' ? [name] : [],
  );
  const list = dead.length < 2 ? dead.join('') : `${dead.slice(0, -1).join(', ')} and ${dead.at(-1) ?? ''}`;
  return `the stack that was running is gone: ${list} died; start it again with: tasks up (tasks go on where they were)`;
}
