/** Telling people what happens to tasks: the notice, and where it may go. Data alone. */

import type { BranchName, TaskId } from './ids.ts';
import type { QueueNewsKind } from './queue-news.ts';
import type { NoticeKind } from './task-types.ts';

/** What a target is given; `test` is sent by hand. */
export interface NoticeMessage {
  /** The same for each try: receivers can tell a repeated one by it. */
  readonly id: string;
  readonly event: NoticeKind | 'test';
  readonly project: string;
  /** Null of what is about a queue. */
  readonly task: string | null;
  /** One line. */
  readonly title: string;
  /** What is asked, or what happened; some lines. */
  readonly text: string;
  /** The literal commands to go on with, the likeliest first. */
  readonly commands: readonly string[];
  /** The task's page in the Temporal Web UI, where that is known. */
  readonly url: string | null;
  /** ISO 8601. */
  readonly at: string;
}

/** Something to tell of a task or a queue. It travels in a workflow: texts of the task, no secrets (N10). */
export interface Notice extends NoticeMessage {
  readonly event: NoticeKind;
  readonly task: TaskId | null;
  /** Of a queue: which, and as what kind of word. */
  readonly queue?: { readonly branch: BranchName; readonly kind: QueueNewsKind };
  /** The sequence of the task's event that it tells of, the first one where it tells of several; 0 of a queue. */
  readonly sequence: number;
  /** Of `asks`: what is to be replied to; empty for others. */
  readonly versions: readonly number[];
}

/** A target of the host's configuration by its name, and how long it is to be left alone. */
export interface Delivery {
  readonly to: string;
  /** Milliseconds since the epoch; null: at once. */
  readonly notBeforeMs: number | null;
}

/** What the workflow `notice/<task>/<sequence>`, or of a queue `notice/<project>/<branch>/<name>`, is started with. */
export interface NoticeInput {
  readonly notice: Notice;
  readonly deliveries: readonly Delivery[];
}

export interface DeliveryRequest {
  readonly notice: Notice;
  readonly to: string;
}

export interface Delivered {
  /** `settled`: nobody needed to be told any more. */
  readonly kind: 'sent' | 'settled';
  /** One line: what the target said, or what has become of it. */
  readonly said: string;
}

/** Where a machine can send notices to. With keys and passwords: never in a workflow, a log or a failure (N10). */
export type NoticeTarget =
  | { readonly kind: 'ntfy'; readonly url: string; readonly token: string | null }
  | { readonly kind: 'slack'; readonly url: string }
  | { readonly kind: 'webhook'; readonly url: string; readonly secret: string | null }
  | { readonly kind: 'smtp'; readonly url: string; readonly from: string; readonly to: readonly string[] }
  | { readonly kind: 'command'; readonly command: readonly string[] };

export type NoticeTargets = Readonly<Record<string, NoticeTarget>>;
