/** What tasks ask people, each question and proposal with its own record; and what lists tell tasks apart by. */

export const migration = {
  number: 4,
  name: 'asks',
  sql: `
create table tributary.asks (
  task_id text collate "C" not null,
  version integer not null,
  -- From the record of its being asked.
  kind text,
  text text,
  body text,
  choices jsonb,
  default_answer text,
  items jsonb,
  asked_of text,
  asked_at timestamptz,
  expires_at timestamptz,
  -- While it waits.
  reminders integer not null default 0,
  escalated_to text,
  -- What became of it: answered, approved, edited, changes-requested, rejected, replaced or expired.
  how text,
  reply text,
  decided_items jsonb,
  actor text,
  replied_at timestamptz,
  primary key (task_id, version)
);

insert into tributary.asks (task_id, version, kind, text, asked_at, how, reply, actor, replied_at)
select task_id, version, kind, question, asked_at, case when answered_at is not null then 'answered' end, answer, actor,
  answered_at
from tributary.questions;

-- A worker that is older than this schema fails to record from now on, and what it could not record stays with the
-- workflows until a newer one does. With its own table still there, what it recorded would be missing here.
drop table tributary.questions;

alter table tributary.tasks
  add column type text not null generated always as (coalesce(view->>'type', 'task')) stored,
  add column parent text collate "C" generated always as (view->>'parent') stored;
create index tasks_by_parent on tributary.tasks (parent, created_at desc) where parent is not null;
`,
};
