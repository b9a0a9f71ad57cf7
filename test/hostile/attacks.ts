/** What hostile agents try, as lines of shell; what must not have happened stands in the test beside this file. */

import type { FailureKind } from '../../src/core/failure.ts';

/** Where things are on the host that an agent must not reach, and what it must not find out. */
export interface Targets {
  readonly home: string;
  readonly origin: string;
  readonly temporalPort: string;
  readonly postgresPort: string;
  /** A folder of the host; whatever runs outside of a sandbox can write it. */
  readonly canary: string;
  readonly workerPid: number;
  /** Where the person's ssh-agent listens; who connects is counted. */
  readonly agentSocket: string;
  /** A port of this host's loopback; who connects is counted. */
  readonly openPort: number;
}

export interface Attack {
  readonly what: string;
  readonly does: (targets: Targets) => string;
  /** Landed when left out. */
  readonly ends?: FailureKind;
  /** What the log must have: that it was tried, and how it went. */
  readonly says?: RegExp;
  /** What the log must not have. */
  readonly never?: RegExp;
  readonly totalTimeoutMs?: number;
}

const AS = 'git -c user.name=A -c user.email=a@example.test';
/** A program that an engine which runs it would betray itself by. */
const betray = ({ canary }: Targets): string => `touch ${canary}/ran`;
const COMMON =
  'M=$(git rev-parse --path-format=absolute --git-common-dir); G=$(git rev-parse --path-format=absolute --git-dir)';

const connectTo = (targets: readonly string[]): string =>
  `cat > /tmp/try.cjs <<'END'
const net = require('node:net');
for (const to of ${JSON.stringify(targets)}) {
  const [host, port] = to.split('|');
  const at = port === undefined ? { path: host } : { host, port: Number(port), timeout: 2000 };
  const s = net.connect(at);
  s.on('connect', () => { console.log('REACHED', to); s.destroy(); });
  s.on('error', (error) => console.log('not', to, error.code));
  s.on('timeout', () => { console.log('not', to, 'timeout'); s.destroy(); });
}
END
node /tmp/try.cjs; echo x > connect`;

export const ATTACKS: readonly Attack[] = [
  {
    what: 'pushes to the origin, moves main, and every ref that it can name',
    does: ({ origin }) =>
      `${COMMON}; echo x > pushed; ${AS} add -A; ${AS} commit -qm Mine; git push '${origin}' HEAD:main; git push origin HEAD:main; git update-ref refs/remotes/origin/main HEAD && echo moved its own copy; git tag v9; git branch other; echo $?`,
    says: /moved its own copy/,
  },
  {
    what: "moves another task's branch in the mirror",
    does: () =>
      `${COMMON}; git update-ref refs/heads/tasks/0000000000 HEAD; git branch -f tasks/1111111111; ls "$M/worktrees"; echo x > refs`,
  },
  {
    what: "writes to the mirror's config, hooks, packs, alternates and HEAD",
    does: (at) =>
      `${COMMON}; printf '[core]\\n\\tfsmonitor = ${betray(at)}\\n' >> "$M/config" && echo WROTE; mkdir "$M/hooks" && echo WROTE; rm -rf "$M/HEAD" "$M/config" && echo WROTE; echo /x > "$M/objects/info/alternates" && echo WROTE; rm -rf "$M"/objects/pack/* "$M"/objects/??; ls -A "$M/objects/../../" ; echo x > mirror`,
    never: /WROTE/,
    says: /Read-only file system/,
  },
  {
    what: 'deletes every object that it can reach',
    does: () => `${COMMON}; rm -rf "$M"/objects/* /tributary/objects/*; echo x > objects`,
    says: /Read-only file system|Device or resource busy/,
  },
  {
    what: 'plants hooks, filters, drivers, textconv, fsmonitor and an ssh command in what is its own',
    does: (at) =>
      `${COMMON}; cat > "$G/config.worktree" <<'END'
[core]
	fsmonitor = "${betray(at)}"
	sshCommand = "${betray(at)}"
	hooksPath = hooks
[include]
	path = /tmp/more
[filter "x"]
	clean = "${betray(at)}"
	smudge = "${betray(at)}"
	required = true
[diff "x"]
	textconv = "${betray(at)}"
	command = "${betray(at)}"
[merge "x"]
	driver = "${betray(at)}"
END
cp "$G/config.worktree" "$G/config"; mkdir -p "$G/hooks" hooks
for h in pre-commit post-commit post-checkout reference-transaction pre-push; do printf '#!/bin/sh\\n${betray(at)}\\n' > hooks/$h; chmod +x hooks/$h; cp hooks/$h "$G/hooks/"; done
echo '* filter=x diff=x merge=x' > .gitattributes; mkdir -p "$G/info"; cp .gitattributes "$G/info/attributes"`,
  },
  {
    what: 'leaves a repository of its own with filters inside the worktree',
    does: (at) =>
      `git init -q vendor; git -C vendor config filter.x.clean '${betray(at)}'; git -C vendor config core.fsmonitor '${betray(at)}'; echo '* filter=x' > vendor/.gitattributes; echo x > vendor/f`,
    ends: 'nested-repository',
  },
  {
    what: 'leaves a repository named in another case',
    does: (at) => `git init -q v; mv v/.git v/.GIT; printf '[core]\\n\\tfsmonitor = ${betray(at)}\\n' >> v/.GIT/config`,
    ends: 'nested-repository',
  },
  {
    what: 'puts another repository in the place of its own',
    does: (at) =>
      `rm .git; git init -q .; git config core.fsmonitor '${betray(at)}'; ${AS} add -A; ${AS} commit -qm Else`,
    ends: 'nested-repository',
  },
  {
    what: 'commits an unrelated history',
    does: () =>
      `T=$(git write-tree); C=$(${AS} commit-tree -m Unrelated $T); git update-ref refs/heads/tasks/$TASKS_TASK_ID $C`,
    ends: 'unrelated-history',
  },
  {
    what: 'commits a submodule that leads out of the tree',
    does: (at) =>
      `printf '[submodule "../../x"]\\n\\tpath = ../x\\n\\turl = file://${at.origin}\\n\\tupdate = !${betray(at)}\\n' > .gitmodules; git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),sub; git add .gitmodules; ${AS} commit -qm Sub`,
    ends: 'unstorable-files',
  },
  {
    what: 'commits a tree with .git and .. in it',
    does: () =>
      `B=$(echo evil | git hash-object -w --stdin); T=$(printf '100644 blob %s\\t.git\\n' $B | git mktree); U=$(printf '040000 tree %s\\t..\\n' $T | git mktree); C=$(${AS} commit-tree -p HEAD -m Evil $U); git update-ref refs/heads/tasks/$TASKS_TASK_ID $C`,
    ends: 'unstorable-files',
  },
  {
    what: 'leaves pipes, links and rubbish among its objects',
    does: () =>
      `${COMMON}; mkdir -p "$M/objects/ab"; mkfifo "$M/objects/ab/$(printf '%038d' 0)" "$M/objects/pack/pack-x.pack"; ln -s /etc/passwd "$M/objects/ab/$(printf '%038d' 1)"; ln -s / "$M/objects/ff"; mkfifo "$M/refs/heads/tasks/zz"; echo x > own; ${AS} add own; ${AS} commit -qm Own`,
  },
  {
    what: 'writes a symbolic link out of the tree and files with names of options',
    does: () =>
      `ln -s ../../../../../../etc out; ln -s /etc/passwd passwd; echo x > --option; echo x > -rf; mkdir -- --upload-pack=x; echo x > ./--upload-pack=x/f`,
  },
  {
    what: 'commits a name of 300 characters',
    does: () =>
      `B=$(echo x | git hash-object -w --stdin); (git ls-tree HEAD; printf '100644 blob %s\\t%s\\n' $B $(printf 'n%.0s' $(seq 300))) | git mktree > /tmp/t; C=$(${AS} commit-tree -p HEAD -m Long $(cat /tmp/t)); git update-ref refs/heads/tasks/$TASKS_TASK_ID $C; git read-tree HEAD`,
    ends: 'unstorable-files',
  },
  {
    what: 'commits a few folders that are thousands of millions of files',
    does: () =>
      `T=$(echo x | git hash-object -w --stdin); M='100644 blob'; for l in 0 1 2 3 4 5 6 7 8 9 a b; do T=$(for n in 0 1 2 3 4 5 6 7 8 9; do printf "$M $T\\t$n\\n"; done | git mktree); M='040000 tree'; done; C=$(${AS} commit-tree -p HEAD -m Bomb $T); git update-ref refs/heads/tasks/$TASKS_TASK_ID $C`,
    ends: 'unstorable-files',
  },
  {
    what: 'commits a file of hundreds of MiB that takes nothing of the disk',
    does: () =>
      `truncate -s 300M /tmp/huge; B=$(git hash-object -w --no-filters /tmp/huge); C=$(${AS} commit-tree -p HEAD -m Huge $(printf "100644 blob $B\\thuge\\n" | git mktree)); git update-ref refs/heads/tasks/$TASKS_TASK_ID $C`,
    ends: 'unstorable-files',
  },
  {
    what: 'leaves pipes in the place of the files by which git goes',
    does: () =>
      `mkdir sub; echo x > sub/f; for f in .gitignore .gitattributes .gitmodules sub/.gitignore; do rm -f $f; mkfifo $f; done`,
    ends: 'unstorable-files',
  },
  {
    what: 'leaves a .gitignore of forty GiB that are all hole',
    does: () => `truncate -s 40G .gitignore; echo x > f`,
    ends: 'unstorable-files',
  },
  {
    what: 'leaves folders in one another, deeper than a path can be',
    does: () => `perl -e 'for (1 .. 600) { mkdir "dddddddddd"; chdir "dddddddddd" or die }'`,
    ends: 'unstorable-files',
  },
  {
    what: 'leaves thousands of files',
    // many-files.test.ts has a hundred thousand.
    does: () => `mkdir many; cd many; seq 2000 | xargs touch`,
  },
  {
    what: 'leaves a file of 2 GB that is all hole',
    does: () => `truncate -s 2G hole`,
    ends: 'unstorable-files',
  },
  {
    what: 'commits a file that is all hole and too large to be stored',
    does: () => `truncate -s 120M hole; ${AS} add -A; ${AS} commit -qm Hole`,
    ends: 'unstorable-files',
  },
  {
    what: 'writes a file of 2 GB as fast as it can',
    does: () => `head -c 2147483648 /dev/zero > real; while :; do sleep 0.1; done`,
    ends: 'too-much-written',
  },
  {
    what: 'leaves .git as a file that leads to a repository of its own',
    does: (at) =>
      `git init -q /tmp/own; git -C /tmp/own config core.fsmonitor '${betray(at)}'; echo 'gitdir: /tmp/own/.git' > .git; echo x > led`,
    ends: 'nested-repository',
  },
  {
    what: 'leaves .git as a file in a folder',
    does: (at) =>
      `git init -q $TASKS_TASK_DIR/own; git -C $TASKS_TASK_DIR/own config core.fsmonitor '${betray(at)}'; mkdir sub; echo "gitdir: $TASKS_TASK_DIR/own/.git" > sub/.git; echo x > sub/f`,
    ends: 'nested-repository',
  },
  {
    what: 'works on a branch that is named like an option',
    does: () =>
      `git update-ref refs/heads/--upload-pack=touch HEAD; git symbolic-ref HEAD refs/heads/--upload-pack=touch; echo x > option`,
    ends: 'wrong-branch',
  },
  {
    what: 'works on a branch that is named like an option in the place of its own',
    does: () => `git update-ref refs/heads/tasks/--exec=touch HEAD; echo x > other-option`,
  },
  {
    what: 'forks for ever',
    // One after the other, and bounded for when nothing holds it: test/process has the bomb that doubles, where the kernel does.
    does: () => `i=0; while [ $i -lt 4000 ]; do sleep 900006 & i=$((i + 1)); done; wait`,
    ends: 'too-many-processes',
  },
  {
    what: 'takes all memory',
    does: () => `node -e 'const kept = []; setInterval(() => kept.push(Buffer.alloc(16777216, 1)), 5)'`,
    ends: 'too-much-memory',
  },
  {
    what: 'fills the disk by its worktree',
    does: () => `while head -c 100000000 /dev/zero >> fill; do sleep 0.1; done`,
    ends: 'too-much-written',
  },
  {
    what: 'fills the disk by the folder that git has for its worktree',
    // More than it may; bounded for when nobody sees it.
    does: () =>
      `cd "$(git rev-parse --absolute-git-dir)"; for i in 1 2 3 4; do head -c 100000000 /dev/zero >> fill; done; sleep 30`,
    ends: 'too-much-written',
  },
  {
    what: 'fills the disk by temporary files that it has already removed the names of',
    does: () =>
      `exec 9> /tmp/x; rm /tmp/x; for i in 1 2 3 4; do head -c 40000000 /dev/zero >&9; done; echo x > unnamed`,
  },
  {
    what: "reads the state home, other tasks' folders, the home of the person and the environment of the worker",
    does: ({ home, workerPid }) =>
      `cat ${home}/workspaces/sample/other/worktree/secret ${home}/workspaces/sample/other/task/secret; find / -name secret -not -path '/proc/*' -exec cat {} +; cat ${home}/secret ${home}/host.yaml ${home}/spool/* /root/.ssh/* /root/.bash_history; ls ${home} ${home}/workspaces ${home}/workspaces/*; cat /proc/*/environ /proc/${workerPid}/environ | tr '\\0' '\\n'; ls -A ~ /home /root; echo x > looked`,
    says: /No such file/,
    never: /the secret of the home|the secret of the worker|the secret of another task/,
  },
  {
    what: "signals its own approval, polls landing's queue, writes to the ledger: connects to Temporal, Postgres, Docker, the ssh agent and the cloud's metadata",
    does: ({ temporalPort, postgresPort, agentSocket, openPort }) =>
      connectTo([
        agentSocket,
        `127.0.0.1|${openPort}`,
        `127.0.0.1|${temporalPort}`,
        `127.0.0.1|${postgresPort}`,
        `::1|${temporalPort}`,
        '169.254.169.254|80',
        '/var/run/docker.sock',
        '/run/docker.sock',
        '/run/user/0/bus',
        `/tmp/.s.PGSQL.${postgresPort}`,
      ]),
    says: /not 127\.0\.0\.1\|\d+ ECONNREFUSED/,
    never: /REACHED/,
  },
  {
    what: "asks the worker's proxy for the same",
    does: ({ temporalPort }) =>
      `for to in 127.0.0.1:${temporalPort} localhost:${temporalPort} 169.254.169.254:80 [::1]:${temporalPort} 2130706433:${temporalPort} 0.0.0.0:${temporalPort} 10.0.0.1:22; do printf 'CONNECT %s HTTP/1.1\\r\\n\\r\\n' $to | node -e "const s=require('net').connect(3128,'127.0.0.1'); process.stdin.pipe(s); s.on('data',(d)=>{console.log(String(d).split('\\r\\n')[0]); s.destroy()})"; done; echo x > asked`,
    says: /403 Refused/,
    never: /200 Connection/,
  },
  {
    what: 'opens a listening socket and stays, in sessions of its own that ignore TERM',
    does: () =>
      `(trap '' TERM; setsid node -e "require('net').createServer().listen(8123, '0.0.0.0'); process.on('SIGTERM', () => 0)" &) ; (setsid sh -c 'trap "" TERM; env -i setsid sleep 900003 &' &); sleep 0.2; echo x > stays`,
  },
  {
    what: 'kills everything that it can see',
    does: ({ workerPid }) => `kill -9 ${workerPid}; kill -9 -1; kill -9 1; echo x > killed`,
  },
  {
    what: 'starts hundreds of processes that stay',
    does: () => `for i in $(seq 300); do (trap '' TERM; exec sleep 900004) & done; echo x > forked`,
  },
  {
    what: 'loops for ever on every core, and prints nothing',
    does: () => `for i in 1 2; do (while :; do :; done) & done; wait`,
    ends: 'total-timeout',
    totalTimeoutMs: 4_000,
  },
  {
    what: 'fills shared memory',
    does: () => `head -c 400000000 /dev/zero > /dev/shm/x; echo x > filled`,
    says: /No space left/,
  },
  {
    what: 'sets the kernel, mounts, and makes name spaces to get out of its own',
    does: () =>
      `v=$(cat /proc/sys/kernel/core_pattern); (echo "$v" > /proc/sys/kernel/core_pattern) && echo WROTE; mount -o remount,rw /usr && echo WROTE; mount -t tmpfs x /mnt && echo WROTE; mknod /tmp/sda b 8 0 && echo WROTE; chroot / true && echo WROTE; unshare -Urm sh -c 'mount -o remount,rw,bind /usr && touch /usr/WROTE && echo WROTE; mount -t tmpfs x /usr; nsenter -t 1 -m ls /home'; echo x > kernel`,
    never: /WROTE/,
  },
  {
    what: 'prints what looks like colours, titles and answers to a terminal',
    does: () => `printf '\\033]0;owned\\007\\033[2J\\033[6n'; echo x > terminal`,
  },
];
