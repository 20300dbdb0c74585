import { BlockList, isIP } from 'node:net';

/** A load must not leave this machine: the target is neither loopback nor in a range of the test cluster's own. */
export class ForeignTarget extends Error {
  override readonly name = 'ForeignTarget';
}

/**
 * @param ranges CIDRs of the test cluster's Pods and Services, as `10.244.0.0/16`.
 * @returns A check of one base URL that throws ForeignTarget. Names other than localhost are refused: what they resolve to may change.
 */
export function targetGuard(ranges: readonly string[]): (url: string) => void {
  const allowed = new BlockList();
  allowed.addSubnet('127.0.0.0', 8, 'ipv4');
  allowed.addAddress('::1', 'ipv6');
  for (const range of ranges) addRange(allowed, range);
  return (url) => {
    const { protocol, hostname } = new URL(url);
    const address = hostname === 'localhost' ? '127.0.0.1' : hostname.replace(/^\[|\]$/g, '');
    const family = isIP(address);
    const isOurs = family !== 0 && allowed.check(address, family === 4 ? 'ipv4' : 'ipv6');
    if (isOurs && protocol === 'http:') return;
    throw new ForeignTarget(
      `${url} is not ours to load; wanted http:// on loopback or in ${ranges.join(', ') || 'a range given with --allow'}`,
    );
  };
}

function addRange(list: BlockList, range: string): void {
  const [address = '', prefix = ''] = range.split('/');
  const family = isIP(address);
  if (family === 0 || !/^\d+$/.test(prefix))
    throw new RangeError(`"${range}" is no range; wanted one as 10.244.0.0/16`);
  // A "range" as wide as a /8 of somebody's network would be no guard.
  if (Number(prefix) < (family === 4 ? 12 : 48)) throw new RangeError(`${range} is too wide; wanted /12 or narrower`);
  list.addSubnet(address, Number(prefix), family === 4 ? 'ipv4' : 'ipv6');
}
