/** The environment variables that Tributary reads, and what they mean; the page is made of these. */
export const ENVIRONMENT_VARIABLES: readonly (readonly [name: string, meaning: string])[] = [
  [
    'TASKS_HOME',
    'The state home; a `~/` at its beginning is your home folder. Otherwise `tributary` in `XDG_STATE_HOME`, or in `~/.local/state`. Made for you alone; one that is there keeps its mode, and `tasks doctor` tells of one that others may write to.',
  ],
  ['TEMPORAL_ADDRESS', 'HOST:PORT of a Temporal server to use; then none is started.'],
  ['TEMPORAL_NAMESPACE', 'The namespace there; `default` when unset.'],
  ['TEMPORAL_API_KEY', 'A key for it; turns TLS on.'],
  [
    'TEMPORAL_PROFILE',
    'A profile of `temporal.toml` to take these from: `address`, `namespace`, `api_key` and `tls` are understood, client certificates are not. The variables above win.',
  ],
  ['TEMPORAL_CONFIG_FILE', 'That file; `temporalio/temporal.toml` in `XDG_CONFIG_HOME` or `~/.config` when unset.'],
  ['DATABASE_URL', 'A Postgres for the ledger; then none is started.'],
  [
    'TASKS_ACTOR',
    "Who acts, for the record. Otherwise git's `user.name`, otherwise `USER`, otherwise the account's name.",
  ],
  [
    'TASKS_VERSIONING',
    "Anything but 0, false, off and no, for all workers of a Temporal namespace alike: they use Temporal's worker versioning, see [operating](operating.md#builds-and-worker-versioning).",
  ],
  [
    'TASKS_BUILD_ID',
    'What the build of a worker is called, such as a commit; its version and a hash of its sources when unset.',
  ],
  ['TASKS_DEBUG', 'Anything but 0: errors are followed by their stack.'],
  ['NO_COLOR, FORCE_COLOR', 'No colours, or colours also where the output is no terminal.'],
  ['CI', 'Says that nobody looks: no spinner, no questions.'],
  ['VISUAL, EDITOR', 'The editor for longer texts.'],
  ['XDG_CACHE_HOME', 'Where downloads are kept, in `tributary`; `~/.cache` when unset.'],
  ['PATH', 'Where git, agents and, for `tasks up`, a `temporal` are looked for.'],
];
