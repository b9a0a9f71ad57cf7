/** Who is asked what: the part of a submission that says whether it is a task, a proposal or a question, and its gates. */

import { STAGE_GATES, type StageGate } from '../core/ask-types.ts';
import { quote } from '../core/ids.ts';
import { fail, ok, type Parsed } from '../core/parsed.ts';
import { TASK_TYPES, type TaskType } from '../core/task-types.ts';
import { parseAnswer, parseTitle } from '../core/text.ts';

/** As it was asked for, not yet checked. A list is taken as it is, one text is split at its commas. */
export interface AskingDraft {
  readonly type?: string | undefined;
  readonly for?: string | undefined;
  readonly blocks?: string | undefined;
  readonly choices?: string | readonly string[] | undefined;
  readonly default?: string | undefined;
  readonly approve?: string | readonly string[] | undefined;
}

export interface Asking {
  readonly type: TaskType;
  readonly for: string | null;
  /** The id of a task, or its beginning. */
  readonly blocks: string | null;
  readonly choices: readonly string[];
  readonly default: string | null;
  /** Null: as the project has it. */
  readonly approve: readonly StageGate[] | null;
}

const MAX_CHOICES = 20;
const MAX_NAME_CHARS = 100;
const NO_GATES = 'none';

/** With the smart defaults: what blocks a task or has choices is a question, what is for somebody else a proposal. */
export function checkAsking(draft: AskingDraft): Parsed<Asking> {
  const type = typeOf(draft);
  if (type.kind === 'invalid') return type;
  const misplaced = misplacedKey(type.value, draft);
  if (misplaced !== null) return fail(misplaced);
  const whom = nameOf(draft.for);
  if (whom.kind === 'invalid') return whom;
  if (draft.blocks?.trim() === '') return fail('blocks: is empty; give the id of the task that waits for the answer');
  const choices = choicesOf(draft.choices);
  if (choices.kind === 'invalid') return choices;
  const standard = draft.default === undefined ? ok(null) : parseAnswer(draft.default);
  if (standard.kind === 'invalid') return { ...standard, message: standard.message.replace('answer:', 'default:') };
  const approve = gatesOf(draft.approve);
  if (approve.kind === 'invalid') return approve;
  return ok({
    type: type.value,
    for: whom.value,
    blocks: draft.blocks ?? null,
    choices: choices.value,
    default: standard.value,
    approve: approve.value,
  });
}

function typeOf(draft: AskingDraft): Parsed<TaskType> {
  const { type } = draft;
  if (type === undefined) {
    if (draft.blocks !== undefined || draft.choices !== undefined || draft.default !== undefined) return ok('question');
    return ok(draft.for === undefined ? 'task' : 'proposal');
  }
  const known = TASK_TYPES.find((each) => each === type);
  return known === undefined
    ? fail(`type: ${quote(type)} is no type; give one of ${TASK_TYPES.join(', ')}`)
    : ok(known);
}

function misplacedKey(type: TaskType, { blocks, choices, default: standard, approve }: AskingDraft): string | null {
  if (type === 'question') {
    return approve === undefined ? null : 'approve: a question has no stages; leave it out, or give --type task';
  }
  const given = Object.entries({ blocks, choices, default: standard }).find(([, value]) => value !== undefined);
  return given === undefined ? null : `${given[0]}: is for questions; leave it out, or give --type question`;
}

function nameOf(text: string | undefined): Parsed<string | null> {
  if (text === undefined) return ok(null);
  const name = parseTitle(text);
  if (name.kind === 'invalid') return fail(`for: ${quote(text)} is no name; give one line, such as --for Ada`);
  return name.value.length <= MAX_NAME_CHARS
    ? ok(name.value)
    : fail(`for: is ${name.value.length} characters, the limit is ${MAX_NAME_CHARS}; shorten it`);
}

function partsOf(given: string | readonly string[]): readonly string[] {
  return (typeof given === 'string' ? given.split(',') : given).map((part) => part.trim());
}

function choicesOf(given: string | readonly string[] | undefined): Parsed<readonly string[]> {
  if (given === undefined) return ok([]);
  const choices = partsOf(given);
  if (choices.length > MAX_CHOICES) {
    return fail(
      `choices: are ${choices.length}, the limit is ${MAX_CHOICES}; leave some out, any other answer is taken too`,
    );
  }
  for (const choice of choices) {
    const line = parseTitle(`x${choice}`);
    if (choice === '') return fail('choices: one of them is empty; give them with commas, such as --choices yes,no');
    if (line.kind === 'invalid') return fail(`choices: ${quote(choice)}: ${line.message.replace(/^title: /, '')}`);
  }
  return new Set(choices).size === choices.length ? ok(choices) : fail('choices: one is given twice; leave it out');
}

function gatesOf(given: string | readonly string[] | undefined): Parsed<readonly StageGate[] | null> {
  if (given === undefined) return ok(null);
  const names = partsOf(typeof given === 'string' ? given : given.flatMap(partsOf)).filter((name) => name !== '');
  if (names.includes(NO_GATES)) {
    return names.length === 1 ? ok([]) : fail('approve: none stands alone; leave it out, or leave the others out');
  }
  if (names.length === 0 && (typeof given === 'string' || given.length > 0))
    return fail(`approve: is empty; give ${STAGES}`);
  const gates: StageGate[] = [];
  for (const name of names) {
    const gate = STAGE_GATES.find((each) => each === name);
    if (gate === undefined) return fail(`approve: ${quote(name)} is no stage; give ${STAGES}`);
    if (!gates.includes(gate)) gates.push(gate);
  }
  return ok(gates);
}

const STAGES = `${STAGE_GATES.join(', ')} with commas between them, or none`;
