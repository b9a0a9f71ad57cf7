/** Projects that a build tool tests, whatever they are written in. Pure. */

import { guess, has, type Detected, type Listing } from './detect-parts.ts';

export function make(listing: Listing): Detected | null {
  const file = ['GNUmakefile', 'makefile', 'Makefile'].find((name) => has(listing, name));
  if (file === undefined) return null;
  const text = listing.read(file) ?? '';
  const target = ['check', 'test'].toReversed().find((name) => new RegExp(`^${name}\\s*::?(?!=)`, 'm').test(text));
  return {
    gate: target === undefined ? null : guess(`make ${target}`, `${file} has the target ${target}`),
    setup: null,
  };
}

export function just(listing: Listing): Detected | null {
  const file = ['justfile', 'Justfile', '.justfile'].find((name) => has(listing, name));
  if (file === undefined || !/^@?test(?:\s[^:=]*)?:(?!=)/m.test(listing.read(file) ?? '')) return null;
  return { gate: guess('just test', `${file} has the recipe test`), setup: null };
}

/** A build folder names the folder that it was made in: what set-up had made there would not do in another worktree. */
export function cmake(listing: Listing): Detected | null {
  if (!has(listing, 'CMakeLists.txt')) return null;
  const text = listing.read('CMakeLists.txt') ?? '';
  const tests = /\benable_testing\s*\(|\binclude\s*\(\s*CTest\s*\)/i.test(text);
  const run = 'cmake -S . -B build && cmake --build build && ctest --test-dir build --output-on-failure';
  const gate = tests ? guess(run, 'CMakeLists.txt enables tests') : null;
  const fetches = /\bFetchContent|\bExternalProject|\bCPMAddPackage/i.test(text);
  return { gate, setup: null, ...(fetches ? { network: 'CMakeLists.txt fetches what it builds with' } : {}) };
}

/** Set-ups that fill a folder of the worktree without which nothing runs, however it is started. */
const FILLS = /^(?:npm|pnpm|yarn|bun|composer|bundle) /;

/**
 * A tool that only starts what others have set up (make, just) needs that, too.
 *
 * @param found in the rules' order
 */
export function withSetUps(found: readonly Detected[]): readonly Detected[] {
  const { setup = null } = found.find((each) => each.setup !== null && FILLS.test(each.setup.command)) ?? {};
  return found.map((each) => {
    const starts = each.gate !== null && /^(?:make|just) /.test(each.gate.command);
    return starts ? { ...each, setup } : each;
  });
}
