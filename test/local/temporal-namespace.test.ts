import { describe, expect, it } from '@jest/globals';
import { registerSearchAttributes } from '../../src/local/temporal-namespace.ts';
import { testNamespace } from '../support/temporal.ts';

describe('a namespace', () => {
  it('gets what it lacks of its search attributes, and refuses one of another type', async () => {
    const { connection, namespace, drop } = await testNamespace({ TaskState: 'Keyword' });
    try {
      await registerSearchAttributes(connection, namespace, { TaskState: 'Keyword', Priority: 'Int' });
      const known = await connection.operatorService.listSearchAttributes({ namespace });
      expect(Object.keys(known.customAttributes ?? {})).toEqual(expect.arrayContaining(['TaskState', 'Priority']));
      await expect(registerSearchAttributes(connection, namespace, { TaskState: 'Int' })).rejects.toThrow('TaskState');
    } finally {
      await drop();
    }
  });
});
