/** What is to be submitted, checked before any of it is: one task from the options, or one a line of a file. */

import { parseBody, parseCommand, parseTitle } from '../core/text.ts';
import { checkRequired } from '../core/labels.ts';
import type { Parsed } from '../core/parsed.ts';
import { fail, ok } from '../core/parsed.ts';
import { quote } from '../core/ids.ts';
import type { ProjectSettings } from '../core/project.ts';
import { PRIORITIES, type Priority, type Work } from '../core/task-types.ts';
import { checkAsking, type Asking, type AskingDraft } from './asking-options.ts';

/** A task as it was asked for, not yet checked. */
export interface Draft extends AskingDraft {
  readonly title: string;
  readonly body?: string | undefined;
  readonly run?: string | undefined;
  readonly agent?: string | undefined;
  readonly priority?: string | undefined;
  readonly requestId?: string | undefined;
  /** Labels. A list is taken as it is, one text is split at its commas. */
  readonly requires?: string | readonly string[] | undefined;
}

export interface Submission extends Asking {
  readonly title: string;
  readonly body: string;
  readonly work: Work;
  readonly priority: Priority;
  readonly requestId: string | null;
  /** With the project's own. */
  readonly requires: readonly string[];
}

const MAX_REQUEST_ID_CHARS = 200;
const MAX_TASKS = 10_000;
const KEYS: Readonly<Record<string, keyof Draft>> = {
  title: 'title',
  body: 'body',
  run: 'run',
  agent: 'agent',
  priority: 'priority',
  requestId: 'requestId',
  'request-id': 'requestId',
  request_id: 'requestId',
  type: 'type',
  for: 'for',
  blocks: 'blocks',
  choices: 'choices',
  default: 'default',
  approve: 'approve',
  requires: 'requires',
};
const SHELL = 'shell';

/** A draft that can be a task of this project; else one line that names the option and the fix. */
export function checkDraft(
  draft: Draft,
  settings: Pick<ProjectSettings, 'agent' | 'agents'> & Partial<Pick<ProjectSettings, 'requires'>>,
): Parsed<Submission> {
  const title = parseTitle(draft.title);
  if (title.kind === 'invalid') return title;
  const body = parseBody(draft.body ?? '');
  if (body.kind === 'invalid') return body;
  const asking = checkAsking(draft);
  if (asking.kind === 'invalid') return asking;
  const isQuestion = asking.value.type === 'question';
  const work = isQuestion ? noWork(draft, settings) : checkWork(draft, settings);
  if (work.kind === 'invalid') return work;
  const requestId = checkRequestId(draft.requestId);
  if (requestId.kind === 'invalid') return requestId;
  const priority = PRIORITIES.find((one) => one === (draft.priority ?? 'normal'));
  if (priority === undefined) {
    return fail(`priority: ${quote(draft.priority ?? '')} is none; give ${PRIORITIES.join(', ')}`);
  }
  const requires = isQuestion ? noLabels(draft) : labelsOf(draft, settings.requires ?? []);
  if (requires.kind === 'invalid') return requires;
  return ok({
    title: title.value,
    body: body.value,
    work: work.value,
    priority,
    requestId: requestId.value,
    requires: requires.value,
    ...asking.value,
  });
}

function labelsOf({ requires }: Draft, ofProject: readonly string[]): Parsed<readonly string[]> {
  const own = requires === undefined ? [] : typeof requires === 'string' ? requires.split(',') : requires;
  const checked = checkRequired([...own, ...ofProject]);
  return checked.kind === 'invalid' ? fail(`requires: ${checked.message}`) : checked;
}

function noLabels({ requires }: Draft): Parsed<readonly string[]> {
  return requires === undefined ? ok([]) : fail('requires: nothing is run for a question; leave it out');
}

/** A question is answered, and nothing is run for it. */
function noWork({ run, agent }: Draft, settings: Pick<ProjectSettings, 'agent'>): Parsed<Work> {
  const given = run === undefined ? (agent === undefined ? null : 'agent') : 'run';
  if (given !== null) return fail(`${given}: nothing is run for a question; leave it out, or give --type task`);
  return ok({ kind: 'agent', agent: settings.agent });
}

function checkWork(draft: Draft, settings: Pick<ProjectSettings, 'agent' | 'agents'>): Parsed<Work> {
  if (draft.run !== undefined) {
    if (draft.agent !== undefined) return fail('run and agent: a task has one of them; leave the other out');
    const run = parseCommand(draft.run);
    return run.kind === 'invalid' ? run : ok({ kind: 'shell', run: run.value });
  }
  const agent = draft.agent ?? settings.agent;
  if (agent === SHELL) return fail('agent: shell needs a command; give it with --run "command" instead');
  if (Object.hasOwn(settings.agents, agent)) return ok({ kind: 'agent', agent });
  const known = Object.keys(settings.agents);
  return fail(
    known.length === 0
      ? `agent: ${quote(agent)} is not known; tasks.yaml names no agent: add one, or give --run "command"`
      : `agent: ${quote(agent)} is not known; tasks.yaml has ${known.slice(0, 10).join(', ')}`,
  );
}

function checkRequestId(text: string | undefined): Parsed<string | null> {
  if (text === undefined) return ok(null);
  if (text.trim() === '') return fail('request-id: is empty; give a key, or leave it out');
  if (text.length > MAX_REQUEST_ID_CHARS) {
    return fail(`request-id: is ${text.length} characters, the limit is ${MAX_REQUEST_ID_CHARS}; shorten it`);
  }
  // The same rules as a title's: it is shown on one line.
  const line = parseTitle(`x${text}`);
  return line.kind === 'invalid'
    ? fail(`request-id: ${quote(text)} has control or text-direction characters; remove them`)
    : ok(text);
}

/** Names what is near, in words that follow the fault. */
type DidYouMean = (word: string, known: readonly string[]) => string;

/** Every line of JSON lines as a draft, or the first wrong line by its number. Empty lines are passed over. */
export function parseDrafts(
  text: string,
  didYouMean: DidYouMean,
): Parsed<readonly { readonly line: number; readonly draft: Draft }[]> {
  const drafts: { line: number; draft: Draft }[] = [];
  const lines = text.replace(/^\ufeff/, '').split('\n');
  for (const [index, raw] of lines.entries()) {
    if (raw.trim() === '') continue;
    const draft = parseDraft(raw, didYouMean);
    if (draft.kind === 'invalid') return fail(`line ${index + 1}: ${draft.message}`);
    drafts.push({ line: index + 1, draft: draft.value });
    if (drafts.length > MAX_TASKS) return fail(`more than ${MAX_TASKS} tasks; submit them in parts`);
  }
  return drafts.length === 0 ? fail('has no tasks; give one JSON object a line, such as {"title": "…"}') : ok(drafts);
}

/** A number as a number: in quotes it would be the text that it should be. */
function told(field: unknown): string {
  if (Array.isArray(field)) return 'a list';
  return typeof field === 'object' && field !== null ? 'a map' : String(field);
}

function parseDraft(raw: string, didYouMean: DidYouMean): Parsed<Draft> {
  let value: unknown;
  try {
    value = JSON.parse(raw);
  } catch {
    return fail('is no JSON; give one object a line, such as {"title": "…"}');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return fail('is no JSON object; give one a line, such as {"title": "…"}');
  }
  const draft: { -readonly [K in keyof Draft]?: Draft[K] } = {};
  for (const [key, field] of Object.entries(value)) {
    const name = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
    if (name === undefined) {
      const keys = [...new Set(Object.values(KEYS))].join(', ');
      return fail(`${quote(key)} is no key here${didYouMean(key, Object.keys(KEYS))} (the keys are ${keys})`);
    }
    if (field === null && name !== 'title') continue;
    if (draft[name] !== undefined) return fail(`${name}: is given twice, under two spellings; give it once`);
    if (name === 'choices' || name === 'approve' || name === 'requires') {
      const isList = Array.isArray(field) && field.every((each) => typeof each === 'string');
      if (!isList && typeof field !== 'string') {
        return fail(
          `${name}: must be a list of strings, not ${Array.isArray(field) ? 'one with other things' : told(field)}`,
        );
      }
      draft[name] = field;
      continue;
    }
    if (typeof field !== 'string') return fail(`${name}: must be a string, not ${told(field)}`);
    draft[name] = field;
  }
  const { title } = draft;
  return title === undefined ? fail('title: is missing; give one line that says what to do') : ok({ ...draft, title });
}
