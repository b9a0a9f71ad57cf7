import { describe, expect, it } from '@jest/globals';
import { detectProject, detectProtected } from '../../src/config/detect.ts';
import type { BranchName } from '../../src/core/ids.ts';
import { parseProjectFile } from '../../src/config/project-file.ts';
import { renderProjectFile, type NewProject } from '../../src/config/render-project-file.ts';

function detect(files: Record<string, string>): [gate: string | null, setup: string | null] {
  const found = detectProject({ names: Object.keys(files), read: (name) => files[name] ?? null });
  return [found.gate?.command ?? null, found.setup?.command ?? null];
}

const NODE = JSON.stringify({ scripts: { test: 'jest' }, devDependencies: { jest: '1' } });

const VENV_PYTEST = '.venv/bin/python -m pytest';
const VENV =
  "python3 -m venv .venv && echo '*' > .venv/.gitignore && .venv/bin/python -m pip install --quiet --disable-pip-version-check";

const uv = (pyproject: string) => detectProject({ names: ['uv.lock', 'pyproject.toml'], read: () => pyproject });

const cmake = (text: string) => detectProject({ names: ['CMakeLists.txt'], read: () => `enable_testing()\n${text}` });

describe('what init finds', () => {
  it.each<[string, Record<string, string>, string | null, string | null]>([
    ['npm', { 'package.json': NODE, 'package-lock.json': '' }, 'npm test', 'npm ci'],
    ['pnpm', { 'package.json': NODE, 'pnpm-lock.yaml': '' }, 'pnpm test', 'pnpm install --frozen-lockfile'],
    ['yarn', { 'package.json': NODE, 'yarn.lock': '' }, 'yarn test', 'yarn install --frozen-lockfile'],
    [
      'newer yarn',
      { 'package.json': NODE, 'yarn.lock': '', '.yarnrc.yml': '' },
      'yarn test',
      'yarn install --immutable',
    ],
    ['bun', { 'package.json': NODE, 'bun.lock': '' }, 'bun run test', 'bun install --frozen-lockfile'],
    ['npm without a lock', { 'package.json': NODE }, 'npm test', 'npm install --no-package-lock'],
    [
      'npm without packages',
      { 'package.json': '{"scripts":{"test":"node --test"}}', 'package-lock.json': '' },
      'npm test',
      null,
    ],
    [
      "npm's placeholder",
      { 'package.json': '{"scripts":{"test":"echo \\"Error: no test specified\\" && exit 1"}}' },
      null,
      null,
    ],
    ['a broken package.json', { 'package.json': '{' }, null, null],
    ['a placeholder beside a Makefile', { 'package.json': '{}', Makefile: 'all:\ntest: all\n' }, 'make test', null],
    ['pytest', { 'pyproject.toml': '[tool.pytest.ini_options]' }, 'python3 -m pytest', null],
    ['pytest by its requirements', { 'requirements.txt': 'pytest==8' }, VENV_PYTEST, `${VENV} -r requirements.txt`],
    [
      'pytest that nothing requires',
      { 'requirements.txt': 'six\npytest-cov', 'pytest.ini': '' },
      VENV_PYTEST,
      `${VENV} -r requirements.txt pytest`,
    ],
    [
      'several lists of requirements',
      { 'requirements.txt': 'six', 'requirements-dev.txt': '-r requirements.txt\npytest' },
      VENV_PYTEST,
      `${VENV} -r requirements.txt -r requirements-dev.txt`,
    ],
    [
      'unittest with requirements',
      { 'requirements.txt': 'six', 'tests/': '', '.venv/': '' },
      '.venv/bin/python -m unittest discover',
      `${VENV} -r requirements.txt`,
    ],
    ['requirements without tests', { 'requirements.txt': 'six' }, null, `${VENV} -r requirements.txt`],
    [
      'lists that name one another',
      {
        'requirements.txt': 'pytest',
        'requirements-dev.txt': '-r ./requirements.txt\n-c requirements-test.txt',
        'requirements-test.txt': 'six<2',
      },
      VENV_PYTEST,
      `${VENV} -r requirements.txt -r requirements-dev.txt -r requirements-test.txt`,
    ],
    ...[
      '-r requirements/base.txt',
      '-rbase.txt',
      '--requirement=base.txt',
      '-c constraints.txt',
      '--constraint constraints.txt',
      '-r \\\n base.txt',
      '-r https://example.test/base.txt',
    ].map((line): [string, Record<string, string>, string, null] => [
      `requirements that name a list which is not read (${line})`,
      { 'requirements.txt': `six\n${line}\npytest` },
      'python3 -m pytest',
      null,
    ]),
    ...['-e .', '-e.', '--editable ./lib', './lib', 'shop @ file:///srv/shop'].map(
      (line): [string, Record<string, string>, string, null] => [
        `requirements of the tree itself (${line})`,
        { 'requirements.txt': `six\n${line}\npytest` },
        'python3 -m pytest',
        null,
      ],
    ),
    ['unittest', { 'setup.py': '', 'tests/': '' }, 'python3 -m unittest discover', null],
    ['uv', { 'pyproject.toml': 'pytest', 'uv.lock': '' }, 'uv run python -m pytest', 'uv sync --frozen'],
    [
      'uv without pytest',
      { 'uv.lock': '', 'setup.py': '', 'tests/': '' },
      'uv run python -m unittest discover',
      'uv sync --frozen',
    ],
    ['poetry', { 'pyproject.toml': '[tool.poetry]\npytest', 'poetry.lock': '' }, 'poetry run pytest', 'poetry install'],
    ['tox', { 'tox.ini': '' }, 'tox', 'tox run --notest'],
    ['nox', { 'noxfile.py': '' }, 'nox -R', 'nox --install-only'],
    ['go', { 'go.mod': '' }, 'go test ./...', "go test -run '^$' ./..."],
    ['cargo', { 'Cargo.toml': '' }, 'cargo test --offline', 'cargo test --no-run'],
    ['mix', { 'mix.exs': '' }, 'mix test', 'mix local.hex --force && mix local.rebar --force && mix deps.get'],
    ['gradle', { 'build.gradle.kts': '', gradlew: '' }, './gradlew check', './gradlew testClasses'],
    ['gradle without its wrapper', { 'settings.gradle': '' }, 'gradle check', 'gradle testClasses'],
    ['maven', { 'pom.xml': '' }, 'mvn -B verify', 'mvn -B -DskipTests verify'],
    ['rspec', { Gemfile: "gem 'rspec'" }, 'bundle exec rspec', 'bundle install'],
    [
      'phpunit',
      { 'composer.json': '{}', 'phpunit.xml': '' },
      'vendor/bin/phpunit',
      'composer install --no-interaction',
    ],
    [
      'a composer script',
      { 'composer.json': '{"scripts":{"test":"x"}}' },
      'composer test',
      'composer install --no-interaction',
    ],
    ['dotnet', { 'App.sln': '' }, 'dotnet test --no-restore', 'dotnet restore'],
    ['just', { justfile: 'test: build\n  x\n' }, 'just test', null],
    [
      'cmake with tests',
      { 'CMakeLists.txt': 'project(x)\nif(X)\n  enable_testing()\nendif()\n' },
      'cmake -S . -B build && cmake --build build && ctest --test-dir build --output-on-failure',
      null,
    ],
    [
      'cmake with CTest, in capitals',
      { 'CMakeLists.txt': 'INCLUDE(CTest)' },
      'cmake -S . -B build && cmake --build build && ctest --test-dir build --output-on-failure',
      null,
    ],
    ['cmake without tests', { 'CMakeLists.txt': 'project(x)\n' }, null, null],
    ['make check', { Makefile: 'check:\n\ttrue\n' }, 'make check', null],
    ['a make variable named test', { Makefile: 'test := 1\n' }, null, null],
    ['nothing', { 'README.md': '' }, null, null],
  ])('%s', (_name, files, gate, setup) => {
    expect(detect(files)).toEqual([gate, setup]);
  });

  it('says why', () => {
    const found = detectProject({ names: ['package.json', 'package-lock.json'], read: () => NODE });
    expect(found.gate?.reason).toBe('package.json has a test script');
    expect(found.setup?.reason).toBe('there is a package-lock.json');
  });
});

/** What its gate has, by the text of a tasks.yaml; undefined: it says nothing. */
function network(text: string): unknown {
  const read = parseProjectFile(text);
  return read.kind === 'ok' ? read.value.gate.confinement?.network : read.message;
}

describe('a new tasks.yaml', () => {
  const PROJECT: NewProject = {
    project: 'my-app',
    branch: 'main' as BranchName,
    setup: 'npm ci',
    protected: [],
    gate: 'npm test',
    hasNetwork: false,
    agent: 'claude',
    schema: './x.json',
  };

  it('reads back as what was asked for', () => {
    expect(parseProjectFile(renderProjectFile(PROJECT))).toMatchObject({
      kind: 'ok',
      value: {
        project: 'my-app',
        branch: 'main' as BranchName,
        setup: 'npm ci',
        agent: 'claude',
        gate: { commands: [{ run: 'npm test' }] },
      },
    });
  });

  it('gives the gate the network where its tool fetches as it goes, and no other gate', () => {
    const found = detectProject({ names: ['pom.xml'], read: () => '' });
    expect(found.network).toBe('Maven fetches what only tests need when it runs them');
    expect(detectProject({ names: ['go.mod'], read: () => '' })).not.toHaveProperty('network');
    expect(uv('[build-system]\npytest').network).toMatch(/^uv builds the project itself anew/);
    expect(uv('pytest')).not.toHaveProperty('network');
    expect(network(renderProjectFile({ ...PROJECT, hasNetwork: true }))).toBe('full');
    expect(network(renderProjectFile(PROJECT))).toBeUndefined();
  });

  it('says of a network that CMake needs', () => {
    expect(cmake('FetchContent_Declare(x)').network).toBe('CMakeLists.txt fetches what it builds with');
    expect(cmake('')).not.toHaveProperty('network');
  });

  it('names the schema for editors in its first line', () => {
    expect(renderProjectFile(PROJECT)).toMatch(/^# yaml-language-server: \$schema=\.\/x\.json\n/);
    expect(renderProjectFile({ ...PROJECT, schema: null })).not.toContain('yaml-language-server');
  });

  it('protects what else judges work here, and shows how where there is nothing', () => {
    const names = ['.github/', 'src/', 'Jenkinsfile', 'gitlab-ci.yml'];
    const protects = detectProtected({ names });
    expect(protects).toEqual(['.github/', 'Jenkinsfile']);
    expect(parseProjectFile(renderProjectFile({ ...PROJECT, protected: protects }))).toMatchObject({
      kind: 'ok',
      value: { protected: protects },
    });
    const text = renderProjectFile(PROJECT);
    expect(text).toContain('\n# protected: [');
    expect(parseProjectFile(text.replace('# protected:', 'protected:'))).toMatchObject({
      value: { protected: ['.github/', 'scripts/check.sh'] },
    });
  });

  it.each(['on', 'yes: no', '# x', '"quoted" \'too\'', 'a\nb', '- x', 'echo "{a: b}"', '0x10', '  x'])(
    'keeps the command %j as it is',
    (gate) => {
      expect(parseProjectFile(renderProjectFile({ ...PROJECT, gate, setup: gate }))).toMatchObject({
        kind: 'ok',
        value: { setup: gate, gate: { commands: [{ run: gate }] } },
      });
    },
  );

  it('may have a command for an agent', () => {
    const agent = ['my-agent', '--prompt-file', '{prompt_file}', 'a "b" \\ #c'];
    expect(parseProjectFile(renderProjectFile({ ...PROJECT, agent }))).toMatchObject({
      kind: 'ok',
      value: { agent: 'my-agent', agents: { 'my-agent': { command: agent } } },
    });
  });

  it('without a gate asks for one', () => {
    expect(parseProjectFile(renderProjectFile({ ...PROJECT, gate: null }))).toEqual({
      kind: 'invalid',
      message: expect.stringContaining('gate: is missing'),
    });
  });

  it('has right comments: uncommented, every key is taken', () => {
    const text = renderProjectFile({ ...PROJECT, setup: null }).replace(
      /^# (?=(?:setup|agents|protected|attempts|revisions|idle|timeout):|  )/gm,
      '',
    );
    expect(parseProjectFile(text)).toMatchObject({ kind: 'ok', value: { agents: { fast: { model: 'haiku' } } } });
  });
});
