/** The worker as a program: `tasks up` and `tasks worker` start it. Ends with 0 after a drain, 1 on a failure. */

import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import { messageOf } from '../core/thrown.ts';
import { readOptions } from './read-options.ts';
import { startWorker } from './start-worker.ts';
import { whyNotStarted } from './why-not-started.ts';

// Whoever reads the log may go, by the Ctrl-C that is to drain the worker, and its disk may be full: the log alone is lost.
process.stderr.on('error', () => undefined);

async function main(): Promise<number> {
  // Before the runtime, which would keep the process alive.
  const options = await readOptions(say);
  if (options.kind === 'invalid') {
    process.stderr.write(`tasks worker: ${options.message}\n`);
    return 2;
  }
  Runtime.install({
    // Everything to standard error: standard output is for results.
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => say(`${level} ${message}`, meta ?? {})),
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'WARN' }) } },
    shutdownSignals: [],
  });
  const worker = await startWorker(options.value).catch((error: unknown) => {
    throw new Error(whyNotStarted(error, options.value), { cause: error });
  });
  const { graceMs, endMs } = options.value;
  let signals = 0;
  const drain = (signal: NodeJS.Signals): void => {
    signals += 1;
    if (signals > 1) process.exit(1);
    say(`${signal}: draining; once more ends at once`, { graceMs });
    setTimeout(endAllTheSame, graceMs + endMs).unref();
    worker.drain();
  };
  process.on('SIGTERM', drain);
  process.on('SIGINT', drain);
  say('worker ready', { agents: options.value.agents, gates: options.value.gates, host: options.value.hostId });
  await worker.stopped;
  say('worker stopped', {});
  return 0;
}

/** The SDK's workers wait for a server that answers none of their calls, for minutes. What runs ends with this process (N5). */
function endAllTheSame(): void {
  say('not everything has ended in time, as where Temporal does not answer: ended all the same', {});
  process.exit(1);
}

function say(message: string, facts: Readonly<Record<string, unknown>>): void {
  const extra = Object.keys(facts).length === 0 ? '' : ` ${JSON.stringify(facts, withErrors)}`;
  process.stderr.write(`${new Date().toISOString()} ${message}${extra}\n`);
}

/** An error has nothing that JSON would show. */
function withErrors(_name: string, value: unknown): unknown {
  return value instanceof Error ? messageOf(value) : value;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    say('worker failed', { reason: messageOf(error) });
    process.exit(1);
  },
);
