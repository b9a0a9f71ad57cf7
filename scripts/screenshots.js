#!/usr/bin/env node
/**
 * `node scripts/screenshots.js`: makes the pictures of docs/images again: the Temporal Web UI's pages of a task that
 * waits for a decision, and what `tasks inbox` and `tasks show` print of it. Needs a Chromium (CHROMIUM, else `chromium`
 * on the PATH).
 */

import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, chmod, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as pause } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { TITLE } from '../demo/people.js';
import { makeRepository } from '../demo/sample.js';
import { environmentOf, tasksCommand } from '../demo/tasks-cli.js';
import { readArguments } from './arguments.js';

readArguments({
  name: 'screenshots',
  help: `node scripts/screenshots.js: makes the pictures of docs/images again, on a stack of its own. Needs a Chromium.

usage: [CHROMIUM=/path/to/chromium] node scripts/screenshots.js
`,
});

const IMAGES = fileURLToPath(new URL('../docs/images/', import.meta.url));
const ACTOR = { TASKS_ACTOR: 'Grace' };
const UP_LIMIT_MS = 15 * 60_000;
const WAIT_LIMIT_MS = 60_000;
const PAGE_LIMIT_MS = 30_000;

const folder = await realpath(await mkdtemp(join(tmpdir(), 'tributary-pictures-')));
// As root the database runs as another user, who has to get through to its data.
await chmod(folder, 0o711);
const home = join(folder, 'home');
const repository = join(folder, 'textkit');
await mkdir(repository);
await mkdir(IMAGES, { recursive: true });
const command = tasksCommand({ home, cwd: repository, env: ACTOR });
try {
  await makeRepository(repository, environmentOf(home, ACTOR));
  await command.tasks(['up', '--detach'], { show: true, timeoutMs: UP_LIMIT_MS });
  const { id } = await command.json(['submit', TITLE, '--body', 'See src/words.js.', '--approve', 'plan,patch']);
  await awaitAsk(id, 1);
  await command.tasks(['answer', `${id}@1`, 'No: "of", "the" and "and" stay small.']);
  await awaitAsk(id, 2);
  await command.tasks(['submit', 'Make web addresses of titles', '--type', 'proposal', '--for', 'Ada']);
  await capture('inbox.txt', ['inbox']);
  await capture('show.txt', ['show', id]);
  const { temporal } = await command.json(['status']);
  await takePictures(`${temporal.uiUrl}/namespaces/default`, id);
} finally {
  await command.tasks(['down'], { timeoutMs: 90_000 });
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

async function capture(name, args) {
  const text = await command.tasks(args);
  await writeFile(join(IMAGES, name), `$ tasks ${args.join(' ')}\n${text}`);
  process.stdout.write(`docs/images/${name}\n`);
}

async function takePictures(ui, id) {
  const workflow = `${ui}/workflows/${encodeURIComponent(`task/${id}`)}`;
  const waiting = encodeURIComponent("WaitingFor = 'proposal'");
  const pages = [
    { name: 'web-ui-waiting.png', url: `${ui}/workflows?query=${waiting}`, tab: null, text: `task/${id}` },
    { name: 'web-ui-task.png', url: workflow, tab: null, text: 'plan, attempt' },
    { name: 'web-ui-details.png', url: workflow, tab: 'User Metadata', text: 'tasks approve' },
  ];
  const browser = await chromium.launch({ executablePath: browserPath(), args: ['--no-sandbox'] });
  try {
    const context = await browser.newContext({ viewport: { width: 1360, height: 1100 }, reducedMotion: 'reduce' });
    for (const { name, url, tab, text } of pages) {
      const page = await context.newPage();
      await page.goto(url, { timeout: PAGE_LIMIT_MS });
      if (tab !== null) await page.getByText(tab, { exact: true }).first().click({ timeout: PAGE_LIMIT_MS });
      // The details are in a frame of their own.
      const place = tab === null ? page : page.frameLocator('iframe').last();
      await place.getByText(text).first().waitFor({ timeout: PAGE_LIMIT_MS });
      await page.screenshot({ path: join(IMAGES, name) });
      process.stdout.write(`docs/images/${name}\n`);
      await page.close();
    }
  } finally {
    await browser.close();
  }
}

async function awaitAsk(id, version) {
  const untilMs = Date.now() + WAIT_LIMIT_MS;
  while (Date.now() < untilMs) {
    const { waitingFor } = await command.json(['show', id]);
    if (waitingFor?.version === version) return;
    await pause(200);
  }
  throw new Error(`task ${id} did not ask for the ${version}. time`);
}

function browserPath() {
  return process.env.CHROMIUM ?? execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim();
}
