import { describe, expect, it } from '@jest/globals';
import { parseProjectFile } from '../../src/config/project-file.ts';
import { protectedAmong } from '../../src/core/protected.ts';
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

  it.each([
    ['gate: cd web && sh ./check.sh', 'web/check.sh', true],
    ['gate: cd web && sh ./check.sh', 'other/check.sh', false],
    ['gate: make -C sub check', 'sub/Makefile', true],
    ['gate: make -C sub check', 'other/Makefile', false],
    ['gate: cd packages && cd web && make', 'packages/web/Makefile', true],
    ['gate: cd packages && cd web && make', 'web/packages/Makefile', false],
    ['gate: (cd packages && make) && cd web && make', 'web/Makefile', true],
    ['gate: cd packages && sh web/../check.sh', 'packages/check.sh', true],
    ['gate: cd a/b && cd ../c && sh ../../x.sh', 'x.sh', true],
    ['gate: cd a/../b && make', 'b/Makefile', true],
    ['gate: cd a && cd .. && make', 'Makefile', true],
    ['gate: cd .. && make', 'Makefile', true],
    ['gate: sh ../x.sh', 'x.sh', false],
    ['gate: make -Cweb', 'web/Makefile', true],
    ['gate: make -sCweb/', 'web/Makefile', true],
    ['gate: make -sC web', 'web/Makefile', true],
    ['gate: cd packages && make -C./web', 'packages/web/Makefile', true],
    [`gate: ${Array.from({ length: 40 }, (_, at) => `cd d${at}`).join(' && ')} && make`, 'd39/Makefile', true],
    ['gate: make -f x.mk', 'x.mk', true],
    ['gate: make -fx.mk', 'x.mk', true],
    ['gate: make -sfx.mk check', 'x.mk', true],
    ['gate: make -f/x.mk', 'x.mk', false],
    ['gate: make -Cweb -f../ci/x.mk', 'ci/x.mk', true],
    ['gate: make -f=x.mk', 'x.mk', true],
    ['gate: make --file=ci/x.mk', 'ci/x.mk', true],
    ['gate: jest --config=ci/jest.json', 'ci/jest.json', true],
    ['gate: pytest -cci/own.ini', 'ci/own.ini', true],
    ['gate: node -r./ci/hook.js run.js', 'ci/hook.js', true],
    ['gate: make --fx.mk', 'x.mk', false],
    ['gate: make -kx.mk', 'x.mk', false],
    ['gate: sh ci//./check.sh', 'ci/check.sh', true],
    ['gate: npm test', 'vitest.workspace.ts', true],
    ['gate: "true"', 'sub/noxfile.py', true],
    ['gate: "true"', 'src/phpunit.xml.ts', false],
    ['gate: npm test', '.npmrc', true],
    ['gate: npm test', 'web/vite.config.mts', true],
    ['gate: yarn test', '.yarnrc.yml', true],
    ['gate: cargo test', '.cargo/config.toml', true],
    ['gate: mvn verify', '.mvn/maven.config', true],
    ['gate: npm test', 'web/node_modules/.bin/jest', true],
    ['gate: npm test', 'node_modules', true],
    ['gate: npm test', 'docs/npmrc', false],
    ['gate: just test', 'justfile', true],
    ['gate: just test', '.justfile', true],
    ['gate: go-task test', 'Taskfile.yml', true],
    ['gate: task test', 'taskfile.dist.yaml', true],
    ['gate: npm test', 'Taskfile.yml', false],
    ['gate: bundle exec rake', 'rakefile.rb', true],
    ['gate: cargo test', 'x/.cargo/audit.toml', false],
    ['gate: npm test', 'src/x.npmrc', false],
  ])('with %j, %s, from where the commands are: %s', (text, path, is) => {
    expect(protectedAmong(settingsOf(text), [path])).toEqual(is ? [path] : []);
  });
});
