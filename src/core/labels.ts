/** Labels: what workers say that they have, and what tasks require of the one that runs their phases. */

import { quote } from './ids.ts';
import { fail, ok, type Parsed } from './parsed.ts';
import type { WaitingFor } from './task-types.ts';

/** Of one worker. */
const MAX_LABELS = 20;
/** Of one task: its set names a task queue and a search attribute, which end at some 255 characters. */
const MAX_REQUIRED = 5;
const LABEL = /^[a-z0-9](?:[a-z0-9._-]{0,38}[a-z0-9])?$/;
/** No label has it. */
const BETWEEN = '+';

/** `gpu,linux`, of a worker: each once. */
export function parseLabels(text: string): Parsed<readonly string[]> {
  return checkLabels(text.split(','), MAX_LABELS);
}

/** What a task or a project requires: each once, sorted. */
export function checkRequired(labels: readonly string[]): Parsed<readonly string[]> {
  return checkLabels(labels, MAX_REQUIRED);
}

function checkLabels(given: readonly string[], most: number): Parsed<readonly string[]> {
  const labels = [...new Set(given.map((label) => label.trim()))].sort();
  const wrong = labels.find((label) => !LABEL.test(label));
  if (wrong !== undefined)
    return fail(`${quote(wrong)} is no label; up to 40 of a-z, 0-9, dot, hyphen and underscore, such as gpu,linux`);
  return labels.length > most ? fail(`${labels.length} labels are too many; at most ${most}`) : ok(labels);
}

/** The name of a set of labels: the same for the same set. */
export function labelKey(labels: readonly string[]): string {
  return [...new Set(labels)].sort().join(BETWEEN);
}

/** The set that has this name; null when none has. */
export function labelsOfKey(key: string): readonly string[] | null {
  const checked = checkLabels(key.split(BETWEEN), MAX_LABELS);
  return checked.kind === 'ok' && labelKey(checked.value) === key ? checked.value : null;
}

export function hasLabels(own: readonly string[], required: readonly string[]): boolean {
  return required.every((label) => own.includes(label));
}

/** What a phase waits for that requires labels and has not begun. @param since ISO 8601 */
export function waitForLabels(requires: readonly string[], since: string): WaitingFor {
  const text = `a free slot of a worker with ${requires.join(', ')}`;
  return { kind: 'host', text, since, version: null, proposal: null, for: null, open: 0 };
}
