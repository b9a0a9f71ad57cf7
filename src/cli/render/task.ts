/** One task as text. Pure. */

import type { AskView } from '../../core/ask-types.ts';
import type { HibernatedOn } from '../../core/hosts.ts';
import type { Exchange, TaskView } from '../../core/task-types.ts';
import type { Happened, TaskEvent } from '../../core/task-events.ts';
import { progressText } from '../../core/progress.ts';
import { oneLine, printable } from '../../core/text.ts';
import type { PendingPhase } from '../pending-phase.ts';
import { renderAsk } from './asks.ts';
import { renderExchanges } from './exchanges.ts';
import { isSentBackInVain, paintState, replyCommand, type Screen, stateText, waitWords } from './tasks.ts';
import { ago } from './time.ts';

export interface TaskPage {
  readonly view: TaskView;
  readonly body: string | null;
  /** The open questions, or the proposal, oldest first. */
  readonly asks: readonly AskView[];
  readonly exchanges: readonly Exchange[];
  readonly events: readonly TaskEvent[];
  /** Null or left out when no phase is scheduled or runs. */
  readonly running?: PendingPhase | null;
  readonly webUrl: string | null;
  /** Where its workspace was given up for as long as it waits; left out: nowhere that is known. */
  readonly hibernated?: HibernatedOn;
}

const MAX_EVIDENCE_LINES = 30;
const MAX_BODY_LINES = 20;

export function renderTask(page: TaskPage, screen: Screen): string[] {
  const { view } = page;
  const { palette } = screen;
  const lines = [
    `${palette.bold(view.id)}  ${paintState(view.state, palette)(stateText(view))}  ${palette.bold(oneLine(view.title))}`,
    ...facts(page, screen),
  ];
  if (page.body !== null && page.body.trim() !== '') lines.push('', ...indented(page.body, MAX_BODY_LINES));
  const open = page.asks.flatMap((ask) => ['', ...renderAsk(view.id, ask, screen)]);
  lines.push(...(open.length > 0 ? open : renderWait(view, screen)), ...renderFailure(view, screen));
  lines.push(...renderSentBack(page, screen));
  lines.push(...renderExchanges(page.exchanges, screen));
  if (page.events.length > 0) lines.push('', palette.dim('History, in UTC'));
  for (const event of page.events) {
    const time = event.at.slice(0, 19).replace('T', ' ');
    lines.push(`  ${palette.dim(time)}  ${happenedText(event.happened)}`);
  }
  return lines;
}

function facts({ view, running = null, webUrl, hibernated }: TaskPage, screen: Screen): string[] {
  const rows: (readonly [string, string | null])[] = [
    ['project', view.project === '' ? null : `${view.project}, branch ${view.branch}`],
    ['agent', view.agent === '' ? null : view.agent],
    ['requires', view.requires === undefined ? null : view.requires.join(', ')],
    ['by', view.owner === '' ? null : `${oneLine(view.owner)}, ${ago(view.createdAt, screen.nowMs)}`],
    [
      'attempt',
      view.attempt === 0 ? null : `${view.attempt}${view.revisions === 0 ? '' : `, revisions ${view.revisions}`}`,
    ],
    ['now', running === null ? null : runningText(running, screen.nowMs)],
    ['commit', view.commit],
    ['conflict', view.conflict === null ? null : `with main, in ${oneLine(view.conflict.files.join(', '), 300)}`],
    ['usage', view.usage.inputTokens + view.usage.outputTokens === 0 ? null : usageText(view.usage)],
    ['summary', view.summary === null ? null : oneLine(view.summary, 500)],
    ['space', hibernated === undefined ? null : hibernatedText(hibernated, screen.nowMs)],
    ['web', webUrl],
  ];
  return rows.flatMap(([name, value]) => (value === null ? [] : [`  ${screen.palette.dim(name.padEnd(8))} ${value}`]));
}

const WHY: Readonly<Record<HibernatedOn['why'], string>> = {
  disk: 'its disk runs short',
  count: 'it has as many as it may',
  bytes: 'they take as much as they may',
};

function hibernatedText({ host, since, why }: HibernatedOn, nowMs: number): string {
  return `hibernated on ${host}, ${ago(since, nowMs)} (${WHY[why]}); made again from the checkpoint`;
}

function runningText({ state, host, since, progress }: PendingPhase, nowMs: number): string | null {
  if (state === 'scheduled') return null;
  const where = `on ${oneLine(host ?? 'a host', 100)}${since === null ? '' : `, begun ${ago(since, nowMs)}`}`;
  if (progress === null) return where;
  return `${where}: ${progressText(progress)}${progress.at === null ? '' : ` (${ago(progress.at, nowMs)})`}`;
}

function usageText(usage: TaskView['usage']): string {
  return `${usage.inputTokens} tokens in, ${usage.outputTokens} out, $${usage.costUsd.toFixed(2)}`;
}

function renderWait(view: TaskView, { palette, nowMs }: Screen): string[] {
  const { waitingFor } = view;
  if (waitingFor === null) return [];
  const reply = replyCommand(view);
  return [
    '',
    palette.yellow(`Waits for ${waitWords(waitingFor.kind)} (since ${ago(waitingFor.since, nowMs)})`),
    ...indented(waitingFor.text, MAX_EVIDENCE_LINES),
    ...(reply === null || waitingFor.text.includes(reply) ? [] : [`  ${palette.dim('reply with:')} ${reply}`]),
  ];
}

/** An end that looks like one of a task that had nothing to do. */
function renderSentBack({ view, events }: TaskPage, { palette }: Screen): string[] {
  if (!isSentBackInVain(view)) return [];
  const why = events.findLast(({ happened }) => happened.kind === 'returned')?.happened;
  const reason = why?.kind === 'returned' ? ` (${why.request.kind}: ${oneLine(why.request.text, 300)})` : '';
  return [
    '',
    palette.yellow(`Nothing of it landed: landing sent it back${reason}, and its next run changed nothing.`),
    `  ${palette.dim('next:')} see whether main has by now what it was for; if not, submit it again`,
  ];
}

function renderFailure(view: TaskView, { palette }: Screen): string[] {
  const { failure } = view;
  if (failure === null) return [];
  const lines = ['', palette.red(`${failure.kind}: ${oneLine(failure.message, 500)}`)];
  if (failure.next !== '') lines.push(`  ${palette.dim('next:')} ${oneLine(failure.next, 500)}`);
  if (failure.evidence !== undefined) lines.push(...indented(failure.evidence, MAX_EVIDENCE_LINES, 'end'));
  return lines;
}

function indented(text: string, maxLines: number, keep: 'begin' | 'end' = 'begin'): string[] {
  const lines = printable(text).trimEnd().split('\n');
  const cut = lines.length <= maxLines ? lines : keep === 'end' ? lines.slice(-maxLines) : lines.slice(0, maxLines);
  const kept = cut.map((line) => `  ${line}`);
  if (cut.length === lines.length) return kept;
  return keep === 'end' ? ['  …', ...kept] : [...kept, '  …'];
}

function removedText(tests: readonly string[]): string {
  return tests.length === 0 ? '' : `; it removes tests: ${oneLine(tests.join(', '), 500)}`;
}

/** What happened, in a few words. */
export function happenedText(happened: Happened): string {
  switch (happened.kind) {
    case 'submitted':
      return 'submitted';
    case 'attempt-scheduled':
      return `attempt ${happened.attempt}: ${happened.phase}`;
    case 'attempt-ended': {
      const why =
        happened.failure === null ? happened.summary : `${happened.failure.kind}: ${happened.failure.message}`;
      const how = `attempt ${happened.attempt}: ${happened.outcome}`;
      const notes = (happened.notes ?? []).map((note) => ` (${oneLine(note, 300)})`).join('');
      return why === null || why === '' ? `${how}${notes}` : `${how} — ${oneLine(why, 300)}${notes}`;
    }
    case 'asked':
      return `asks (${happened.ask.kind}): ${oneLine(happened.ask.text, 300)}`;
    case 'answered':
      return `${oneLine(happened.actor, 60)} answers: ${oneLine(happened.text, 300)}`;
    case 'decided':
      return `${oneLine(happened.actor, 60)}: ${happened.decision}${happened.text === null ? '' : `: ${oneLine(happened.text, 300)}`}`;
    case 'reminded':
      return `reminds of ${happened.version} (${happened.count})`;
    case 'escalated':
      return `hands ${happened.version} to ${oneLine(happened.to, 60)}`;
    case 'expired':
      return `nobody replied to ${happened.version} in time: ${happened.outcome === 'default' ? 'the default is taken' : 'given up'}`;
    case 'commented':
      return `${oneLine(happened.actor, 60)} comments: ${oneLine(happened.text, 300)}`;
    case 'edited':
      return `${oneLine(happened.actor, 60)} edits it${happened.title === null ? '' : `: ${oneLine(happened.title, 200)}`}`;
    case 'blocked':
      return `waits for the answer to ${happened.by}: ${oneLine(happened.text, 300)}`;
    case 'released':
      return `${oneLine(happened.actor, 60)} answers ${happened.by}: ${oneLine(happened.text, 300)}`;
    case 'proposed-tasks-made':
      return `made ${happened.tasks.join(', ')}`;
    case 'parked':
      return `waits for a person (${happened.why}): ${oneLine(happened.text, 300)}`;
    case 'retried':
      return `${oneLine(happened.actor, 60)} retries it${happened.from === undefined ? '' : `, from ${happened.from} on`}`;
    case 'refused':
      return `a message (${oneLine(happened.message, 40)}) of ${oneLine(happened.actor, 60)} was refused: ${oneLine(happened.reason, 300)}`;
    case 'handed-off':
      return `handed off for landing (attempt ${happened.checkpoint.attempt}, ${happened.checkpoint.head.slice(0, 12)})`;
    case 'held':
      return happened.held === null ? 'landing goes on' : `landing is held: ${oneLine(happened.held.text, 300)}`;
    case 'returned':
      return `landing sends it back (${happened.request.kind}): ${oneLine(happened.request.text, 300)}`;
    case 'conflict-seen':
      return happened.conflict === null
        ? 'goes together with main again'
        : `conflicts with what landed since, in ${oneLine(happened.conflict.files.join(', '), 300)}`;
    case 'cancel-requested':
      return 'is asked to stop';
    case 'landed':
      return `landed as ${happened.landing.commit.slice(0, 12)}${removedText(happened.landing.removedTests ?? [])}`;
    case 'ended':
      return `ended: ${happened.end}`;
  }
}
