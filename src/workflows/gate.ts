/**
 * A gate run as a workflow of its own, one for each tree and gate: carries what core/gate-run.ts decides to the gate.
 *
 * Its end is its verdict: completed when green, failed when red or lost, so that only a green one is never run again.
 * Kept true here: everybody who waits is told before it ends (N1); those who come too late read the end.
 */

import {
  ApplicationFailure,
  CancellationScope,
  getExternalWorkflowHandle,
  isCancellation,
  log,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { GateRequest } from '../activities/types.ts';
import { CANCELED_RUN, NEW_GATE_RUN, nextGateRun, type GateRun } from '../core/gate-run.ts';
import { gateKey } from '../core/queue-keys.ts';
import type { GateVerdict, RunState } from '../core/queue-types.ts';
import { reasonOf, runGateOnce } from './activity-options.ts';
import { awaitVerdictSignal, verdictSignal } from './messages.ts';

export async function gate(input: Input): Promise<GateVerdict> {
  const run = new RunningGate(input);
  run.listen();
  return run.live();
}

type Input = Omit<GateRequest, 'red'>;

class RunningGate {
  readonly #input: Input;
  /** Who asked, and was not told the end yet. */
  readonly #waiters: Set<string>;
  #asked = 0;

  constructor(input: Input) {
    this.#input = input;
    this.#waiters = new Set([input.waiter]);
  }

  listen(): void {
    setHandler(awaitVerdictSignal, (message) => {
      if (typeof message?.waiter !== 'string') return log.warn('a waiter without an id was ignored');
      this.#asked += 1;
      this.#waiters.add(message.waiter);
    });
  }

  async live(): Promise<GateVerdict> {
    try {
      return await this.#run();
    } catch (error) {
      if (!isCancellation(error)) throw error;
      // A queue that gave it up knows; somebody may have asked for it again since, or beside. Of a person's cancel in the
      // Web UI the queue that asked once is not told: it finds out by its look at its runs, within a minute.
      const verdict = { kind: 'none', reason: CANCELED_RUN } as const;
      if (this.#asked > 1) await CancellationScope.nonCancellable(() => this.#tellEnd(verdict));
      throw error;
    }
  }

  async #run(): Promise<GateVerdict> {
    let run: GateRun = NEW_GATE_RUN;
    // Bounded: every run that is not the last one counts up in it.
    for (;;) {
      const { verdict, told } = await this.#runOnce(run);
      const step = nextGateRun(run, verdict);
      // The one who asked first, and once, knows already.
      const isTold = told && this.#asked <= 1;
      if (step.kind === 'over') {
        if (isTold) this.#waiters.delete(this.#input.waiter);
        return this.#end(step.verdict);
      }
      if (run.red === null && step.next.red !== null) {
        setCurrentDetails(`Red: ${step.next.red.text}. Run once more on the same tree.`);
        if (!isTold) await this.#tellSuspect();
      }
      run = step.next;
    }
  }

  async #runOnce(run: GateRun): Promise<{ readonly verdict: GateVerdict; readonly told: boolean }> {
    const { item, target } = this.#input;
    try {
      const title = item?.title ?? `${target.branch} itself`;
      return await runGateOnce({ ...this.#input, red: run.red }, title, run.runs + 1);
    } catch (error) {
      if (isCancellation(error)) throw error;
      return { verdict: { kind: 'none', reason: reasonOf(error) }, told: false };
    }
  }

  async #tellSuspect(): Promise<void> {
    const state: RunState = { kind: 'running', runId: workflowInfo().runId, suspect: true };
    for (const waiter of this.#waiters) await this.#signal(waiter, state);
  }

  async #end(verdict: GateVerdict): Promise<GateVerdict> {
    await this.#tellEnd(verdict);
    if (verdict.kind === 'green') return verdict;
    const message = verdict.kind === 'red' ? verdict.text : verdict.reason;
    throw ApplicationFailure.create({ type: verdict.kind, message, details: [verdict], nonRetryable: true });
  }

  /** Tells also those who ask while others are told. */
  async #tellEnd(verdict: GateVerdict): Promise<void> {
    for (const waiter of this.#waiters) {
      this.#waiters.delete(waiter);
      await this.#signal(waiter, { kind: 'ended', verdict });
    }
  }

  async #signal(waiter: string, state: RunState): Promise<void> {
    try {
      await getExternalWorkflowHandle(waiter).signal(verdictSignal, { key: gateKey(this.#input.candidate), state });
    } catch (error) {
      // Whoever waits asks after it; one that is gone has nothing to wait for.
      if (isCancellation(error)) throw error;
    }
  }
}
