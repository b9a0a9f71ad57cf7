/**
 * Asking people: questions and proposals are put, answered, decided, reminded of and given up.
 *
 * Kept true here (N7): each ask has a version of its own; a reply counts for an open ask alone and settles it, and what
 * is settled stays on record, so that a late reply can be told what holds.
 */

import {
  DEADLINE,
  type Ask,
  type AskView,
  type Continuation,
  type Decision,
  type OpenProposal,
  type OpenQuestion,
  type Proposal,
  type Question,
  type Settled,
} from './ask-types.ts';
import { askView } from './ask-view.ts';
import { acceptedTasks, approvalOf, editsOf, subjectLine, subjectOf } from './approval.ts';
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
/** Who asks anew when a task's workflow was set back. */
const RESET = 'a reset';
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
  const asks = questions.map((question, index): Ask => ({
    kind: 'question',
    question,
    ...openAsk(surroundings, task.asks + 1 + index, question),
  }));
  return enter(put(task, surroundings, asks), surroundings, { kind: 'asking', phase, asks });
}

export function askDecision(
  task: Task,
  surroundings: Surroundings,
  phase: Phase,
  proposal: Proposal,
  leadsTo: Continuation,
): Task {
  const { asked, stage } = askAbout(task, surroundings, phase, proposal, leadsTo);
  return enter(asked, surroundings, stage);
}

function askAbout(
  task: Task,
  surroundings: Surroundings,
  phase: Phase,
  proposal: Proposal,
  leadsTo: Continuation,
): { readonly asked: Task; readonly stage: Asking } {
  const ask: Ask = { kind: 'proposal', proposal, leadsTo, ...openAsk(surroundings, task.asks + 1, null) };
  return { asked: put(task, surroundings, [ask]), stage: { kind: 'asking', phase, asks: [ask] } };
}

function openAsk({ spec, nowMs }: Surroundings, version: number, question: Question | null) {
  const patience = patienceOf(spec.policy.patience, question);
  return { version, askedAtMs: nowMs, for: spec.for, patience, reminders: 0, escalated: false };
}

function put(task: Task, surroundings: Surroundings, asks: readonly Ask[]): Task {
  return asks.reduce(
    (next, ask) => happen({ ...next, asks: ask.version }, surroundings, { kind: 'asked', ask: askView(ask) }),
    task,
  );
}

/** The answer to one question; the phase goes on once none is open. */
export function answer(task: Task, event: EventOf<'answer'>, surroundings: Surroundings, stage: Asking): Task {
  const ask = stage.asks.find(({ version }) => version === event.version);
  return ask?.kind === 'question' ? takeAnswer(task, ask, event, 'answered', surroundings, stage) : task;
}

function takeAnswer(
  task: Task,
  ask: OpenQuestion,
  { text, actor }: Pick<EventOf<'answer'>, 'text' | 'actor'>,
  how: Settled['how'],
  surroundings: Surroundings,
  stage: Asking,
): Task {
  const answered = happen(settle(task, ask, how, actor, surroundings), surroundings, {
    kind: 'answered',
    version: ask.version,
    text,
    actor,
  });
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
    ...(proposal.protects === undefined ? {} : { cleared: proposal.protects }),
    toMake: [...said.toMake, ...acceptedTasks(proposal, event)],
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
  const merged = ask.proposal.kind === 'patch' && stage.phase === 'revise';
  const again: Task = { ...said, tries: 0, request: merged ? null : said.request };
  return goOn(again, surroundings, { kind: 'phase', phase: merged ? 'execute' : stage.phase });
}

export function reject(task: Task, event: EventOf<'reject'>, surroundings: Surroundings, stage: Asking): Task {
  const ask = stage.asks.find(({ version }) => version === event.version);
  if (ask?.kind !== 'proposal') return task;
  const failure: Failure = {
    kind: 'rejected',
    message: `${event.actor} rejected ${subjectLine(ask.proposal)}: ${oneLine(event.text, 300)}`,
    next: 'nothing; to take it up again: tasks retry',
  };
  const decided = decide(task, ask, event, 'rejected', surroundings);
  // For the agent of a task that somebody takes up again.
  const said = exchange(decided, surroundings, {
    kind: 'decision',
    question: subjectOf(ask.proposal),
    answer: `rejected: ${event.text}`,
    actor: event.actor,
  });
  return end(said, surroundings, 'rejected', failure);
}

/** What a project asks nobody about is approved at once, on the record. */
export function approveUnasked(
  task: Task,
  surroundings: Surroundings,
  phase: Phase,
  proposal: Proposal,
  leadsTo: Continuation,
): Task {
  const counted: Task = { ...task, unasked: task.unasked + 1 };
  const { asked, stage } = askAbout(counted, surroundings, phase, proposal, leadsTo);
  const event = { kind: 'approve', version: asked.asks, text: null, items: [], ids: [], actor: POLICY } as const;
  return approve(enter(asked, surroundings, stage), event, surroundings, stage);
}

/** What was asked is asked anew in other words: a reply to the old ones must not count for them (N7). */
export function replaceAsks(task: Task, actor: string, surroundings: Surroundings, stage: Asking): Task {
  return stage.asks.reduce((next, ask) => settle(next, ask, 'replaced', actor, surroundings), task);
}

/** What is open keeps its words and its patience under new versions. */
export function askAnew(task: Task, surroundings: Surroundings): Task {
  const { stage } = task;
  if (stage.kind !== 'asking') return task;
  const asks = stage.asks.map((ask, index) => ({ ...ask, version: task.asks + 1 + index }));
  const replaced = replaceAsks(task, RESET, surroundings, stage);
  return { ...put(replaced, surroundings, asks), stage: { ...stage, asks } };
}

/** The first of what is due by now: a reminder, an escalation, the end of waiting. */
export function overdue(task: Task, surroundings: Surroundings, stage: Asking): Task {
  for (const ask of stage.asks) {
    const due = dueOf(ask, surroundings.nowMs);
    const { version } = ask;
    switch (due?.kind) {
      case 'expire':
        return expire(task, ask, surroundings, stage);
      case 'escalate': {
        const handed = { ...ask, escalated: true, for: due.to };
        const happened = { kind: 'escalated', version, to: due.to, ask: reminderOf(handed) } as const;
        return happen(change(task, stage, ask, handed), surroundings, happened);
      }
      case 'remind':
        return remind(task, stage, ask, { ...ask, reminders: due.count }, surroundings);
      case undefined:
    }
  }
  return task;
}

function change(task: Task, stage: Asking, ask: Ask, changed: Ask): Task {
  return { ...task, stage: { ...stage, asks: stage.asks.map((other) => (other === ask ? changed : other)) } };
}

function remind(task: Task, stage: Asking, ask: Ask, reminded: Ask, surroundings: Surroundings): Task {
  const { version, reminders } = reminded;
  const happened = { kind: 'reminded', version, count: reminders, ask: reminderOf(reminded) } as const;
  return happen(change(task, stage, ask, reminded), surroundings, happened);
}

/** Without its body: a reminder is to be short. */
function reminderOf(ask: Ask): AskView {
  return { ...askView(ask), body: '' };
}

function expire(task: Task, ask: Ask, surroundings: Surroundings, stage: Asking): Task {
  const { version } = ask;
  const text = answerWhenOver(ask);
  if (ask.kind === 'question' && text !== null) {
    // An agent that asks itself for ever must meet a person some day: then the question waits without an end.
    if (task.unasked >= MAX_UNASKED) {
      const patience = { ...ask.patience, expire: null };
      return remind(task, stage, ask, { ...ask, patience, reminders: ask.reminders + 1 }, surroundings);
    }
    const expired = happen({ ...task, unasked: task.unasked + 1 }, surroundings, {
      kind: 'expired',
      version,
      outcome: 'default',
    });
    return takeAnswer(expired, ask, { text, actor: DEADLINE }, 'expired', surroundings, stage);
  }
  const expired = happen(task, surroundings, { kind: 'expired', version, outcome: 'give-up' });
  const what = ask.kind === 'question' ? ask.question.text : subjectLine(ask.proposal);
  return end(settle(expired, ask, 'expired', DEADLINE, surroundings), surroundings, 'failed', {
    kind: 'unanswered',
    message: `nobody replied in time to: ${oneLine(what, 300)}`,
    next: 'take it up again with: tasks retry',
  });
}

function decide(
  task: Task,
  ask: OpenProposal,
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
