import { isSettable, serverNames } from './parameters.ts';
import type { RedisConnection } from './connect.ts';

/** What this server calls a parameter and what it has. */
export interface ServerValue {
  readonly serverName: string;
  readonly value: string;
}

/** The values of the parameters that this server knows, by canonical name. One name a command: 6.2 takes no more. */
export async function readConfig(
  redis: RedisConnection,
  canonicalNames: Iterable<string>,
): Promise<ReadonlyMap<string, ServerValue>> {
  const read = await Promise.all(
    [...canonicalNames].map(async (name) => [name, await readParameter(redis, name)] as const),
  );
  return new Map(read.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])));
}

async function readParameter(redis: RedisConnection, canonical: string): Promise<ServerValue | undefined> {
  for (const serverName of serverNames(canonical)) {
    const [, value] = flatList(await redis.command('CONFIG', 'GET', serverName));
    if (value !== undefined) return { serverName, value };
  }
  return undefined;
}

/** CONFIG SET with server names; several at once are taken together or not at all (from 7.0). Values are bound arguments. */
export async function setConfig(redis: RedisConnection, pairs: readonly (readonly [string, string])[]): Promise<void> {
  for (const [name] of pairs) if (!isSettable(name)) throw new Error(`${name} must never be sent in CONFIG SET`);
  await redis.command('CONFIG', 'SET', ...pairs.flat());
}

const flatList = (reply: unknown): readonly string[] => (Array.isArray(reply) ? reply.map(String) : []);
