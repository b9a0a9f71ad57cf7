/** The origin asks for a password that the person's git knows, and the agent is given the very network that leads there. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { serveOverHttp, type HttpOrigin } from '../support/http-origin.ts';
import { SampleProject } from '../support/sample-project.ts';
import { projectFile } from '../support/scripted-agent.ts';
import { tempFolder } from '../support/temp.ts';

const PASSWORD = 'pa55-of-the-person-only';
const PUSHES = `git -c user.name=A -c user.email=a@example.test commit -q --allow-empty -m Mine
URL=$(cat url)
for to in "$URL" origin "http://ada@\${URL#http://}" "http://ada:guess@\${URL#http://}"; do
  git push "$to" HEAD:main && echo PUSHED
  git push "$to" HEAD:refs/heads/other && echo PUSHED
  git -c credential.helper="store --file=$PERSON/.git-credentials" push "$to" HEAD:main && echo PUSHED
done
printf 'url=%s\\n\\n' "$URL" | git -c credential.helper=store credential fill
cat ~/.git-credentials "$PERSON/.git-credentials" "$PERSON/.gitconfig"
echo x > work`;

describe('a hostile command that shares the network of the host', () => {
  let engine: Engine;
  let origin: HttpOrigin | null = null;
  let person = '';

  beforeAll(async () => {
    person = await tempFolder('person');
    const configuration = join(person, '.gitconfig');
    await writeFile(configuration, `[credential]\n\thelper = store --file=${person}/.git-credentials\n`);
    engine = await Engine.start({ sharesHome: false, personal: { GIT_CONFIG_GLOBAL: configuration } });
  });
  afterAll(async () => {
    await engine.stop();
    await origin?.close();
  });

  it("pushes to the origin with the machine's own credentials: has none, and the engine lands with them", async () => {
    const project = await SampleProject.create({
      'tasks.yaml': projectFile('setup: "true"\nnetwork: {agents: host, setup: host, gate: host}'),
      'gate.sh': 'true\n',
      'agent.sh': 'exit 1\n',
    });
    origin = await serveOverHttp(dirname(project.origin), 'ada', PASSWORD);
    const url = `http://127.0.0.1:${origin.port}/${basename(project.origin)}`;
    await writeFile(join(person, '.git-credentials'), `http://ada:${PASSWORD}@127.0.0.1:${origin.port}\n`);
    const id = await engine.submit(project, {
      title: 'Push',
      work: { kind: 'shell', run: `exec 2>&1; PERSON='${person}'; echo '${url}' > url; ${PUSHES}` },
      attempts: 1,
      spec: { origin: url },
    });
    const view = await engine.untilEnded(id);
    const log = await eventually('its log', async () => {
      const text = (await engine.ledger.readLogs(id, null, 1_000)).map((chunk) => chunk.text).join('');
      return text.includes('.gitconfig') ? text : null;
    });
    expect({ state: view.state, log }).toMatchObject({ state: 'landed' });
    // It has tried, at the very origin.
    expect(origin.refused.filter((asked) => asked.includes('git-receive-pack')).length).toBeGreaterThanOrEqual(3);
    expect(log).not.toContain('PUSHED');
    expect(log).not.toContain(PASSWORD);
    // What was served, the engine has asked for.
    expect(origin.served.some((asked) => asked.startsWith('POST') && asked.endsWith('git-receive-pack'))).toBe(true);
    expect(await project.subjects()).toEqual(['Push', 'Begin']);
    expect(await project.originGit('for-each-ref', '--format=%(refname)', 'refs/heads', 'refs/tags')).toBe(
      'refs/heads/main',
    );
    const notes = (await engine.ledger.readEvents(id)).flatMap(({ happened }) =>
      happened.kind === 'attempt-ended' ? (happened.notes ?? []) : [],
    );
    expect(notes).toEqual([
      expect.stringMatching(/^it shares this host's network: it reaches whatever listens here/),
      expect.stringMatching(/^its set-up shares this host's network/),
    ]);
    const said = engine.log.filter((line) => line.includes("shares this host's network"));
    expect(said.filter((line) => line.includes('an attempt: '))).toHaveLength(2);
    expect(said.filter((line) => line.includes('a gate run: '))).toHaveLength(2);
  });
});
