/**
 * A gate run as a workflow of its own, one for each tree and gate: carries what core/gate-run.ts decides to the gate.
 *
 * Its end is its verdict: completed when green, failed when red or lost, so that only a green one is never run again.
 * Kept true here: everybody who waits is told before it ends (N1); those who come too late read the end.
 */

import {
  ApplicationFailure,
  getExternalWorkflowHandle,
  isCancellation,
  log,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { GateRequest } from '../activities/types.ts';
import { NEW_GATE_RUN, nextGateRun, type GateRun } from '../core/gate-run.ts';
import { gateKey } from '../core/queue-keys.ts';
import type { GateVerdict, RunState } from '../core/queue-types.ts';
import { gateActivity, reasonOf } from './activity-options.ts';
import { awaitVerdictSignal, verdictSignal } from './messages.ts';

export async function gate(input: Omit<GateRequest, 'isFirst'>): Promise<GateVerdict> {
  const run = new RunningGate(input);
  run.listen();
  return run.live();
}

class RunningGate {
  readonly #input: Omit<GateRequest, 'isFirst'>;
  readonly #waiters: Set<string>;

  constructor(input: Omit<GateRequest, 'isFirst'>) {
    this.#input = input;
    this.#waiters = new Set([input.waiter]);
  }

  listen(): void {
    setHandler(awaitVerdictSignal, (message) => {
      if (typeof message?.waiter === 'string') this.#waiters.add(message.waiter);
      else log.warn('a waiter without an id was ignored');
    });
  }

  async live(): Promise<GateVerdict> {
    let run: GateRun = NEW_GATE_RUN;
    // Bounded: every run that is not the last one counts up in it.
    for (;;) {
      const { verdict, told } = await this.#runOnce(run);
      const step = nextGateRun(run, verdict);
      if (step.kind === 'over') return this.#end(step.verdict, told);
      if (run.red === null && step.next.red !== null) {
        setCurrentDetails(`Red: ${step.next.red.text}. Run once more on the same tree.`);
        await this.#tell({ kind: 'running', runId: workflowInfo().runId, suspect: true }, false);
      }
      run = step.next;
    }
  }

  async #runOnce(run: GateRun): Promise<{ readonly verdict: GateVerdict; readonly told: boolean }> {
    const { item, target } = this.#input;
    try {
      const runGate = gateActivity(item?.title ?? `${target.branch} itself`, run.runs + 1);
      return await runGate({ ...this.#input, isFirst: run.red === null });
    } catch (error) {
      if (isCancellation(error)) throw error;
      return { verdict: { kind: 'none', reason: reasonOf(error) }, told: false };
    }
  }

  async #end(verdict: GateVerdict, told: boolean): Promise<GateVerdict> {
    await this.#tell({ kind: 'ended', verdict }, told);
    if (verdict.kind === 'green') return verdict;
    const message = verdict.kind === 'red' ? verdict.text : verdict.reason;
    throw ApplicationFailure.create({ type: verdict.kind, message, details: [verdict], nonRetryable: true });
  }

  /** `told`: the one who asked first knows already. */
  async #tell(state: RunState, told: boolean): Promise<void> {
    const key = gateKey(this.#input.candidate);
    for (const waiter of this.#waiters) {
      if (told && waiter === this.#input.waiter) continue;
      try {
        await getExternalWorkflowHandle(waiter).signal(verdictSignal, { key, state });
      } catch (error) {
        // Whoever waits asks after it; one that is gone has nothing to wait for.
        if (isCancellation(error)) throw error;
      }
    }
  }
}
