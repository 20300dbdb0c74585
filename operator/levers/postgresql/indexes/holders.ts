import { setTimeout } from 'node:timers/promises';
import type { LRUCache } from 'lru-cache';
import { Problem } from '../../../api/problem.ts';
import type { PostgresConnection } from '../connect.ts';
import { readHolders, type Holder } from './catalogue.ts';
import { qualified } from './statement.ts';
import { endingOf, transactionText } from './words.ts';

interface HeldIndex {
  readonly schema: string;
  readonly name: string;
  readonly oid: string;
}

/** How long it is tried again. Of a service that is gone somebody has to remember it. */
export type Tried = 'while the service is there' | 'for a day' | 'no more';

/** Transactions that were waited for once, by server: they are not waited for again at the next index. */
export type KnownHolders = LRUCache<string, true>;

const passesWithinMs = 3000;
const lookEveryMs = 250;

/**
 * A concurrent drop makes the index invalid and only then waits for whoever has read its table: every write goes on keeping up what nobody can use. So that wait is made before it.
 * Nobody is waited for who came later: a table that is read all the time is never without a reader.
 *
 * @throws {Problem} Where one goes on: nothing was begun.
 */
export async function untilUnheld(
  postgres: PostgresConnection,
  index: HeldIndex,
  { known, tried }: { readonly known: KnownHolders; readonly tried: Tried },
  signal: AbortSignal,
): Promise<void> {
  const keyOf = ({ transaction }: Holder): string => `${postgres.label} ${transaction}`;
  let holders = await readHolders(postgres, index.oid);
  const first = new Set(holders.map(keyOf));
  for (let waitedMs = 0; holders.length > 0; waitedMs += lookEveryMs) {
    if (waitedMs >= passesWithinMs || holders.some((one) => known.has(keyOf(one)))) {
      for (const one of holders) known.set(keyOf(one), true);
      throw heldProblem(index, holders, tried);
    }
    await setTimeout(lookEveryMs, undefined, { signal });
    holders = (await readHolders(postgres, index.oid)).filter((one) => first.has(keyOf(one)));
  }
}

function heldProblem({ schema, name }: HeldIndex, holders: readonly Holder[], tried: Tried): Problem {
  const [one, ...others] = holders;
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return new Problem('Failed', {
    saw: `the table of index ${schema}.${name} read or locked by ${one === undefined ? 'somebody' : transactionText(one)}${more}`,
    wanted: 'their end before it is dropped',
    next: `${one === undefined ? 'wait' : endingOf(one)}; ${byHand({ schema, name }, tried)}`,
  });
}

/** Who reads it may read it when nobody tries again. */
export const byHand = ({ schema, name }: Pick<HeldIndex, 'schema' | 'name'>, tried: Tried): string =>
  `it is ${tried === 'no more' ? '' : `tried again ${tried}, and then `}left to you: DROP INDEX CONCURRENTLY ${qualified(schema, name)}`;
