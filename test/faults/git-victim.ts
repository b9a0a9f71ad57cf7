/** The engine as a process that carries out one operation and may be killed in it; and, loaded as a module, as it is after a restart. */

import { spawnSync } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { createGitRoom, type Confine } from '../../src/git/room.ts';
import type { GitRoom } from '../../src/git/types.ts';
import { confinedCommand } from '../../src/process/confined-command.ts';
import { OPERATIONS } from './git-operation-list.ts';
import { OTHER_TASK, TASK, type Facts, type Operation } from './git-operations.ts';

const BWRAP = '/usr/bin/bwrap';

export interface Order {
  readonly operation: string;
  readonly facts: Facts;
  readonly place: GitPlace;
}

/** How its rooms start git. */
export interface GitPlace {
  readonly gitPath: string;
  /** The folder that what stands in for git writes, from a sandbox too; null: git itself is started. */
  readonly control: string | null;
  /** Whether git is held where it looks at a worktree, as a worker holds it. */
  readonly isHeld: boolean;
}

export { OPERATIONS, OTHER_TASK, TASK };

export function makeRoom(home: string, { gitPath, control, isHeld }: GitPlace): GitRoom {
  const confine: Confine = (argv, { write, ...reach }) =>
    confinedCommand(BWRAP, { argv, ...reach, write: [...write, ...(control === null ? [] : [control])], hidden: [] });
  return createGitRoom({ home, worker: 'faults', processHome: home, gitPath, confine: isHeld ? confine : null });
}

/** Whether git can be held here. */
export function canHold(): boolean {
  const nothing = { visible: 'true', cwd: '/usr', path: '/usr/bin:/bin', read: [], write: [], hidden: [] };
  const [program, ...args] = confinedCommand(BWRAP, { argv: ['true'], ...nothing });
  return spawnSync(program, args).status === 0;
}

export function operationOf(name: string): Operation {
  const operation = OPERATIONS.find((one) => one.name === name);
  if (operation === undefined) throw new Error(`there is no operation ${name}`);
  return operation;
}

if (process.argv[2] === 'victim') {
  process.on('message', ({ operation, facts, place }: Order) => {
    operationOf(operation)
      .run(makeRoom(facts.home, place), facts)
      .then(
        () => process.exit(0),
        () => process.exit(1),
      );
  });
  // So that the one thread of the pool is there before anybody looks for it.
  void stat('/').then(() => process.send?.('ready'));
}
