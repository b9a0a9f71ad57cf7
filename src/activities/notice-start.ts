/**
 * Has people told of what happens to tasks: starts a workflow for each notice, which tells them durably and apart from
 * the task.
 *
 * It owns the memory of what it has started, which saves calls alone: a workflow's id is its notice's, and Temporal
 * refuses a second one. Kept true here: what could not be started is told to the caller, so that the event comes again
 * with the next record (N1), a few times; a task without rules costs nothing; no secret is in what is started (N10).
 */

import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import { workflowIds } from '../core/ids.ts';
import { deliveriesOf, isQuiet, noticesOf, type Told } from '../core/notice.ts';
import type { Notice, NoticeInput } from '../core/notice-types.ts';
import type { RecordRequest } from '../core/task-request.ts';
import type { NotifyRule } from '../core/task-types.ts';
import { oneLine } from '../core/text.ts';
import { messageOf } from '../core/thrown.ts';
import { webPage } from '../core/web-ui.ts';

// Spelled out, since activities may not import workflows; test/activities compares them with workflows/messages.ts.
export const NOTICE = { type: 'notice', taskQueue: 'tasks' } as const;

const CALL_MS = 5_000;
/** A notice that cannot be started so often in a row is given up: it must not hold its task's record up for good. */
const MAX_STARTS = 5;
/** Temporal's limit is 400 bytes, and a letter has three at most. */
const MAX_SUMMARY_CHARS = 110;
const MAX_REMEMBERED = 10_000;

export interface NoticeStarterOptions {
  readonly client: Client;
  /** Of this host, for tasks of every project. */
  readonly rules: readonly NotifyRule[];
  /** Where people reach the Temporal Web UI; null: nobody knows. */
  readonly readUi: () => Promise<string | null>;
  readonly nowMs: () => number;
  /** How long Temporal has to take a notice, in milliseconds. */
  readonly callMs?: number;
  readonly log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

export class NoticeStarter {
  readonly #options: NoticeStarterOptions;
  /** Notices by their ids, with the starts that failed; null: started, or given up. */
  readonly #known = new Map<string, number | null>();

  constructor(options: NoticeStarterOptions) {
    this.#options = options;
  }

  /** Starts what is to be told of a task's events. False when something of it is to be tried again. Never throws. */
  async tell({ view, events, notify = [] }: RecordRequest): Promise<boolean> {
    const rules = [...notify, ...this.#options.rules];
    if (rules.length === 0) return true;
    const notices = noticesOf(view, events, (kind) => rules.some((rule) => rule.events.includes(kind)));
    const fresh = notices.filter(({ id }) => this.#known.get(id) !== null);
    if (fresh.length === 0) return true;
    const url = await this.#pageOf(workflowIds.task(view.id));
    const started = await Promise.all(fresh.map((told) => this.#startBy(rules, { ...told, url })));
    return !started.includes(false);
  }

  /**
   * Starts one notice that is about no task, by these rules and the host's; `page` is the workflow that it links to. False
   * when it is to be tried again. Never throws.
   */
  async tellOf(told: Told, notify: readonly NotifyRule[], page: string): Promise<boolean> {
    const rules = [...notify, ...this.#options.rules].filter((rule) => rule.events.includes(told.event));
    if (rules.length === 0 || this.#known.get(told.id) === null) return true;
    return this.#startBy(rules, { ...told, url: await this.#pageOf(page) });
  }

  async #pageOf(workflowId: string): Promise<string | null> {
    const ui = await this.#options.readUi().catch(() => null);
    return ui === null ? null : webPage(ui, this.#options.client.options.namespace, workflowId);
  }

  #startBy(rules: readonly NotifyRule[], notice: Notice): Promise<boolean> {
    const deliveries = deliveriesOf(notice.event, rules, (quiet) => endOfQuietMs(quiet, this.#options.nowMs()));
    return this.#start({ notice, deliveries });
  }

  async #start(input: NoticeInput): Promise<boolean> {
    const { client, log, callMs = CALL_MS } = this.#options;
    const { id, title, text } = input.notice;
    try {
      await client.connection.withDeadline(Date.now() + callMs, () =>
        client.workflow.start(NOTICE.type, {
          workflowId: id,
          taskQueue: NOTICE.taskQueue,
          args: [input],
          workflowIdReusePolicy: 'REJECT_DUPLICATE',
          staticSummary: oneLine(title, MAX_SUMMARY_CHARS),
          staticDetails: text,
        }),
      );
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) {
        const tries = (this.#known.get(id) ?? 0) + 1;
        const givenUp = tries >= MAX_STARTS;
        log(givenUp ? 'a notice was given up' : 'a notice could not be started', { id, reason: messageOf(error) });
        this.#remember(id, givenUp ? null : tries);
        return givenUp;
      }
    }
    this.#remember(id, null);
    return true;
  }

  #remember(id: string, starts: number | null): void {
    this.#known.set(id, starts);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_REMEMBERED && oldest !== undefined) this.#known.delete(oldest);
  }
}

/** When the quiet hours that a time lies in are over, by this host's clock; null when it lies in none. */
export function endOfQuietMs(quiet: NonNullable<NotifyRule['quiet']>, nowMs: number): number | null {
  const now = new Date(nowMs);
  if (!isQuiet(quiet, now.getHours() * 60 + now.getMinutes())) return null;
  const end = new Date(nowMs);
  // By the calendar, since a night may have an hour more or less.
  end.setHours(0, quiet.toMinute, 0, 0);
  if (end.getTime() <= nowMs) end.setDate(end.getDate() + 1);
  return end.getTime();
}
