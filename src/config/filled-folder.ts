/** Which folder of the worktree a set-up fills, as far as its command tells. Pure. */

const FILLED: readonly (readonly [command: RegExp, folder: string])[] = [
  // Yarn from version 2 on may fill none.
  [/^(?:npm|pnpm|bun) |^yarn install --frozen-lockfile$/, 'node_modules'],
  [/^composer /, 'vendor'],
  [/^(?:\.\/mvnw|mvn) /, 'target'],
];

/** Null for a command that says nothing of it. */
export function filledFolder(setup: string): string | null {
  return FILLED.find(([command]) => command.test(setup))?.[1] ?? null;
}
