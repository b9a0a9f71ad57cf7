/** In which order a gate's commands run, and what they come to together. */

import type { GateCommand } from '../core/project.ts';
import type { GateVerdict } from '../core/queue-types.ts';

export interface CommandsEnd {
  readonly verdict: GateVerdict;
  /** Permissive commands that were red: for the record. */
  readonly noted: readonly string[];
}

/** Runs one command: null when it is content. */
type RunOne = (command: GateCommand, signal: AbortSignal) => Promise<GateVerdict | null>;

/** In their order, or, as soon as one says what it needs, side by side. The first that is red ends the others. */
export async function runCommands(
  commands: readonly GateCommand[],
  signal: AbortSignal,
  runOne: RunOne,
): Promise<CommandsEnd> {
  const wanted = commands.filter(({ mode }) => mode !== 'skip');
  const isParallel = wanted.some(({ needs }) => needs !== undefined);
  return isParallel ? runSideBySide(wanted, signal, runOne) : runInOrder(wanted, signal, runOne);
}

async function runInOrder(commands: readonly GateCommand[], signal: AbortSignal, runOne: RunOne): Promise<CommandsEnd> {
  const noted: string[] = [];
  for (const command of commands) {
    const verdict = await runOne(command, signal);
    if (verdict?.kind === 'red' && command.mode === 'permissive') noted.push(verdict.text);
    else if (verdict !== null) return { verdict, noted };
  }
  return { verdict: { kind: 'green' }, noted };
}

async function runSideBySide(
  commands: readonly GateCommand[],
  signal: AbortSignal,
  runOne: RunOne,
): Promise<CommandsEnd> {
  const noted: string[] = [];
  const decided: GateVerdict[] = [];
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const ends = new Map<string, Promise<void>>();
  const run = async (command: GateCommand): Promise<void> => {
    await Promise.all((command.needs ?? []).map((name) => endOf(name)));
    if (stop.signal.aborted) return;
    const verdict = await runOne(command, both).catch((error: unknown) => {
      stop.abort();
      throw error;
    });
    if (verdict === null) return;
    if (verdict.kind === 'red' && command.mode === 'permissive') {
      noted.push(verdict.text);
      return;
    }
    decided.push(verdict);
    stop.abort();
  };
  // What is needed may stand further down; that nothing needs itself was seen when the file was read.
  const endOf = (name: string): Promise<void> => {
    const known = ends.get(name);
    if (known !== undefined) return known;
    const command = commands.find((other) => other.name === name);
    const end = command === undefined ? Promise.resolve() : run(command);
    ends.set(name, end);
    return end;
  };
  // All of them, also where one could not be run: what they run in is another run's when this answers (N5).
  const ended = await Promise.allSettled(commands.map(({ name }) => endOf(name)));
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
  // The first one counts: the others may have been ended by it.
  return { verdict: decided[0] ?? { kind: 'green' }, noted };
}
