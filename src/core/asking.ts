/**
 * Asking people: questions and proposals are put, answered, decided, reminded of and given up.
 *
 * Kept true here (N7): each ask has a version of its own; a reply counts for an open ask alone and settles it, and what
 * is settled stays on record, so that a late reply can be told what holds.
 */

import {
  DEADLINE,
  type Ask,
  type Continuation,
  type Decision,
  type Proposal,
  type Question,
  type Settled,
} from './ask-types.ts';
import { askView } from './ask-view.ts';
import type { Failure } from './failure.ts';
import { answerWhenOver, dueOf, patienceOf } from './patience.ts';
import { end, enter, exchange, goOn, happen } from './task-moves.ts';
import type { PersonEvent, Stage, Surroundings, Task } from './task-state.ts';
import type { Phase } from './task-types.ts';
import { oneLine } from './text.ts';

/** Enough for every reply that can still be under way. */
const MAX_SETTLED = 50;
/** Who approves when the project asks nobody. */
export const POLICY = 'the project';
/** After so many approvals that nobody was asked for, somebody is. */
export const MAX_UNASKED = 20;

type Asking = Extract<Stage, { kind: 'asking' }>;
type EventOf<K extends PersonEvent['kind']> = Extract<PersonEvent, { kind: K }>;

export function askQuestions(
  task: Task,
  surroundings: Surroundings,
  phase: Phase,
  questions: readonly Question[],
): Task {
  const { spec, nowMs } = surroundings;
  const asks = questions.map((question, index): Ask => ({
    kind: 'question',
    question,
    version: task.asks + 1 + index,
    askedAtMs: nowMs,
    for: spec.for,
    patience: patienceOf(spec.policy.patience, question),
    reminders: 0,
    escalated: false,
  }));
  return open(task, surroundings, phase, asks);
}

export function askDecision(
  task: Task,
  surroundings: Surroundings,
  phase: Phase,
  proposal: Proposal,
  leadsTo: Continuation,
): Task {
  const { spec, nowMs } = surroundings;
  const ask: Ask = {
    kind: 'proposal',
    proposal,
    leadsTo,
    version: task.asks + 1,
    askedAtMs: nowMs,
    for: spec.for,
    patience: patienceOf(spec.policy.patience, null),
    reminders: 0,
    escalated: false,
  };
  return open(task, surroundings, phase, [ask]);
}

function open(task: Task, surroundings: Surroundings, phase: Phase, asks: readonly Ask[]): Task {
  const asked = asks.reduce(
    (next, ask) => happen({ ...next, asks: ask.version }, surroundings, { kind: 'asked', ask: askView(ask) }),
    task,
  );
  return enter(asked, surroundings, { kind: 'asking', phase, asks });
}

/** The answer to one question; the phase goes on once none is open. */
export function answer(task: Task, event: EventOf<'answer'>, surroundings: Surroundings, stage: Asking): Task {
  const ask = stage.asks.find(({ version }) => version === event.version);
  if (ask?.kind !== 'question') return task;
  const { version, text, actor } = event;
  const answered = happen(
    settle(task, ask, actor === DEADLINE ? 'expired' : 'answered', actor, surroundings),
    surroundings,
    {
      kind: 'answered',
      version,
      text,
      actor,
    },
  );
  const said = exchange(answered, surroundings, { kind: 'question', question: ask.question.text, answer: text, actor });
  const asks = stage.asks.filter((other) => other !== ask);
  if (asks.length > 0) return { ...said, stage: { ...stage, asks } };
  // A question that was submitted as one is over with its answer.
  if (surroundings.spec.type === 'question') return end({ ...said, summary: text }, surroundings, 'unchanged', null);
  return goOn({ ...said, tries: 0 }, surroundings, { kind: 'phase', phase: stage.phase });
}

export function approve(task: Task, event: EventOf<'approve'>, surroundings: Surroundings, stage: Asking): Task {
  const ask = stage.asks.find(({ version }) => version === event.version);
  if (ask?.kind !== 'proposal') return task;
  const { proposal } = ask;
  const changed = event.items.some(({ kind }) => kind !== 'accepted');
  const decision: Decision = event.text !== null || changed ? 'edited' : 'approved';
  const decided = decide(task, ask, event, decision, surroundings);
  const said = exchange(decided, surroundings, {
    kind: 'decision',
    // The agent acts on the words that hold, and is shown no others.
    question: event.text === null ? subjectOf(proposal) : subjectLine(proposal),
    answer: event.text === null ? approvalOf(proposal, event) : `approved with edits; what holds is:\n${event.text}`,
    actor: event.actor,
  });
  const kept = {
    ...said,
    tries: 0,
    ...editsOf(said, proposal, event.text),
    toMake: [...said.toMake, ...accepted(proposal, event)],
  };
  return goOn(kept, surroundings, ask.leadsTo);
}

/** The agent tries again, with what is wanted. */
export function revise(task: Task, event: EventOf<'revise'>, surroundings: Surroundings, stage: Asking): Task {
  const ask = stage.asks.find(({ version }) => version === event.version);
  if (ask?.kind !== 'proposal') return task;
  const decided = decide(task, ask, event, 'changes-requested', surroundings);
  const said = exchange(decided, surroundings, {
    kind: 'decision',
    question: subjectOf(ask.proposal),
    answer: `changes are wanted: ${event.text}`,
    actor: event.actor,
  });
  // What came back from landing and was revised is the branch's own work by now.
  const phase = ask.proposal.kind === 'patch' ? 'execute' : stage.phase;
  return goOn({ ...said, tries: 0 }, surroundings, { kind: 'phase', phase });
}

export function reject(task: Task, event: EventOf<'reject'>, surroundings: Surroundings, stage: Asking): Task {
  const ask = stage.asks.find(({ version }) => version === event.version);
  if (ask?.kind !== 'proposal') return task;
  const failure: Failure = {
    kind: 'rejected',
    message: `${event.actor} rejected ${subjectLine(ask.proposal)}: ${oneLine(event.text, 300)}`,
    next: 'nothing; to take it up again: tasks retry',
  };
  return end(decide(task, ask, event, 'rejected', surroundings), surroundings, 'rejected', failure);
}

/** What a project asks nobody about is approved at once, on the record. */
export function approveUnasked(
  task: Task,
  surroundings: Surroundings,
  phase: Phase,
  proposal: Proposal,
  leadsTo: Continuation,
): Task {
  const asked = askDecision({ ...task, unasked: task.unasked + 1 }, surroundings, phase, proposal, leadsTo);
  const event = { kind: 'approve', version: asked.asks, text: null, items: [], ids: [], actor: POLICY } as const;
  return asked.stage.kind === 'asking' ? approve(asked, event, surroundings, asked.stage) : asked;
}

/** What is due by now: reminders, an escalation, the end of waiting. */
export function overdue(task: Task, surroundings: Surroundings, stage: Asking): Task {
  const { nowMs } = surroundings;
  for (const ask of stage.asks) {
    const due = dueOf(ask, nowMs);
    if (due === null) continue;
    if (due === 'expire') return expire(task, ask, surroundings, stage);
    const changed: Ask =
      due === 'remind'
        ? { ...ask, reminders: ask.reminders + 1 }
        : { ...ask, escalated: true, for: ask.patience.escalate?.to ?? ask.for };
    const asks = stage.asks.map((other) => (other === ask ? changed : other));
    return happen({ ...task, stage: { ...stage, asks } }, surroundings, {
      ...(due === 'remind'
        ? { kind: 'reminded', count: changed.reminders }
        : { kind: 'escalated', to: changed.for ?? '' }),
      version: ask.version,
    });
  }
  return task;
}

function expire(task: Task, ask: Ask, surroundings: Surroundings, stage: Asking): Task {
  const text = answerWhenOver(ask);
  const outcome = text === null ? 'give-up' : 'default';
  const expired = happen(task, surroundings, { kind: 'expired', version: ask.version, outcome });
  if (text !== null) {
    const event = { kind: 'answer', version: ask.version, text, actor: DEADLINE } as const;
    return answer(expired, event, surroundings, stage);
  }
  const what = ask.kind === 'question' ? ask.question.text : subjectLine(ask.proposal);
  return end(settle(expired, ask, 'expired', DEADLINE, surroundings), surroundings, 'failed', {
    kind: 'unanswered',
    message: `nobody replied in time to: ${oneLine(what, 300)}`,
    next: 'take it up again with: tasks retry',
  });
}

function decide(
  task: Task,
  ask: Ask,
  event: EventOf<'approve' | 'revise' | 'reject'>,
  decision: Decision,
  surroundings: Surroundings,
): Task {
  return happen(settle(task, ask, decision, event.actor, surroundings), surroundings, {
    kind: 'decided',
    version: ask.version,
    decision,
    text: event.text,
    items: event.kind === 'approve' ? event.items : [],
    actor: event.actor,
  });
}

function settle(task: Task, ask: Ask, how: Settled['how'], actor: string, { nowMs }: Surroundings): Task {
  const settled = [...task.settled, { version: ask.version, how, actor, atMs: nowMs }];
  return { ...task, settled: settled.slice(-MAX_SETTLED) };
}

/** What was approved with edits replaces what was proposed. */
function editsOf(task: Task, proposal: Proposal, text: string | null): Pick<Task, 'documents' | 'edited'> {
  const { documents, edited } = task;
  switch (proposal.kind) {
    case 'understanding':
      return { documents: { ...documents, understanding: text ?? documents.understanding }, edited };
    case 'plan':
      return { documents: { ...documents, plan: text ?? proposal.body }, edited };
    case 'task':
      return { documents, edited: text === null ? edited : { title: edited?.title ?? proposal.title, body: text } };
    case 'patch':
    case 'effect':
    case 'message':
    case 'tasks':
      return { documents, edited };
  }
}

function accepted(proposal: Proposal, { items, ids }: EventOf<'approve'>): Task['toMake'] {
  return proposal.items.flatMap((proposed, index) => {
    const item = items[index];
    const id = ids[index];
    if (item === undefined || id === undefined || item.kind === 'dropped') return [];
    return [{ id, type: 'task' as const, ...(item.kind === 'edited' ? item.task : proposed) }];
  });
}

function approvalOf(proposal: Proposal, event: EventOf<'approve'>): string {
  if (proposal.kind !== 'tasks') return 'approved';
  const lines = proposal.items.map((item, index) => {
    const decision = event.items[index];
    const title = decision?.kind === 'edited' ? decision.task.title : item.title;
    return `- ${title}: ${decision?.kind ?? 'dropped'}`;
  });
  return `decided, each by itself:\n${lines.join('\n')}`;
}

/** What a decision was about, for the prompt: of an effect or a message all of it, since the agent acts on its words. */
function subjectOf(proposal: Proposal): string {
  const whole = proposal.kind === 'effect' || proposal.kind === 'message';
  return whole && proposal.body !== '' ? `${subjectLine(proposal)}\n\n${proposal.body}` : subjectLine(proposal);
}

function subjectLine(proposal: Proposal): string {
  return `the ${NAME_OF[proposal.kind]} "${oneLine(proposal.title)}"`;
}

const NAME_OF: Readonly<Record<Proposal['kind'], string>> = {
  understanding: 'understanding',
  plan: 'plan',
  patch: 'patch',
  effect: 'effect',
  message: 'message',
  tasks: 'further tasks',
  task: 'proposed task',
};
