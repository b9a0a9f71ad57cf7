import { describe, expect, it } from '@jest/globals';
import { scanFor, secretsIn } from '../../src/core/included.ts';

const KEY = 'k3y-0123456789';
const PATH = 'app/.env';
const names = (text: string): readonly string[] => secretsIn([{ path: PATH, text }]).map(({ name }) => name);

describe('a copied file', () => {
  it.each([
    `API_KEY=${KEY}`,
    `export API_KEY="${KEY}"`,
    `  API_KEY: '${KEY}',`,
    `# keys\nAPI_KEY = ${KEY}\nDEBUG=1`,
    'API_KEY=postgres://me:secret@host/shop',
  ])('has a key in %j', (text) => {
    expect(names(text)).toEqual(['API_KEY of app/.env']);
  });

  it.each([
    '',
    'PORT=3000',
    'NODE_ENV=development',
    'NUMBER=123456789012',
    'A sentence with words and 12345678901234',
    'URL=http://localhost:3000/path1',
    'URL=postgres://localhost:5432/shop',
  ])('has none in %j', (text) => {
    expect(names(text)).toEqual([]);
  });
});

describe('what is stored', () => {
  const text = `API_KEY=${KEY}\nNODE_ENV=development\n`;
  const scan = scanFor([
    { path: PATH, text },
    { path: 'notes', text: 'grüße an alle, die dies lesen\n' },
    { path: 'short', text: 'x=1\n' },
  ]);
  const found = (content: string) => scan(Buffer.from(content));

  it('has a key of it, wherever it stands', () => {
    expect(found(`const key = '${KEY}';`)).toEqual([{ kind: 'format', name: 'API_KEY of app/.env', text: KEY }]);
  });

  it('has it as a whole, in any encoding of its own', () => {
    expect(found('before\ngrüße an alle, die dies lesen\nafter')).toMatchObject([{ name: 'the copied file notes' }]);
  });

  it('may have what is no key, and what stands in any file', () => {
    expect(found('NODE_ENV=development\n')).toEqual([]);
    expect(found('x=1\n')).toEqual([]);
    expect(found('')).toEqual([]);
    expect(scanFor([])(Buffer.from(KEY))).toEqual([]);
  });
});
