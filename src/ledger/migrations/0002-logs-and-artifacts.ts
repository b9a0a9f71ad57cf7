/** What attempts said and left behind. */

export const migration = {
  number: 2,
  name: 'logs-and-artifacts',
  sql: `
create table tributary.logs (
  task_id text collate "C" not null,
  attempt integer not null,
  stream text not null,
  run bigint not null,
  position bigint not null,
  cursor bigint not null generated always as identity,
  at timestamptz not null,
  content text not null,
  primary key (task_id, attempt, stream, run, position)
);
create index logs_by_cursor on tributary.logs (task_id, cursor);

create table tributary.artifacts (
  task_id text collate "C" not null,
  attempt integer not null,
  name text not null,
  bytes bigint not null,
  content text not null,
  primary key (task_id, attempt, name)
);
`,
};
