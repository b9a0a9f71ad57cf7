/** As much of an SMTP server as sending takes: it keeps what it is sent, for tests of what sends. */

import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  /** What AUTH gave, decoded; null without. */
  readonly user: string | null;
  readonly data: string;
}

export interface MailServer {
  readonly port: number;
  readonly mails: Mail[];
  /** The reply to a command, instead of the usual one; null: the usual one. Never: `silent`. */
  refuse: (command: string) => string | null;
  /** It takes connections and says nothing. */
  silent: boolean;
  close(): Promise<void>;
}

export async function mailServer(): Promise<MailServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    if (!mail.silent) converse(mail, socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const mail: MailServer = {
    port: (server.address() as AddressInfo).port,
    mails: [],
    refuse: () => null,
    silent: false,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
  return mail;
}

function converse(server: MailServer, socket: Socket): void {
  let pending = '';
  let data: string[] | null = null;
  let envelope = { from: '', to: [] as string[], user: null as string | null };
  const say = (line: string): void => void socket.write(`${line}\r\n`);
  const take = (line: string): void => {
    if (data !== null) {
      if (line !== '.') return void data.push(line.replace(/^\.\./, '.'));
      server.mails.push({ ...envelope, data: data.join('\n') });
      data = null;
      return say('250 2.0.0 kept');
    }
    const refusal = server.refuse(line);
    if (refusal !== null) return say(refusal);
    const [, address = ''] = /<([^>]*)>/.exec(line) ?? [];
    if (/^EHLO/i.test(line)) say('250-test\r\n250 AUTH PLAIN');
    else if (/^AUTH PLAIN /i.test(line)) {
      envelope = { ...envelope, user: Buffer.from(line.slice(11), 'base64').toString('utf8').replaceAll('\0', '|') };
      say('235 welcome');
    } else if (/^MAIL FROM/i.test(line)) {
      envelope = { ...envelope, from: address };
      say('250 ok');
    } else if (/^RCPT TO/i.test(line)) {
      envelope = { ...envelope, to: [...envelope.to, address] };
      say('250 ok');
    } else if (/^DATA/i.test(line)) {
      data = [];
      say('354 go on');
    } else if (/^QUIT/i.test(line)) {
      say('221 bye');
      socket.end();
    } else say('250 ok');
  };
  say('220 test');
  socket.setEncoding('utf8').on('data', (text: string) => {
    const lines = (pending + text).split('\r\n');
    pending = lines.pop() ?? '';
    for (const line of lines) take(line);
  });
}
