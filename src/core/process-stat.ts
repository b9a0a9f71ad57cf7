/** What the kernel says of a process in /proc: its one line (`stat`), and whose it is (`status`). Pure: each room reads the files itself. */

export interface ProcessLine {
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** The processors' time that it has had, with that of those that it has seen end, in clock ticks. */
  readonly workedTicks: number;
  /** In clock ticks since boot: with the pid it names one process for good. */
  readonly startTime: string;
}

/** Null for what is no such line. */
export function parseStat(text: string): ProcessLine | null {
  // The command's name stands in parentheses and may hold anything, parentheses too.
  const named = text.lastIndexOf(')');
  const fields = text.slice(named + 2).split(' ');
  const [state, parent, group, session] = fields;
  const startTime = fields[19];
  if (named < 0 || state === undefined || startTime === undefined) return null;
  const workedTicks = fields.slice(11, 15).reduce((all, field) => all + Number(field), 0);
  return { state, parent: Number(parent), group: Number(group), session: Number(session), workedTicks, startTime };
}

/** A process that only waits for its parent to take note has ended: in a container nobody may ever do so. */
export function hasEnded({ state }: Pick<ProcessLine, 'state'>): boolean {
  return state === 'Z' || state === 'X';
}

export interface ProcessShare {
  /** The account that the kernel counts it for: the real one. */
  readonly account: number;
  readonly threads: number;
}

/** Null for what is no `status`. */
export function parseShare(text: string): ProcessShare | null {
  const account = /^Uid:\t(\d+)/m.exec(text)?.[1];
  const threads = /^Threads:\t(\d+)/m.exec(text)?.[1];
  return account === undefined || threads === undefined ? null : { account: Number(account), threads: Number(threads) };
}
