/**
 * Records a task: its view, and what happened to it.
 *
 * One statement, so that a record is there whole or not at all. Keeps true (N9):
 *
 * - The same record twice changes nothing: events are kept by (task, sequence), and only those that were new are read out into
 *   attempts, asks and landings.
 * - Of two that say something else of one sequence the later one stays, whichever comes first. A worker that died, or stood still,
 *   had told of what never came into the workflow's history; there it happened again, behind what came meanwhile. What the
 *   replaced one had said is read out anew, by a second statement.
 * - A late one changes no view: sequences and times only grow.
 * - What is read out does not depend on the order in which records come: each column is filled by one kind of event, or takes
 *   the least, the greatest or the end of waiting of several.
 *
 * An event of a kind that this version does not know is kept, and read out into nothing.
 */

import type { TaskView } from '../core/task-types.ts';
import type { TaskEvent } from '../core/task-events.ts';
import { waitsForPerson } from '../core/task-types.ts';
import { boundedJson, MAX_EVENT_BYTES, MAX_VIEW_BYTES } from './bounds.ts';
import type { Database, Statement } from './database.ts';

/** What the events of `fresh` say of attempts, one row for each. */
const READ_ATTEMPTS = `select task_id, (event->>'attempt')::integer, min(event->>'phase'),
    min(at) filter (where kind = 'attempt-scheduled'),
    min(at) filter (where kind = 'attempt-ended'),
    min(event->>'host'), min(event->>'outcome'), min(event->>'summary'),
    min(nullif(event->'failure', 'null')::text)::jsonb,
    -- An agent says so: what is no whole number, or too large for one, must not keep a task out of the ledger.
    min(least((event->'usage'->>'inputTokens')::double precision, 9007199254740991)::bigint)
      filter (where event->'usage'->>'inputTokens' is not null),
    min(least((event->'usage'->>'outputTokens')::double precision, 9007199254740991)::bigint)
      filter (where event->'usage'->>'outputTokens' is not null),
    min((event->'usage'->>'costUsd')::double precision)
  from fresh
  where kind in ('attempt-scheduled', 'attempt-ended')
  group by task_id, (event->>'attempt')::integer`;

/** Those of `fresh` that concern a question or a proposal. */
const REPLIES = `select task_id, version, at, kind, event, ask
  from fresh,
    -- Workers of the first version wrote what was asked into the event itself.
    lateral (select case when kind <> 'asked' then null
      when jsonb_typeof(event->'ask') = 'object' then event->'ask'
      else event || jsonb_build_object('kind', event->'ask') end as ask) as asked,
    lateral (select coalesce(ask->>'version', event->>'version', event->>'replaces')::integer as version) as named
  where kind in ('asked', 'answered', 'decided', 'edited', 'reminded', 'escalated', 'expired') and version is not null`;

/** The columns of a question or a proposal that are read out, in the order of {@link READ_ASKS}. */
const ASK_COLUMNS = ['kind', 'text', 'body', 'choices', 'default_answer', 'items', 'asked_of', 'asked_at', 'expires_at', 'reminders', 'escalated_to', 'how', 'reply', 'decided_items', 'actor', 'replied_at']; // prettier-ignore
/** What those of `replies` say of questions and proposals, one row for each. */
const READ_ASKS = `select task_id, version, min(ask->>'kind'), min(ask->>'text'), min(ask->>'body'),
    min((ask->'choices')::text)::jsonb,
    min(ask->>'default'), min((ask->'items')::text)::jsonb, min(ask->>'for'), min(at) filter (where kind = 'asked'),
    min((ask->>'expiresAt')::timestamptz),
    coalesce(max((event->>'count')::integer) filter (where kind = 'reminded'), 0),
    min(event->>'to') filter (where kind = 'escalated'),
    -- A default answer is taken as any other, but nobody gave it.
    case when bool_or(kind = 'expired') then 'expired' else
      min(case kind when 'answered' then 'answered' when 'edited' then 'replaced' when 'decided' then event->>'decision'
        end) end,
    min(event->>'text') filter (where kind in ('answered', 'decided')),
    min((event->'items')::text) filter (where kind = 'decided')::jsonb,
    min(event->>'actor') filter (where kind in ('answered', 'decided', 'edited')),
    min(at) filter (where kind in ('answered', 'decided', 'edited', 'expired'))
  from replies
  group by task_id, version`;

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
  where excluded.sequence > t.sequence or $7::timestamptz > (
    select at from tributary.events where task_id = t.id and sequence = t.sequence)
  returning id, sequence
),
lost as (
  delete from tributary.events as e using task where e.task_id = task.id and e.sequence > task.sequence
),
fresh as (
  insert into tributary.events (task_id, sequence, at, kind, event)
  select $3, sequence, at, event->>'kind', event
  from unnest($4::bigint[], $5::timestamptz[], $6::text[]) as e (sequence, at, data),
    lateral (select data::jsonb as event) as parsed
  order by sequence
  on conflict (task_id, sequence) do update set at = excluded.at, kind = excluded.kind, event = excluded.event
  where excluded.event <> events.event and excluded.at > events.at
  -- A row that was there before has been locked by this transaction, which its xmax says; a new one has none.
  returning task_id, at, kind, event, xmax <> 0 as replaced
),
attempts as (
  insert into tributary.attempts as a (task_id, attempt, phase, scheduled_at, ended_at, ended_on, outcome, summary,
    failure, input_tokens, output_tokens, cost_usd)
  ${READ_ATTEMPTS}
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
replies as (
  ${REPLIES}
),
asks as (
  insert into tributary.asks as a (task_id, version, ${ASK_COLUMNS.join(', ')})
  ${READ_ASKS}
  on conflict (task_id, version) do update set
    kind = coalesce(a.kind, excluded.kind),
    text = coalesce(a.text, excluded.text),
    body = coalesce(a.body, excluded.body),
    choices = coalesce(a.choices, excluded.choices),
    default_answer = coalesce(a.default_answer, excluded.default_answer),
    items = coalesce(a.items, excluded.items),
    asked_of = coalesce(a.asked_of, excluded.asked_of),
    asked_at = coalesce(a.asked_at, excluded.asked_at),
    expires_at = coalesce(a.expires_at, excluded.expires_at),
    reminders = greatest(a.reminders, excluded.reminders),
    escalated_to = coalesce(a.escalated_to, excluded.escalated_to),
    how = case when 'expired' in (a.how, excluded.how) then 'expired' else coalesce(a.how, excluded.how) end,
    reply = coalesce(a.reply, excluded.reply),
    decided_items = coalesce(a.decided_items, excluded.decided_items),
    actor = coalesce(a.actor, excluded.actor),
    replied_at = least(a.replied_at, excluded.replied_at)
),
landings as (
  insert into tributary.landings (task_id, attempt, commit, tree, main, gate_hash, landed_at)
  select task_id, (event->'landing'->>'attempt')::integer, event->'landing'->>'commit', event->'landing'->>'tree',
    event->'landing'->>'main', event->'landing'->>'gateHash', at
  from fresh
  where kind = 'landed'
  on conflict (task_id) do nothing
)
select 1 from fresh where replaced limit 1`;

/** Of a task of which an event was replaced: what had been read out of the one before goes. */
const READ_AGAIN = `
with fresh as (
  select task_id, at, kind, event from tributary.events where task_id = $1
),
attempts as (
  update tributary.attempts as a set
    ended_at = e.ended_at, ended_on = e.ended_on, outcome = e.outcome, summary = e.summary, failure = e.failure,
    input_tokens = e.input_tokens, output_tokens = e.output_tokens, cost_usd = e.cost_usd
  from (
    ${READ_ATTEMPTS}
  ) as e (task_id, attempt, phase, scheduled_at, ended_at, ended_on, outcome, summary, failure, input_tokens, output_tokens,
    cost_usd)
  where a.task_id = e.task_id and a.attempt = e.attempt
),
replies as (
  ${REPLIES}
),
read as (
  ${READ_ASKS}
),
never_asked as (
  delete from tributary.asks where task_id = $1 and version not in (select version from replies)
)
update tributary.asks as a set (${ASK_COLUMNS.join(', ')}) = (${ASK_COLUMNS.map((column) => `e.${column}`).join(', ')})
from read as e (task_id, version, ${ASK_COLUMNS.join(', ')})
where a.task_id = e.task_id and a.version = e.version`;

/** One round trip, but where an event was replaced. @throws LedgerUnavailable */
export async function recordTask(database: Database, view: TaskView, events: readonly TaskEvent[]): Promise<void> {
  const replaced = await database.query({ name: 'record-task', ...recordStatement(view, events) }, () => null);
  if (replaced.length > 0)
    await database.query({ name: 'read-again', text: READ_AGAIN, values: [view.id] }, () => null);
}

export function recordStatement(view: TaskView, events: readonly TaskEvent[]): Required<Omit<Statement, 'name'>> {
  return {
    text: RECORD_TASK,
    values: [
      boundedJson(view, MAX_VIEW_BYTES),
      view.waitingFor !== null && waitsForPerson(view.waitingFor.kind),
      view.id,
      events.map(({ sequence }) => sequence),
      events.map(({ at }) => at),
      events.map(({ happened }) => boundedJson(happened, MAX_EVENT_BYTES)),
      events.at(-1)?.at ?? null,
    ],
  };
}
