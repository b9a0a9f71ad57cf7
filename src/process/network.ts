/**
 * Gives a sandbox that may reach hosts its way to the worker's proxy, and says so in its environment.
 *
 * A bridge inside listens on the namespace's own loopback. It is a program of Node, which takes some fifty milliseconds to
 * start: where there is perl, a few lines of it make the socket, start the program at once, and the bridge only when
 * somebody connects. Where there is none, the bridge starts first and the program from it.
 */

import { existsSync } from 'node:fs';
import type { Proxies } from './proxy.ts';
import type { Mount, Sandbox } from './sandbox.ts';

/** What is started, and what it sees. */
export interface Reaching {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  /** When nothing of the tree is left. */
  readonly close: () => Promise<void>;
}

const NODE = '/tributary/node';
const BRIDGE = '/tributary/bridge.mjs';
const SOCKET = '/tributary/proxy';
/** Of the namespace's own loopback. */
const PORT = 3128;
const URL = `http://127.0.0.1:${PORT}`;
const PERL = '/usr/bin/perl';

/** The number of `clone` where it is known: with it the one that waits has the namespace's first process as its parent. */
const CLONE: Readonly<Record<string, string>> = { x64: '56', arm64: '220' };
/** CLONE_PARENT and SIGCHLD. */
const CLONE_FLAGS = '0x8011';

/**
 * The one that waits is nobody's child: a program that waits for all of its own would wait for it. Where there is no clone,
 * by two forks: each process that must have its turn before the program starts costs a time slice on a busy machine.
 */
const WHEN_SOMEBODY_CONNECTS = [
  '$^F = 99;',
  'my ($clone, $port, $node, $bridge, $proxy, @run) = @ARGV;',
  'my $s;',
  // By Linux's own numbers: the module that knows them takes longer to load than everything else here.
  'socket($s, 2, 1, 0) && bind($s, pack("S n a4 x8", 2, $port, "\\x7f\\0\\0\\1")) && listen($s, 128)',
  '  or die "no loopback: $!\\n";',
  `my $pid = $clone ? syscall($clone + 0, ${CLONE_FLAGS}, 0, 0, 0, 0) : -1;`,
  'my $forks = $pid < 0;',
  'if ($forks) { $pid = fork // die "fork: $!\\n"; }',
  'if (!$pid) {',
  '  exit 0 if $forks && fork;',
  "  my $r = ''; vec($r, fileno($s), 1) = 1; select($r, undef, undef, undef);",
  '  exec $node, $bridge, $proxy, fileno($s); exit 1;',
  '}',
  'waitpid($pid, 0) if $forks;',
  'close $s;',
  'exec { $run[0] } @run; print STDERR "$run[0] could not be started: $!\\n"; exit 127;',
].join('\n');

const VARIABLES: Readonly<Record<string, string>> = {
  HTTP_PROXY: URL,
  HTTPS_PROXY: URL,
  ALL_PROXY: URL,
  http_proxy: URL,
  https_proxy: URL,
  all_proxy: URL,
  NO_PROXY: 'localhost,127.0.0.1,::1',
  no_proxy: 'localhost,127.0.0.1,::1',
};

export interface NetworkMeans {
  readonly proxies: Proxies;
  /** The built bridge-program; null where there is none: then nothing is reached. */
  readonly bridge: string | null;
  /** False: as on a machine that has no perl. */
  readonly perl?: boolean;
  /** False: as on a machine whose number of `clone` is not known. */
  readonly clone?: boolean;
}

export async function reachHosts(
  sandbox: Sandbox,
  { argv, env }: Pick<Reaching, 'argv' | 'env'>,
  { bridge, proxies, perl = true, clone = true }: NetworkMeans,
): Promise<Reaching> {
  if (typeof sandbox.network === 'string' || bridge === null) {
    return { argv, env, mounts: [], close: () => Promise.resolve() };
  }
  const way = await proxies.open(sandbox.network.hosts);
  const port = String(PORT);
  return {
    argv:
      perl && existsSync(PERL)
        ? [
            PERL,
            '-e',
            WHEN_SOMEBODY_CONNECTS,
            clone ? (CLONE[process.arch] ?? '0') : '0',
            port,
            NODE,
            BRIDGE,
            SOCKET,
            ...argv,
          ]
        : [NODE, BRIDGE, SOCKET, port, ...argv],
    env: { ...env, ...VARIABLES },
    mounts: [
      { from: process.execPath, to: NODE, write: false },
      { from: bridge, to: BRIDGE, write: false },
      // Read-only is the file: a process still connects to it.
      { from: way.socket, to: SOCKET, write: false },
    ],
    close: () => way.close(),
  };
}
