/** The engine as a process that carries out one operation and may be killed in it; and, loaded as a module, as it is after a restart. */

import { stat } from 'node:fs/promises';
import { createGitRoom } from '../../src/git/room.ts';
import type { GitRoom } from '../../src/git/types.ts';
import { OPERATIONS } from './git-operation-list.ts';
import { OTHER_TASK, TASK, type Facts, type Operation } from './git-operations.ts';

export interface Order {
  readonly operation: string;
  readonly facts: Facts;
  readonly gitPath: string;
}

export { OPERATIONS, OTHER_TASK, TASK };

export function makeRoom(home: string, gitPath = 'git'): GitRoom {
  return createGitRoom({ home, worker: 'faults', processHome: home, gitPath });
}

export function operationOf(name: string): Operation {
  const operation = OPERATIONS.find((one) => one.name === name);
  if (operation === undefined) throw new Error(`there is no operation ${name}`);
  return operation;
}

if (process.argv[2] === 'victim') {
  process.on('message', ({ operation, facts, gitPath }: Order) => {
    operationOf(operation)
      .run(makeRoom(facts.home, gitPath), facts)
      .then(
        () => process.exit(0),
        () => process.exit(1),
      );
  });
  // So that the one thread of the pool is there before anybody looks for it.
  void stat('/').then(() => process.send?.('ready'));
}
