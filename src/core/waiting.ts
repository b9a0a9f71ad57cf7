/** What a task may wait for, and whether that is a person. */

export type WaitingKind =
  | 'question'
  | 'proposal'
  | 'blocked'
  | 'attempts'
  | 'revisions'
  | 'checkout'
  | 'gate'
  | 'origin'
  | 'engine'
  | 'host'
  | 'retry'
  | 'limit';

const WAITS_FOR_PERSON: Readonly<Record<WaitingKind, boolean>> = {
  question: true,
  proposal: true,
  // The question that it is blocked by waits for a person itself.
  blocked: false,
  attempts: true,
  revisions: true,
  checkout: true,
  gate: true,
  origin: false,
  engine: false,
  // A host with the labels that it requires: of a phase that has not begun.
  host: false,
  retry: false,
  limit: false,
};

export function waitsForPerson(kind: WaitingKind): boolean {
  return WAITS_FOR_PERSON[kind];
}

/** Whether nothing goes on before a person has replied, be it to another task's question. */
export function needsPeople(kind: WaitingKind): boolean {
  return waitsForPerson(kind) || kind === 'blocked';
}

/**
 * What tells one wait from the next, for who says each once: of a question or a proposal which it is; of any other what it is for, since
 * one that ends and begins anew, as while landing is tried again, has nothing new to say.
 */
export function nameOfWait(wait: {
  readonly kind: WaitingKind;
  readonly text: string;
  readonly since: string;
  readonly version: number | null;
}): string {
  return wait.version === null ? `${wait.kind} ${wait.text}` : `${wait.since} ${wait.version}`;
}
