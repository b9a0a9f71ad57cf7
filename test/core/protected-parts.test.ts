import { describe, expect, it } from '@jest/globals';
import { changesPart, inPart } from '../../src/core/protected-parts.ts';
import { workOf } from '../support/work.ts';
import { settingsOf } from './project-settings.ts';

describe('protected parts of files', () => {
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
  ])('are found at once in a %s that is made to keep a worker busy, of %j', async (path, part) => {
    const work = await workOf(() => expect(changesPart(path, '', `"${part.repeat(50_000)}`)).toBe(true));
    expect(work).toBeLessThan(2_000);
  });
});
