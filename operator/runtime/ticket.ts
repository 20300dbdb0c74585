import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { isRefusal } from './heartbeat.ts';

/**
 * The right to write a key that was not there. While the key is loaded it is a set of one ticket, the same for all who load it: who deletes or writes the key ends it.
 * Each step is one transaction of our own commands. A script would do it too, but Redis tells also us of what a script writes (NOLOOP).
 */
export type Ticket = string;

/** What takes longer to load is not written. */
const ticketMs = 600_000;

/** Of a key's own beginning, since a user may have the rights to nothing else. */
const besides = (name: string, ticket: Ticket): string => `${name}\0${ticket}`;

/** Before what the key stands for is read anywhere else. @returns Undefined: something is there, and nothing may be written. */
export async function drawTicket(redis: Redis, name: string): Promise<Ticket | undefined> {
  const ticket = randomUUID();
  const own = besides(name, ticket);
  const drawing = redis.multi().sadd(own, ticket).pexpire(own, ticketMs).renamenx(own, name).del(own);
  const [, , renamed] = (await drawing.exec()) ?? [];
  return renamed?.[1] === 1 ? ticket : sharedTicket(redis, name);
}

/** That of somebody who loads the key already. */
export async function sharedTicket(redis: Redis, name: string): Promise<Ticket | undefined> {
  try {
    return (await redis.srandmember(name)) ?? undefined;
  } catch (error) {
    if (isOfAnotherType(error)) return undefined; // it has been loaded
    throw error;
  }
}

/** @returns Whether it was written: not where anybody has deleted or written the key, or Redis has lost it, since the ticket was drawn. */
export async function writeWith(
  redis: Redis,
  {
    name,
    ticket,
    text,
    ttlMs,
  }: { readonly name: string; readonly ticket: Ticket; readonly text: string; readonly ttlMs: number },
): Promise<boolean> {
  const own = besides(name, ticket);
  // Without the ticket there is nothing to move, so nothing to set, so nothing to rename.
  const writing = redis.multi().smove(name, own, ticket).set(own, text, 'PX', ttlMs, 'XX').rename(own, name);
  const [, , renamed] = (await writing.exec()) ?? [];
  return renamed?.[1] === 'OK';
}

/** A ticket where a text was asked for, or the other way round. */
export const isOfAnotherType = (error: unknown): boolean =>
  isRefusal(error) && (error as Error).message.startsWith('WRONGTYPE');
