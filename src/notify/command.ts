/**
 * Any command of the machine's owner, run without a shell: what an agent wrote is an argument and never syntax. It has
 * the worker's own environment, since it is the owner's program, as a desktop's or a signed-in one needs it.
 */

import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { plainText } from '../core/notice-text.ts';
import type { NoticeMessage, NoticeTarget } from '../core/notice-types.ts';
import { oneLine } from '../core/text.ts';
import { codeOf, messageOf } from '../core/thrown.ts';
import { failed, notInTime, type Surroundings, type Told } from './types.ts';

const MAX_TAIL_CHARS = 2_000;
const LISTEN_ON_MS = 250;
/** What an argument may hold, replaced in one pass: what it is replaced by is not looked through again. */
const PLACEHOLDER = /\{(title|text|id|event|project|task|command|url|at)\}/g;

const SPECIAL = /^[-@<]/;
/** As one does that is begun by sudo. */
const NOT_OURS = "it runs as another account, which this one's may not end";

export function tellCommand(
  target: Extract<NoticeTarget, { kind: 'command' }>,
  message: NoticeMessage,
  { signal, timeoutMs, environment }: Surroundings,
): Promise<Told> {
  const [program = '', ...rest] = target.command;
  const values: Readonly<Record<string, string>> = {
    ...message,
    text: plainText(message),
    command: message.commands[0] ?? '',
    url: message.url ?? '',
    task: message.task ?? '',
    commands: '',
  };
  const args = rest.map((part) =>
    asWords(
      part,
      part.replace(PLACEHOLDER, (_, name: string) => values[name] ?? ''),
    ),
  );
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      env: { ...environment },
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    let tail = '';
    // Where no descriptor is free there is none, whatever its type says.
    const stderr: Readable | undefined = child.stderr;
    stderr?.setEncoding('utf8').on('data', (text: string) => {
      tail = (tail + text).slice(-MAX_TAIL_CHARS);
    });
    const finish = (told: Told): void => {
      signal.removeEventListener('abort', stop);
      stderr?.destroy();
      resolve(told);
    };
    const stop = (): void => {
      const may = endGroup(child.pid);
      finish(may ? notInTime(timeoutMs) : failed(`did not end within ${timeoutMs} ms, and goes on: ${NOT_OURS}`, true));
    };
    signal.addEventListener('abort', stop, { once: true });
    child.on('error', (error) => {
      const missing = codeOf(error) === 'ENOENT';
      finish(failed(missing ? `${program} is not on this machine` : messageOf(error), !missing));
    });
    child.on('exit', (code, killer) => {
      if (code === 0) return finish({ kind: 'told', said: 'exit code 0' });
      const why = code === null ? `was ended by ${killer ?? 'a signal'}` : `exit code ${code}`;
      const end = (): void => finish(failed(`${why}: ${lastLine(tail)}`, true));
      // What it said may come after its end; a process that it left behind may hold the pipe for ever.
      child.on('close', end);
      setTimeout(end, LISTEN_ON_MS).unref();
    });
  });
}

/** What an agent wrote must not become an option, or a file that the program reads, because of how it begins. */
function asWords(part: string, filled: string): string {
  return SPECIAL.test(filled) && !SPECIAL.test(part) ? ` ${filled}` : filled;
}

/** The command and whatever it has started: it is the leader of its process group. False: this account may not. */
function endGroup(pid: number | undefined): boolean {
  if (pid === undefined) return true;
  try {
    return process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (codeOf(error) === 'EPERM') return false;
    if (codeOf(error) !== 'ESRCH') throw error;
    return true;
  }
}

function lastLine(text: string): string {
  return oneLine(text.trim().split('\n').at(-1) ?? '', 300);
}
