import { bytes } from '../../api/quantity.ts';
import { canonicalName } from './parameters.ts';
import type { RedisUnit } from './unit.ts';

type RedisPolicy = RedisUnit['policy'];

/**
 * Everything that the policy declares, by canonical name: of two names for one parameter the last wins, and the typed fields win over `parameters`.
 * Without a known memory limit a share of it is no value: `maxmemory` is then absent.
 */
export function wantedValues(policy: RedisPolicy, memoryLimitBytes: number | undefined): ReadonlyMap<string, string> {
  const wanted = new Map(Object.entries(policy.parameters).map(([name, value]) => [canonicalName(name), value]));
  wanted.set('maxmemory-policy', policy.evictionPolicy);
  const maxMemory = wantedMaxMemory(policy, memoryLimitBytes);
  if (maxMemory === undefined) wanted.delete('maxmemory');
  else wanted.set('maxmemory', String(maxMemory));
  return wanted;
}

/** Bytes. */
function wantedMaxMemory(policy: RedisPolicy, memoryLimitBytes: number | undefined): number | undefined {
  if (policy.maxMemory !== undefined) return bytes(policy.maxMemory);
  if (policy.maxMemoryPercentOfLimit === undefined || memoryLimitBytes === undefined) return undefined;
  return Math.floor((memoryLimitBytes * policy.maxMemoryPercentOfLimit) / 100);
}
