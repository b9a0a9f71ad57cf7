/** Which origin a project's name belongs to, and what gates have said about trees. */

export const migration = {
  number: 3,
  name: 'projects-and-verdicts',
  sql: `
create table tributary.projects (
  name text collate "C" primary key,
  origin text not null,
  bound_at timestamptz not null default now()
);

-- A green verdict holds for the tree, whoever asked; a red one for its own task's queueing.
create table tributary.verdicts (
  tree text not null,
  gate_hash text not null,
  kind text not null check (kind in ('green', 'red')),
  task_id text collate "C" not null,
  project text not null,
  text text not null,
  duration_ms bigint not null,
  at timestamptz not null default now(),
  primary key (tree, gate_hash, kind, task_id)
);
`,
};
