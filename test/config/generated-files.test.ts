import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { generatedFiles } from '../../src/config/generated-files.ts';

describe('generated files', () => {
  it.each(Object.entries(generatedFiles()))('%s is what npm run schemas writes', (path, text) => {
    expect(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')).toBe(text);
  });
});
