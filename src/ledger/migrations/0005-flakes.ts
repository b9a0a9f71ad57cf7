/** Tests that were red and then green on the same tree. */

export const migration = {
  number: 5,
  name: 'flakes',
  sql: `
create table tributary.flakes (
  project text collate "C" not null,
  test text not null,
  tree text not null,
  gate_hash text not null,
  command text not null,
  text text not null,
  task_id text collate "C" not null,
  at timestamptz not null,
  primary key (project, test, tree, gate_hash)
);
create index verdicts_by_project on tributary.verdicts (project, at);
`,
};
