import { describe, expect, it } from '@jest/globals';
import { parseProjectFile } from '../../src/config/project-file.ts';
import { changesScripts, protectedAmong, usesScripts } from '../../src/core/protected.ts';
import type { ProjectSettings } from '../../src/core/project.ts';

const settingsOf = (text: string): ProjectSettings => {
  const parsed = parseProjectFile(`project: a\nbranch: main\n${text}\n`);
  if (parsed.kind === 'invalid') throw new Error(parsed.message);
  return parsed.value;
};

describe('protected', () => {
  it.each([
    ['gate: npm test', 'tasks.yaml', true],
    ['gate: npm test', 'sub/tasks.yaml', false],
    ['gate: npm test', '.worktreeinclude', true],
    ['gate: sh ./ci/check.sh --fast && python3 "tools/x.py"', 'ci/check.sh', true],
    ['gate: sh ./ci/check.sh --fast && python3 "tools/x.py"', 'tools/x.py', true],
    ['gate: sh ci/check.sh', 'check.sh', false],
    ['gate: pytest tests', 'tests/test_a.py', false],
    ['setup: ./bin/setup\ngate: "true"', 'bin/setup', true],
    ['gate: make check', 'Makefile', true],
    ['gate: cmake --build .', 'Makefile', false],
    ['gate: npm test', 'packages/a/jest.config.ts', true],
    ['gate: pytest', 'pytest.ini', true],
    ['gate: npm test', 'src/jest.config.reader.test.ts', false],
    ['gate: "true"\nprotected: [ci/, "*.lock", deploy]', 'ci/deep/file', true],
    ['gate: "true"\nprotected: [ci/, "*.lock", deploy]', 'cix/file', false],
    ['gate: "true"\nprotected: [ci/, "*.lock", deploy]', 'yarn.lock', true],
    ['gate: "true"\nprotected: [ci/, "*.lock", deploy]', 'deploy/prod.sh', true],
    ['gate: "true"\nprotected: [ci/, "*.lock", deploy]', 'deployment', false],
  ])('with %j, %s: %s', (text, path, is) => {
    expect(protectedAmong(settingsOf(text), [path, 'src/other.ts'])).toEqual(is ? [path] : []);
  });

  it('are the scripts of package.json where a gate runs them, and nothing else of it', () => {
    expect(usesScripts(settingsOf('gate: npm run check'))).toBe(true);
    expect(usesScripts(settingsOf('gate: cargo test'))).toBe(false);
    const before = '{"scripts":{"test":"jest","lint":"oxlint"},"version":"1"}';
    expect(changesScripts(before, '{"version":"2","scripts":{"lint":"oxlint","test":"jest"}}')).toBe(false);
    expect(changesScripts(before, '{"scripts":{"test":"true","lint":"oxlint"}}')).toBe(true);
    expect(changesScripts(before, null)).toBe(true);
    expect(changesScripts(null, '{}')).toBe(false);
    expect(changesScripts('{', '{"scripts":{}}')).toBe(true);
  });
});
