/** What an entry of the command table needs beside commander. */

import type { Command } from 'commander';
import type { Session } from './session.ts';

export type Work<Options> = (session: Session, options: Options, args: readonly string[]) => Promise<number>;

/** The program, and how a command is given its work: loaded when it is called. */
export interface Table {
  readonly program: Command;
  action<Options extends { readonly json?: true }>(command: Command, load: () => Promise<Work<Options>>): Command;
}
