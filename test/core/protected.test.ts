import { describe, expect, it } from '@jest/globals';
import { parseProjectFile } from '../../src/config/project-file.ts';
import { changesPart, inPart, protectedAmong } from '../../src/core/protected.ts';
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

  it('are parts of package.json where a gate runs what it says, and of files that say more than a test runner needs', () => {
    const changed = [
      'package.json',
      'a/package.json',
      'pyproject.toml',
      'b/setup.cfg',
      'package.json.ts',
      'xpackage.json',
    ];
    expect(inPart(settingsOf('gate: npm run check'), changed)).toEqual(changed.slice(0, 4));
    expect(inPart(settingsOf('gate: cargo test'), changed)).toEqual(['pyproject.toml', 'b/setup.cfg']);
  });

  it.each([
    ['package.json', 'npm test', true],
    ['package.json', 'deno task test', true],
    ['package.json', 'composer test', false],
    ['composer.json', 'composer test', true],
    ['api/composer.json', 'cd api && php composer.phar test', true],
    ['composer.json', 'npm test', false],
    ['deno.json', 'deno task check', true],
    ['deno.jsonc', 'deno test', true],
    ['deno.jsonc', 'npm test', false],
    ['deno.lock', 'deno test', false],
  ])('are parts of %s where the gate is %s: %s', (path, gate, is) => {
    expect(inPart(settingsOf(`gate: ${gate}`), [path])).toEqual(is ? [path] : []);
  });

  it.each([
    ['composer.json', '{"scripts":{"test":"phpunit"}}', '{"scripts":{"test":"true"}}', true],
    ['composer.json', '{"scripts":{},"require":{}}', '{"scripts":{},"require":{"a/b":"1"}}', false],
    ['composer.json', '{}', '{"config":{"bin-dir":"own"}}', true],
    ['deno.json', '{"tasks":{"test":"deno test"}}', '{"tasks":{"test":"true"}}', true],
    ['deno.json', '{"imports":{}}', '{"imports":{"a":"b"}}', false],
    ['deno.json', '{}', '{"test":{"exclude":["a"]}}', true],
    ['deno.json', null, '{"exclude":["tests"]}', true],
    ['a/deno.json', null, '{"exclude":["tests"]}', false],
    ['deno.jsonc', '{"tasks":{"a":"x//y,]"},}', '// Why\n{"tasks":{"a":"x//y,]"}/* so */}', false],
    ['deno.jsonc', '{"tasks":{"a":"/*b*/"},}', '{"tasks":{"a":"/*c*/"},}', true],
    ['deno.jsonc', "{'tasks':{}}", "{'tasks':{}, }", true],
  ])('of %s say how something is run: %j, %j: %s', (path, before, after, is) => {
    expect(changesPart(path, before, after)).toBe(is);
  });

  it('are the scripts of a package.json and what test runners read of it, and nothing else of it', () => {
    const before = '{"scripts":{"test":"jest","lint":"oxlint"},"version":"1"}';
    const changes = (after: string | null): boolean => changesPart('package.json', before, after);
    expect(changes('{"version":"2","scripts":{"lint":"oxlint","test":"jest"}}')).toBe(false);
    expect(changes('{"scripts":{"test":"true","lint":"oxlint"}}')).toBe(true);
    expect(changes('{"scripts":{"test":"jest","lint":"oxlint"},"jest":{"testMatch":[]}}')).toBe(true);
    expect(changes('{"scripts":{"test":"jest","lint":"oxlint"},"workspaces":["a"]}')).toBe(true);
    expect(changes(null)).toBe(true);
    expect(changes('[]')).toBe(true);
    expect(changesPart('package.json', null, '{}')).toBe(false);
    expect(changesPart('package.json', '{', '{"scripts":{}}')).toBe(true);
  });

  it('are those of packages further down that are there, and not those of a new one', () => {
    expect(changesPart('a/package.json', '{"scripts":{"test":"jest"}}', '{"scripts":{"test":"true"}}')).toBe(true);
    expect(changesPart('a/package.json', '{"scripts":{"test":"jest"}}', null)).toBe(true);
    expect(changesPart('a/package.json', null, '{"scripts":{"test":"jest"}}')).toBe(false);
    expect(changesPart('package.json', null, '{"scripts":{"test":"jest"}}')).toBe(true);
  });

  it.each([
    ['pyproject.toml', '[project]\nname = "a"\n', '[project]\nname = "b"\n', false],
    ['pyproject.toml', '[project]\n', '[project]\n[tool.pytest.ini_options]\naddopts = "-k none"\n', true],
    [
      'a/pyproject.toml',
      '[tool.pytest.ini_options]\nx = 1\n\n[x]\n',
      '[tool.pytest.ini_options]\r\nx = 1\r\n[y]\n',
      false,
    ],
    ['pyproject.toml', '[tool.tox]\nx = 1\n', null, true],
    ['pyproject.toml', null, '[tool.pytester]\nx = 1\n', false],
    ['setup.cfg', '[metadata]\n', '[metadata]\n[tool:pytest]\naddopts = --co\n', true],
    ['setup.cfg', '[coverage:run]\nomit = a\n', '[coverage:run]\nomit = *\n', true],
    ...[
      ' [tool.pytest.ini_options]',
      '[ tool . pytest.ini_options ]',
      '["tool".pytest.ini_options]',
      "[tool.'pytest'.ini_options]",
      String.raw`["\u0074ool".pytest.ini_options]`,
      '[tool]',
      '[tool.hatch]',
    ].map((head): [string, string, string, boolean] => [
      'pyproject.toml',
      '[project]\n',
      `[project]\n${head}\npytest.addopts = "-k none"\n`,
      true,
    ]),
    ['pyproject.toml', '[tool.poe.tasks]\ntest = "pytest"\n', '[tool.poe.tasks]\ntest = "true"\n', true],
    ['pyproject.toml', '[tool.pdm.scripts]\ntest = "pytest"\n', '[tool.pdm.scripts]\ntest = "true"\n', true],
    ['pyproject.toml', '[tool.pdm]\n', '[tool.pdm]\nscripts.test = "true"\n', true],
    ['pyproject.toml', '[tool.pdm.build]\n', '[tool.pdm.build]\nincludes = ["a"]\n', false],
    ['pyproject.toml', '[tool.taskipy.tasks]\ntest = "pytest"\n', '[tool.taskipy.tasks]\ntest = "true"\n', true],
    ['pyproject.toml', '[project]\n', 'tool.pytest.ini_options.addopts = "-k none"\n[project]\n', true],
    ['pyproject.toml', '# A\n[project]\n', '# B\n\n[project]\n', false],
    ['pyproject.toml', '[project]\n[tool.black]\n', '[project]\n[tool.ruff]\nx = 1\n', false],
    ['pyproject.toml', '[tool.pytest]\nx = [\n ["a"]\n]\ny = 1\n', '[tool.pytest]\nx = [\n ["a"]\n]\ny = 2\n', true],
    [
      'pyproject.toml',
      '[tool.pytest]\nx = """\n[a]\n"""\ny = 1\n[b]\n',
      '[tool.pytest]\nx = """\n[a]\n"""\ny = 2\n[b]\n',
      true,
    ],
    ['pyproject.toml', '[a]\n[tool.pytest]\nx = 1\n[b]\n', '[a]\ny = """\n[tool.pytest]\nx = 1\n[b]\n"""\n', true],
    ['pyproject.toml', '[a]\n[tool.pytest]\nx = 1\n[b]\n', '[a]\n# """\n[tool.pytest]\nx = 1\n[b]\n# """\n', false],
    ['setup.cfg', '[tool:pytest]\nx =\n  [a]\n  b\n', '[tool:pytest]\nx =\n  [a]\n  c\n', true],
  ])('are the sections of %s for test runners: %j, %j: %s', (path, before, after, is) => {
    expect(changesPart(path, before, after)).toBe(is);
  });

  it.each([
    ['pyproject.toml', '\\"'],
    ['pyproject.toml', '"\\'],
    ['pyproject.toml', '"""\\'],
    ['pyproject.toml', '[ '],
    ['deno.jsonc', '/*'],
    ['deno.jsonc', '"\\'],
    ['deno.jsonc', ', '],
  ])('are found at once in a %s that is made to keep a worker busy, of %j', (path, part) => {
    const startedAtMs = performance.now();
    expect(changesPart(path, '', `"${part.repeat(50_000)}`)).toBe(true);
    expect(performance.now() - startedAtMs).toBeLessThan(1_000);
  });
});
