/** What the conflict radar has seen last: one row a branch of a project. */

export const migration = {
  number: 6,
  name: 'radar',
  sql: `
create table tributary.radar (
  project text collate "C" not null,
  branch text collate "C" not null,
  at timestamptz not null,
  report jsonb not null,
  primary key (project, branch)
);
`,
};
