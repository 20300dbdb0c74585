import { expect, test } from '@jest/globals';
import { restore } from '../../../../../operator/levers/postgresql/indexes/restore.ts';
import { build, byStatus, bySize, index, mark, seen, wanting } from './observations.ts';

test('restore() ends what runs and drops what has our mark, whatever is declared', () => {
  const observed = seen(
    { indexes: [index('by_status', 'status', { comment: mark }), index('theirs', 'size')] },
    { builds: [build({ index: 'by_size' })] },
  );
  const { changes, condition } = restore({ unit: wanting([byStatus, bySize]), observed, memory: undefined, now: 0 });
  expect(condition.message).toBe('main has none of our indexes any more in shop.'); // of others nothing is known
  expect(changes).toMatchObject([
    { action: 'Drop', name: 'by_size' },
    { action: 'Drop', name: 'by_status' },
  ]);
});
