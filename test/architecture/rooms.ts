/** Who may import whom: the one table, from which both this test and the linter's rules come. */

const ROOMS = [
  'core',
  'workflows',
  'activities',
  'agents',
  'files',
  'git',
  'process',
  'ledger',
  'notify',
  'local',
  'codec',
  'config',
  'worker',
  'cli',
  'bin',
] as const;
export type Room = (typeof ROOMS)[number];

export interface Rule {
  /** Rooms, or single files of one, beside the room itself. */
  readonly may: readonly string[];
  /** Rooms of which types alone may be imported. */
  readonly mayTypes: readonly string[];
  /** Packages, and `node:` for what comes with Node. */
  readonly packages: readonly string[];
}

const rule = (may: readonly string[], packages: readonly string[], mayTypes: readonly string[] = []): Rule => ({
  may,
  mayTypes,
  packages,
});

const RULES: Readonly<Record<Room, Rule>> = {
  core: rule([], []),
  workflows: rule(['core'], ['@temporalio/workflow', '@temporalio/common'], ['activities']),
  activities: rule(
    ['core', 'agents', 'files', 'git', 'process', 'ledger', 'notify'],
    ['node:', '@temporalio/activity', '@temporalio/client', '@temporalio/common'],
  ),
  agents: rule(['core'], ['zod', 'node:crypto']),
  files: rule(['core'], ['node:']),
  git: rule(['core', 'files'], ['node:']),
  process: rule(['core', 'files'], ['node:']),
  ledger: rule(['core', 'files'], ['node:', 'pg']),
  notify: rule(['core'], ['node:', 'nodemailer']),
  local: rule(['core', 'files'], ['node:', 'pg', 'execa', '@grpc/grpc-js', '@temporalio/client', '@temporalio/common']),
  codec: rule(['core'], ['node:', 'protobufjs', '@temporalio/common']),
  config: rule(['core', 'agents', 'git/checkout.ts'], ['node:', 'zod', 'yaml', 'fastest-levenshtein'], ['git']),
  worker: rule(
    ROOMS.filter((room) => room !== 'cli' && room !== 'bin'),
    ['node:', '@temporalio/client', '@temporalio/worker'],
  ),
  cli: rule(
    [
      'core',
      'codec',
      'config',
      'files',
      'ledger',
      'local',
      'notify',
      'workflows/messages.ts',
      'git/checkout.ts',
      'git/room.ts',
      'process/confined-command.ts',
    ],
    ['node:', 'commander', 'picocolors', 'execa', 'simple-git', '@temporalio/client', '@temporalio/common'],
  ),
  bin: rule([], ['node:']),
};

// What stands at the start of a statement, a re-export included, and what is loaded when it is needed.
const STATEMENT = /^(?:import|export)\s+(type\s)?(?:[^;'"]*?\sfrom\s*)?['"]([^'"]+)['"]/gm;
const DYNAMIC = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;

/** What a file must not import, in words; empty when it keeps to the table. `path` is relative to src. */
export function findViolations(path: string, source: string): readonly string[] {
  const room = ROOMS.find((each) => path.startsWith(`${each}/`));
  if (room === undefined) return [`${path}: is in no room`];
  const imports = [
    ...[...source.matchAll(STATEMENT)].map(([, type, from]) => ({ from: from ?? '', isType: type !== undefined })),
    ...[...source.matchAll(DYNAMIC)].map(([, from]) => ({ from: from ?? '', isType: false })),
  ];
  return imports
    .filter(({ from, isType }) => !isAllowed(room, path, from, isType))
    .map(({ from }) => `${path}: ${room} may not import ${from}`);
}

function isAllowed(room: Room, path: string, from: string, isType: boolean): boolean {
  const { may, mayTypes, packages } = RULES[room];
  if (!from.startsWith('.')) {
    return packages.some((each) =>
      each === 'node:' ? from.startsWith(each) : from === each || from.startsWith(`${each}/`),
    );
  }
  const target = new URL(from, `file:///${path}`).pathname.slice(1);
  const targetRoom = target.split('/')[0] ?? '';
  if (targetRoom === room) return true;
  return may.includes(targetRoom) || may.includes(target) || (isType && mayTypes.includes(targetRoom));
}

/** The linter's rules of the same table: rooms only; it has no way to say which packages alone are allowed. */
export function linterOverrides(): readonly unknown[] {
  return ROOMS.map((room) => {
    const { may, mayTypes } = RULES[room];
    const patterns = ROOMS.filter((other) => other !== room && !may.includes(other)).map((other) => ({
      group: [`**/${other}/**`, ...may.filter((each) => each.startsWith(`${other}/`)).map((each) => `!**/${each}`)],
      ...(mayTypes.includes(other) ? { allowTypeImports: true } : {}),
      message: `${room} may not import ${other}: see ARCHITECTURE.md, the house`,
    }));
    return { files: [`src/${room}/**`], rules: { 'no-restricted-imports': ['error', { patterns }] } };
  });
}
