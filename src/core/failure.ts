/**
 * Failures and what follows from each. A failure is a value with a kind; the table below is the one place that says
 * to which class a kind belongs, and so whether an attempt is spent, waited for, moved or given up.
 */

export type FailureClass =
  /** Tried again after a back-off; spends a try. */
  | 'retryable'
  /** Waited out until a known reset; spends nothing. */
  | 'limited'
  /** What was paid for, or a budget, is used up: a person is asked at once, since no time brings it back. */
  | 'exhausted'
  /** The worker or host went away: moved at once, spends nothing, at most {@link MAX_LOST_IN_A_ROW} in a row. */
  | 'lost'
  /** A person is asked at once, before it is tried again. */
  | 'stopped'
  /** Trying again cannot help until somebody changes something: the task ends with the fix in its message. */
  | 'fatal'
  /** Somebody asked for it to stop. */
  | 'canceled';

const CLASS_OF = {
  'agent-failed': 'retryable',
  'command-failed': 'retryable',
  'no-report': 'retryable',
  'bad-report': 'retryable',
  'conflict-markers': 'retryable',
  'wrong-branch': 'retryable',
  'unrelated-history': 'retryable',
  'nested-repository': 'retryable',
  'unstorable-files': 'retryable',
  'idle-timeout': 'retryable',
  'total-timeout': 'retryable',
  'agent-killed': 'retryable',
  'setup-failed': 'retryable',
  // A revision without an agent: an agent takes it over.
  'regenerate-failed': 'retryable',
  'no-space': 'retryable',
  'too-many-processes': 'retryable',
  'too-much-memory': 'retryable',
  'too-much-written': 'retryable',
  'secret-found': 'stopped',
  'origin-unreachable': 'retryable',
  // What was in it alone is lost; what is stored is fetched again.
  'broken-repository': 'retryable',
  'engine-error': 'retryable',
  'agent-limited': 'limited',
  'agent-exhausted': 'exhausted',
  'worker-lost': 'lost',
  'worker-drained': 'lost',
  'attempt-taken': 'lost',
  'agent-missing': 'fatal',
  'agent-not-signed-in': 'fatal',
  'bad-configuration': 'fatal',
  'no-sandbox': 'fatal',
  'project-taken': 'fatal',
  'landing-refused': 'fatal',
  rejected: 'fatal',
  unanswered: 'fatal',
  canceled: 'canceled',
} as const satisfies Record<string, FailureClass>;

export type FailureKind = keyof typeof CLASS_OF;

export const FAILURE_KINDS = Object.keys(CLASS_OF) as readonly FailureKind[];

/** Five in a row without an attempt that got anywhere, and a person is asked. */
export const MAX_LOST_IN_A_ROW = 5;

export interface Failure {
  readonly kind: FailureKind;
  /** One line: what happened, naming the thing. */
  readonly message: string;
  /** One line: what the reader can do. */
  readonly next: string;
  /** The end of the output or other proof, at most {@link MAX_EVIDENCE_CHARS}. */
  readonly evidence?: string;
  /** Only of `agent-limited`: when the limit resets, in milliseconds since the epoch. */
  readonly resetsAtMs?: number;
  /** Only of `attempt-taken`: the highest number that is. */
  readonly takenUpTo?: number;
}

export const MAX_EVIDENCE_CHARS = 8_192;

/** The class of a kind; one that this version does not know, from a newer worker, is tried again (N11). */
export function classOf(kind: FailureKind): FailureClass {
  return Object.hasOwn(CLASS_OF, kind) ? CLASS_OF[kind] : 'retryable';
}

const CUT_MARK = '[…]\n';

/** The last part of a text, at most so many characters, cut at a line where that is near, with a mark that says so. */
export function tailOf(text: string, maxChars: number = MAX_EVIDENCE_CHARS): string {
  if (text.length <= maxChars) return text;
  const kept = Math.max(0, maxChars - CUT_MARK.length);
  // Half of a character that lies on the cut goes with what is cut off.
  const cut = text.slice(text.length - kept).replace(/^[\udc00-\udfff]/, '');
  const line = cut.indexOf('\n');
  return CUT_MARK.slice(0, maxChars) + (line >= 0 && line < 400 ? cut.slice(line + 1) : cut);
}
