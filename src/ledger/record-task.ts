/**
 * Records a task: its view, and what happened to it.
 *
 * One statement, so that a record is there whole or not at all. Keeps true (N9): the same record twice changes nothing,
 * since events are kept by (task, sequence) and only those that were new are read out into attempts, questions and
 * landings; a late one changes no view, since the view's sequence only grows; and what is read out does not depend on
 * the order in which records come, since each column is filled by one kind of event.
 */

import type { TaskView } from '../core/task-types.ts';
import type { TaskEvent } from '../core/task-events.ts';
import { waitsForPerson } from '../core/task-types.ts';
import { boundedJson, MAX_EVENT_BYTES, MAX_VIEW_BYTES } from './bounds.ts';
import type { Database } from './database.ts';

const RECORD_TASK = `
with given as (
  select $1::jsonb as view
),
task as (
  insert into tributary.tasks as t (id, project, state, agent, owner, created_at, ended_at,
    waiting_kind, waiting_since, waits_for_person, sequence, view)
  select view->>'id', view->>'project', view->>'state', view->>'agent', view->>'owner',
    (view->>'createdAt')::timestamptz, (view->>'endedAt')::timestamptz,
    view->'waitingFor'->>'kind', (view->'waitingFor'->>'since')::timestamptz, $2::boolean,
    (view->>'sequence')::bigint, view
  from given
  on conflict (id) do update set
    project = excluded.project, state = excluded.state, agent = excluded.agent, owner = excluded.owner,
    created_at = excluded.created_at, ended_at = excluded.ended_at, waiting_kind = excluded.waiting_kind,
    waiting_since = excluded.waiting_since, waits_for_person = excluded.waits_for_person,
    sequence = excluded.sequence, view = excluded.view
  where excluded.sequence > t.sequence
),
fresh as (
  insert into tributary.events (task_id, sequence, at, kind, event)
  select $3, sequence, at, event->>'kind', event
  from unnest($4::bigint[], $5::timestamptz[], $6::text[]) as e (sequence, at, data),
    lateral (select data::jsonb as event) as parsed
  order by sequence
  on conflict do nothing
  returning task_id, at, kind, event
),
attempts as (
  insert into tributary.attempts as a (task_id, attempt, phase, scheduled_at, ended_at, ended_on, outcome, summary,
    failure, input_tokens, output_tokens, cost_usd)
  select task_id, (event->>'attempt')::integer, min(event->>'phase'),
    min(at) filter (where kind = 'attempt-scheduled'),
    min(at) filter (where kind = 'attempt-ended'),
    min(event->>'host'), min(event->>'outcome'), min(event->>'summary'),
    min(nullif(event->'failure', 'null')::text)::jsonb,
    min((event->'usage'->>'inputTokens')::bigint), min((event->'usage'->>'outputTokens')::bigint),
    min((event->'usage'->>'costUsd')::double precision)
  from fresh
  where kind in ('attempt-scheduled', 'attempt-ended')
  group by task_id, (event->>'attempt')::integer
  on conflict (task_id, attempt) do update set
    phase = coalesce(a.phase, excluded.phase),
    scheduled_at = coalesce(a.scheduled_at, excluded.scheduled_at),
    ended_at = coalesce(a.ended_at, excluded.ended_at),
    ended_on = coalesce(a.ended_on, excluded.ended_on),
    outcome = coalesce(a.outcome, excluded.outcome),
    summary = coalesce(a.summary, excluded.summary),
    failure = coalesce(a.failure, excluded.failure),
    input_tokens = coalesce(a.input_tokens, excluded.input_tokens),
    output_tokens = coalesce(a.output_tokens, excluded.output_tokens),
    cost_usd = coalesce(a.cost_usd, excluded.cost_usd)
),
questions as (
  insert into tributary.questions as q (task_id, version, kind, question, asked_at, answer, actor, answered_at)
  select task_id, (event->>'version')::integer,
    min(event->>'ask'), min(event->>'text') filter (where kind = 'asked'), min(at) filter (where kind = 'asked'),
    min(event->>'text') filter (where kind = 'answered'), min(event->>'actor') filter (where kind = 'answered'),
    min(at) filter (where kind = 'answered')
  from fresh
  where kind in ('asked', 'answered')
  group by task_id, (event->>'version')::integer
  on conflict (task_id, version) do update set
    kind = coalesce(q.kind, excluded.kind),
    question = coalesce(q.question, excluded.question),
    asked_at = coalesce(q.asked_at, excluded.asked_at),
    answer = coalesce(q.answer, excluded.answer),
    actor = coalesce(q.actor, excluded.actor),
    answered_at = coalesce(q.answered_at, excluded.answered_at)
)
insert into tributary.landings (task_id, attempt, commit, tree, main, gate_hash, landed_at)
select task_id, (event->'landing'->>'attempt')::integer, event->'landing'->>'commit', event->'landing'->>'tree',
  event->'landing'->>'main', event->'landing'->>'gateHash', at
from fresh
where kind = 'landed'
on conflict (task_id) do nothing`;

/** One round trip. @throws LedgerUnavailable */
export async function recordTask(database: Database, view: TaskView, events: readonly TaskEvent[]): Promise<void> {
  const waits = view.waitingFor !== null && waitsForPerson(view.waitingFor.kind);
  await database.query(
    {
      name: 'record-task',
      text: RECORD_TASK,
      values: [
        boundedJson(view, MAX_VIEW_BYTES),
        waits,
        view.id,
        events.map(({ sequence }) => sequence),
        events.map(({ at }) => at),
        events.map(({ happened }) => boundedJson(happened, MAX_EVENT_BYTES)),
      ],
    },
    () => null,
  );
}
