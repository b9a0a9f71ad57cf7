/** The workers of each host, as they report themselves every few seconds; and which hosts are drained. */

export const migration = {
  number: 7,
  name: 'hosts',
  sql: `
create table tributary.workers (
  host text collate "C" not null,
  worker text collate "C" not null,
  report jsonb not null,
  seen_at timestamptz not null,
  stopped boolean not null,
  primary key (host, worker)
);
create table tributary.drains (
  host text collate "C" primary key,
  actor text not null,
  at timestamptz not null
);
`,
};
