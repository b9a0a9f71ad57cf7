/**
 * Gives a sandbox that may reach hosts its way to the worker's proxy, and says so in its environment.
 *
 * A bridge inside listens on the namespace's own loopback. It is a program of Node, which takes some fifty milliseconds to
 * start: where there is perl, a few lines of it are the namespace's first process, which makes the socket, starts the program at
 * once, and the bridge only when somebody connects. Where there is none, the bridge starts first and the program from it.
 */

import { existsSync } from 'node:fs';
import type { Proxies } from './proxy.ts';
import type { Mount, Sandbox } from './sandbox.ts';
import { isWithin, systemFolders } from './visible.ts';

/** What is started, and what it sees. */
export interface Reaching {
  readonly argv: readonly [string, ...string[]];
  /** It is to be the first process of its namespace. */
  readonly isFirst: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  /** When nothing of the tree is left. */
  readonly close: () => Promise<void>;
}

/** The worker's own, where that is not among the system's programs. */
const NODE = '/tributary/node';
const BRIDGE = '/tributary/bridge.mjs';
const SOCKET = '/tributary/proxy';
/** Of the namespace's own loopback. */
const PORT = 3128;
const URL = `http://127.0.0.1:${PORT}`;
const PERL = '/usr/bin/perl';

/** pidfd_open, which has one number on all machines; Linux has it since 5.3. */
const PIDFD_OPEN = '434';
/** Where it is not there, so often is looked whether the program has ended; in seconds. */
const LOOK_EVERY_S = 0.05;
/** What perl reads of the locale takes it longer than all else here; it is not for the program to have. */
const WITHOUT_LOCALE = 'PERL_SKIP_LOCALE_INIT';
/** The program's own variables that begin so tell perl what to load, or how to read arguments: such a program begins without it. */
const FOR_PERL = 'PERL';

/**
 * The namespace's first process: all others end with it, and it ends as the program does. It takes in those whose parents have
 * ended, so that none of them stays a zombie.
 */
const FIRST_PROCESS = [
  '$^F = 99;',
  `delete $ENV{${WITHOUT_LOCALE}};`,
  'my ($pidfd, $port, $node, $bridge, $proxy, @run) = @ARGV;',
  'my $s;',
  // By Linux's own numbers: the module that knows them takes longer to load than everything else here.
  'socket($s, 2, 1, 0) && bind($s, pack("S n a4 x8", 2, $port, "\\x7f\\0\\0\\1")) && listen($s, 128)',
  '  or die "no loopback: $!\\n";',
  'my $pid = fork // die "fork: $!\\n";',
  'if (!$pid) {',
  '  close $s;',
  '  exec { $run[0] } @run; print STDERR "$run[0] could not be started: $!\\n"; exit 127;',
  '}',
  'my $ended = $pidfd ? syscall($pidfd + 0, $pid, 0) : -1;',
  // Wakes it from the wait below.
  '$SIG{CHLD} = sub {};',
  'for (;;) {',
  '  while ((my $gone = waitpid(-1, 1)) > 0) {',
  '    exit($? & 127 ? 128 + ($? & 127) : $? >> 8) if $gone == $pid;',
  '  }',
  "  my $r = '';",
  '  vec($r, $ended, 1) = 1 if $ended >= 0;',
  '  vec($r, fileno($s), 1) = 1 if $s;',
  `  my $woken = select($r, undef, undef, $ended < 0 ? ${LOOK_EVERY_S} : undef);`,
  '  next if $woken < 1 || !$s || !vec($r, fileno($s), 1);',
  '  my $reached = fork;',
  '  if (defined $reached && !$reached) { exec $node, $bridge, $proxy, fileno($s); exit 1; }',
  // No process is free for it just now.
  `  if (!defined $reached) { select(undef, undef, undef, ${LOOK_EVERY_S}); next; }`,
  '  close $s; undef $s;',
  '}',
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
  /** False: as on a Linux before 5.3. */
  readonly pidfd?: boolean;
}

export async function reachHosts(
  sandbox: Sandbox,
  { argv, env }: Pick<Reaching, 'argv' | 'env'>,
  { bridge, proxies, perl = true, pidfd = true }: NetworkMeans,
): Promise<Reaching> {
  if (typeof sandbox.network === 'string' || bridge === null) {
    return { argv, isFirst: false, env, mounts: [], close: () => Promise.resolve() };
  }
  const way = await proxies.open(sandbox.network.hosts);
  // Bubblewrap takes its time for each thing that it is to show.
  const node = isShown(process.execPath, sandbox) ? process.execPath : NODE;
  const port = String(PORT);
  const isFirst = perl && existsSync(PERL) && !Object.keys(env).some((name) => name.startsWith(FOR_PERL));
  return {
    argv: isFirst
      ? [PERL, '-e', FIRST_PROCESS, pidfd ? PIDFD_OPEN : '0', port, node, BRIDGE, SOCKET, ...argv]
      : [node, BRIDGE, SOCKET, port, ...argv],
    isFirst,
    env: { ...env, ...VARIABLES, ...(isFirst ? { [WITHOUT_LOCALE]: '1' } : {}) },
    mounts: [
      ...(node === NODE ? [{ from: process.execPath, to: NODE, write: false }] : []),
      { from: bridge, to: BRIDGE, write: false },
      // Read-only is the file: a process still connects to it.
      { from: way.socket, to: SOCKET, write: false },
    ],
    close: () => way.close(),
  };
}

/** Whether a program is among those that every sandbox sees, and in none of the folders that this one does not. */
function isShown(path: string, { hidden = [] }: Sandbox): boolean {
  return systemFolders().some((folder) => isWithin(path, folder)) && !hidden.some((folder) => isWithin(path, folder));
}
