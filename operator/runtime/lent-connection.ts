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
  /** Statements that have had no answer yet. */
  readonly underWay: number;
  /** Waits for statements under way, and rolls back a transaction that is still open: unless one got no answer, a time-out say, which leaves the connection in the middle of something. */
  takeBack(): Promise<Left>;
}

/** The server has refused a statement; its connection goes on, in a transaction perhaps. */
export const isAnswer = (error: unknown): boolean =>
  Error.isError(error) && 'code' in error && /^[0-9A-Z]{5}$/.test(String(error.code)) && 'severity' in error;

/** Lends a connection until it is taken back. */
export function lend(client: PoolClient, counted: Connection): Lent {
  let [isOver, isLost] = [false, false];
  let [begun, answered, settled] = [0, 0, 0];
  return {
    connection: {
      async query<Row extends QueryResultRow>(text: string, values?: readonly unknown[]) {
        if (isOver) throw new Error(goneBack);
        begun += 1;
        const own = begun; // statements are answered in their order
        try {
          const result = await counted.query<Row>(text, values);
          answered = own;
          return result;
        } catch (error) {
          isLost ||= !isAnswer(error);
          throw error;
        } finally {
          settled += 1;
        }
      },
    },
    get underWay() {
      return begun - settled;
    },
    async takeBack() {
      isOver = true;
      if (isLost) return { isOpen: false, isUsable: false };
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
