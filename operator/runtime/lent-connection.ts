import type { PoolClient, QueryResult, QueryResultRow } from 'pg';

/** One connection while it is lent. Afterwards it throws: somebody else has it. */
export interface Connection {
  query<Row extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<QueryResult<Row>>;
}

/** What a connection that came back was left in. */
export interface Left {
  /** A transaction was neither committed nor rolled back. */
  readonly isOpen: boolean;
  /** It stands between transactions, and may be lent again. */
  readonly isUsable: boolean;
}

export interface Lent {
  readonly connection: Connection;
  /** Waits for statements under way, and rolls back a transaction that is still open. */
  takeBack(): Promise<Left>;
}

/** Lends a connection until it is taken back. */
export function lend(client: PoolClient, counted: Connection): Lent {
  let isOver = false;
  let [begun, answered] = [0, 0];
  return {
    connection: {
      async query<Row extends QueryResultRow>(text: string, values?: readonly unknown[]) {
        if (isOver) throw new Error(goneBack);
        begun += 1;
        const own = begun; // statements are answered in their order
        const result = await counted.query<Row>(text, values);
        answered = own;
        return result;
      },
    },
    async takeBack() {
      isOver = true;
      let isOpen = false;
      try {
        // A refusal comes before the state that it leaves: the answer to one more statement tells that.
        if (answered < begun) await client.query('');
        isOpen = client.getTransactionStatus() !== 'I';
        if (isOpen) await client.query('ROLLBACK');
        return { isOpen, isUsable: client.getTransactionStatus() === 'I' };
      } catch {
        return { isOpen, isUsable: false };
      }
    },
  };
}

const goneBack =
  'saw a query on a connection that has gone back to the pool; wanted it before the work of withConnection has ended; next: await it there';
