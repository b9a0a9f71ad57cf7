/** The log of one run: open while something writes to it, and closed however that ends. */

import type { TaskId } from '../core/ids.ts';
import type { Dependencies } from './dependencies.ts';

interface LogOf {
  readonly taskId: TaskId;
  readonly attempt: number;
  readonly stream: string;
}

/** An open log is looked at, and stays on the disk, for as long as the worker lives: so it is closed after a fault, too. */
export async function withLog<T>(
  { spool }: Pick<Dependencies, 'spool'>,
  { taskId, attempt, stream }: LogOf,
  body: (file: string) => Promise<T>,
): Promise<T> {
  const file = await spool.logFile(taskId, attempt, stream);
  try {
    return await body(file);
  } finally {
    await spool.finish(taskId, attempt, stream);
  }
}
