/**
 * For `tasks init`: guesses how a project is set up and tested from what lies at its top. Pure.
 *
 * Gates have no network, and nothing of what an earlier run has left in HOME: what they need from elsewhere, set-up has to
 * have fetched; where a tool fetches as it goes, the gate gets the network.
 */

import { cmake, just, make, withSetUps } from './detect-build.ts';
import { guess, has, type Detected, type Guess, type Listing } from './detect-parts.ts';
import { readRequirements } from './requirements.ts';

/** What judges work beside the gate itself, and lies in repositories under these names. */
const JUDGES = [
  '.github/', '.gitlab-ci.yml', '.circleci/', '.buildkite/', 'azure-pipelines.yml', 'Jenkinsfile', '.travis.yml', '.woodpecker/',
  '.woodpecker.yml', '.drone.yml', '.forgejo/', '.gitea/', 'CODEOWNERS', '.pre-commit-config.yaml', '.husky/', 'lefthook.yml',
]; // prettier-ignore

/** Which of them the repository has, for `protected:`. */
export function detectProtected({ names }: Pick<Listing, 'names'>): readonly string[] {
  return JUDGES.filter((name) => names.includes(name));
}

type Rule = (listing: Listing) => Detected | null;

/**
 * The likeliest test command and set-up command. The first kind of project that has a test command whose program is here
 * wins; when none is, the first one that has a test command.
 */
export function detectProject(listing: Listing): Detected {
  const found = withSetUps(RULES.map((rule) => rule(listing)).filter((each) => each !== null));
  const tested = found.filter(({ gate }) => gate !== null);
  return (
    tested.find((each) => canRun(listing, each)) ??
    tested[0] ?? { gate: null, setup: found.find(({ setup }) => setup !== null)?.setup ?? null }
  );
}

/** The program that a command begins with; null: it is of the repository or of the shell, or made by set-up. */
export function programOf(command: string): string | null {
  const [program = ''] = command.trim().split(/\s/);
  return /^[A-Za-z0-9][\w.+-]*$/.test(program) && !OF_THE_SHELL.has(program) ? program : null;
}

const OF_THE_SHELL: ReadonlySet<string> = new Set([
  'case', 'cd', 'command', 'eval', 'exec', 'exit', 'export', 'for', 'if', 'read', 'set', 'source', 'time', 'trap', 'type',
  'ulimit', 'umask', 'unset', 'until', 'while',
]); // prettier-ignore

function canRun({ hasProgram }: Listing, { gate, setup }: Detected): boolean {
  return [gate, setup].every((each) => {
    const program = each === null ? null : programOf(each.command);
    return program === null || hasProgram === undefined || hasProgram(program);
  });
}

const NODE_MANAGERS: readonly { lock: string; test: string; setup: string }[] = [
  { lock: 'pnpm-lock.yaml', test: 'pnpm test', setup: 'pnpm install --frozen-lockfile' },
  { lock: 'yarn.lock', test: 'yarn test', setup: 'yarn install --frozen-lockfile' },
  { lock: 'bun.lock', test: 'bun run test', setup: 'bun install --frozen-lockfile' },
  { lock: 'bun.lockb', test: 'bun run test', setup: 'bun install --frozen-lockfile' },
  { lock: 'package-lock.json', test: 'npm test', setup: 'npm ci' },
  { lock: 'npm-shrinkwrap.json', test: 'npm test', setup: 'npm ci' },
];

function node(listing: Listing): Detected | null {
  if (!has(listing, 'package.json')) return null;
  const manifest = parseJson(listing.read('package.json'));
  const test = field(field(manifest, 'scripts'), 'test');
  const manager = NODE_MANAGERS.find(({ lock }) => has(listing, lock));
  const needs = ['dependencies', 'devDependencies', 'workspaces'].some((key) => hasEntries(field(manifest, key)));
  let setup: Guess | null = null;
  if (manager !== undefined && needs) {
    const berry = manager.lock === 'yarn.lock' && has(listing, '.yarnrc.yml');
    setup = guess(berry ? 'yarn install --immutable' : manager.setup, `there is a ${manager.lock}`);
  } else if (needs) setup = guess('npm install --no-package-lock', 'package.json has dependencies, and no lock file');
  // What npm init writes there fails on purpose.
  const real = typeof test === 'string' && test.trim() !== '' && !test.includes('no test specified');
  if (!real) return { gate: null, setup };
  return { gate: guess(manager?.test ?? 'npm test', 'package.json has a test script'), setup };
}

function python(listing: Listing): Detected | null {
  const pyproject = has(listing, 'pyproject.toml') ? (listing.read('pyproject.toml') ?? '') : '';
  const isPython = [
    'pyproject.toml',
    'setup.py',
    'setup.cfg',
    'tox.ini',
    'pytest.ini',
    'requirements.txt',
    'noxfile.py',
  ];
  if (!isPython.some((name) => has(listing, name))) return null;
  const usesPytest =
    has(listing, 'pytest.ini') ||
    has(listing, 'conftest.py') ||
    /pytest/.test(pyproject) ||
    /pytest/.test(
      ['requirements.txt', 'requirements-dev.txt', 'setup.cfg']
        .map((name) => (has(listing, name) ? (listing.read(name) ?? '') : ''))
        .join('\n'),
    );
  const why = usesPytest ? 'the project uses pytest' : 'there are tests';
  const tests = usesPytest || has(listing, 'tests/') || has(listing, 'test/');
  const run = usesPytest ? 'pytest' : 'python3 -m unittest discover';
  if (has(listing, 'uv.lock')) {
    const setup = guess('uv sync --frozen', 'there is a uv.lock');
    // By the worktree's own python: the script pytest names the worktree that set-up ran in.
    const gate = tests ? guess(`uv run python ${usesPytest ? '-m pytest' : '-m unittest discover'}`, why) : null;
    const builds = /^\s*\[build-system\]/m.test(pyproject);
    return builds ? { gate, setup, network: 'uv builds the project itself anew in each worktree' } : { gate, setup };
  }
  if (has(listing, 'poetry.lock') || /\[tool\.poetry\]/.test(pyproject)) {
    const setup = guess(
      'poetry install',
      has(listing, 'poetry.lock') ? 'there is a poetry.lock' : 'pyproject.toml is Poetry’s',
    );
    return { gate: tests ? guess(`poetry run ${run.replace('python3', 'python')}`, why) : null, setup };
  }
  const runners: Detected[] = [];
  if (has(listing, 'tox.ini') || /\[tool\.tox/.test(pyproject))
    runners.push({
      gate: guess('tox', 'tox is configured'),
      setup: guess('tox run --notest', 'tox is configured'),
      network: 'tox installs the package anew for each run',
    });
  if (has(listing, 'noxfile.py')) {
    const reason = 'there is a noxfile.py';
    runners.push({ gate: guess('nox -R', reason), setup: guess('nox --install-only', reason) });
  }
  const plain = withoutRunner(listing, tests, usesPytest, why);
  const isWhole = plain.gate !== null && (plain.setup !== null || !usesPytest);
  const usable = isWhole ? [...runners, plain] : runners;
  return usable.find((each) => canRun(listing, each)) ?? runners[0] ?? plain;
}

function withoutRunner(listing: Listing, tests: boolean, usesPytest: boolean, why: string): Detected {
  const environment = virtualEnvironment(listing, usesPytest);
  const python = environment === null ? 'python3' : `${ENVIRONMENT}/bin/python`;
  const test = usesPytest ? '-m pytest' : '-m unittest discover';
  return { gate: tests ? guess(`${python} ${test}`, why) : null, setup: environment };
}

const ENVIRONMENT = '.venv';
/**
 * An environment in the worktree, ignored whatever .gitignore says, and begun by its python: the scripts beside it name the
 * worktree that it was made in, and what set-up has made is laid into others. Null where it would not do.
 */
function virtualEnvironment(listing: Listing, usesPytest: boolean): Guess | null {
  const lists = readRequirements(listing);
  if (lists === null) return null;
  const { files, texts } = lists;
  const more = usesPytest && !texts.some((text) => /^\s*pytest\b(?!-)/im.test(text)) ? ' pytest' : '';
  const install = `${ENVIRONMENT}/bin/python -m pip install --quiet --disable-pip-version-check`;
  const command = [
    `python3 -m venv ${ENVIRONMENT}`,
    `echo '*' > ${ENVIRONMENT}/.gitignore`,
    `${install} ${files.map((name) => `-r ${name}`).join(' ')}${more}`,
  ].join(' && ');
  return guess(command, `there is a requirements.txt, and tests run in ${ENVIRONMENT}`);
}

function jvm(listing: Listing): Detected | null {
  const gradle = ['build.gradle', 'build.gradle.kts', 'settings.gradle', 'settings.gradle.kts'].find((name) =>
    has(listing, name),
  );
  const file = gradle ?? (has(listing, 'pom.xml') ? 'pom.xml' : null);
  if (file === null) return null;
  const reason = `there is a ${file}`;
  const [wrapper, plain, name] = gradle === undefined ? ['mvnw', 'mvn', 'Maven'] : ['gradlew', 'gradle', 'Gradle'];
  const program = has(listing, wrapper) ? `./${wrapper}` : plain;
  return {
    gate: guess(gradle === undefined ? `${program} -B verify` : `${program} check`, reason),
    setup: guess(gradle === undefined ? `${program} -B -DskipTests verify` : `${program} testClasses`, reason),
    network: `${name} fetches what only tests need when it runs them`,
  };
}

function ruby(listing: Listing): Detected | null {
  if (!has(listing, 'Gemfile')) return null;
  const setup = guess('bundle install', 'there is a Gemfile');
  const rspec = has(listing, '.rspec') || has(listing, 'spec/') || /rspec/.test(listing.read('Gemfile') ?? '');
  if (has(listing, 'bin/') && has(listing, 'config.ru') && has(listing, 'test/'))
    return { gate: guess('bin/rails test', 'it is a Rails application with tests'), setup };
  if (rspec) return { gate: guess('bundle exec rspec', 'the project uses RSpec'), setup };
  return { gate: has(listing, 'Rakefile') ? guess('bundle exec rake', 'there is a Rakefile') : null, setup };
}

function php(listing: Listing): Detected | null {
  if (!has(listing, 'composer.json')) return null;
  const setup = guess('composer install --no-interaction', 'there is a composer.json');
  const script = field(field(parseJson(listing.read('composer.json')), 'scripts'), 'test');
  if (script !== undefined) return { gate: guess('composer test', 'composer.json has a test script'), setup };
  const phpunit = ['phpunit.xml', 'phpunit.xml.dist', 'phpunit.dist.xml'].find((name) => has(listing, name));
  return { gate: phpunit === undefined ? null : guess('vendor/bin/phpunit', `there is a ${phpunit}`), setup };
}

/** A kind of project that one file tells, and whose tests are always run in the same way. */
function byFile(pattern: RegExp, command: string, setup: string): Rule {
  return (listing) => {
    const name = listing.names.find((each) => pattern.test(each));
    if (name === undefined) return null;
    const reason = `there is a ${name}`;
    return { gate: guess(command, reason), setup: guess(setup, reason) };
  };
}

const RULES: readonly Rule[] = [
  node,
  byFile(/^Cargo\.toml$/, 'cargo test --offline', 'cargo test --no-run'),
  byFile(/^go\.mod$/, 'go test ./...', "go test -run '^$' ./..."),
  python,
  byFile(/^mix\.exs$/, 'mix test', 'mix local.hex --force && mix local.rebar --force && mix deps.get'),
  jvm,
  ruby,
  php,
  byFile(/^deno\.jsonc?$/, 'deno test', 'deno test --no-run'),
  byFile(/\.(?:sln|slnx|csproj|fsproj)$/, 'dotnet test --no-restore', 'dotnet restore'),
  byFile(/^Package\.swift$/, 'swift test', 'swift package resolve'),
  byFile(/^pubspec\.yaml$/, 'dart test', 'dart pub get'),
  byFile(/^build\.zig$/, 'zig build test', 'zig build --fetch'),
  byFile(/^stack\.yaml$/, 'stack test', 'stack build --test --no-run-tests'),
  byFile(/\.cabal$/, 'cabal test', 'cabal update && cabal build all --enable-tests'),
  byFile(/^(?:WORKSPACE|MODULE\.bazel)$/, 'bazel test //...', 'bazel fetch //...'),
  just,
  make,
  cmake,
];

function parseJson(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

function hasEntries(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}
