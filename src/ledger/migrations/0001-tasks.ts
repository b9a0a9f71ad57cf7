/** Tasks, what happened to them, and what is read out of that. */

export const migration = {
  number: 1,
  name: 'tasks',
  sql: `
create table tributary.tasks (
  id text collate "C" primary key,
  project text not null,
  state text not null,
  agent text not null,
  owner text not null,
  created_at timestamptz not null,
  ended_at timestamptz,
  waiting_kind text,
  waiting_since timestamptz,
  waits_for_person boolean not null,
  sequence bigint not null,
  -- The whole view, as it was recorded.
  view jsonb not null
);
create index tasks_by_creation on tributary.tasks (created_at desc, id);
create index tasks_by_project on tributary.tasks (project, created_at desc, id);
create index tasks_open on tributary.tasks (state, created_at desc) where ended_at is null;
create index tasks_inbox on tributary.tasks (waiting_since, id) where waits_for_person;

create table tributary.events (
  task_id text collate "C" not null,
  sequence bigint not null,
  at timestamptz not null,
  kind text not null,
  event jsonb not null,
  primary key (task_id, sequence)
);

-- No foreign keys from here on: an attempt may begin, and a log grow, before the task's record comes.
create table tributary.attempts (
  task_id text collate "C" not null,
  attempt integer not null,
  phase text,
  scheduled_at timestamptz,
  -- From the host that began it.
  began_at timestamptz,
  began_on text,
  -- From the record of its end.
  ended_at timestamptz,
  ended_on text,
  outcome text,
  summary text,
  failure jsonb,
  input_tokens bigint,
  output_tokens bigint,
  cost_usd double precision,
  primary key (task_id, attempt)
);

create table tributary.questions (
  task_id text collate "C" not null,
  version integer not null,
  kind text,
  question text,
  asked_at timestamptz,
  answer text,
  actor text,
  answered_at timestamptz,
  primary key (task_id, version)
);

-- A task lands at most once (N2).
create table tributary.landings (
  task_id text collate "C" primary key,
  attempt integer not null,
  commit text not null,
  tree text not null,
  main text not null,
  gate_hash text not null,
  landed_at timestamptz not null
);
create index landings_by_commit on tributary.landings (commit);
`,
};
