import { lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** Whether an address may be dialled for metrics, at this port. */
export type AddressGuard = (address: string, port?: number) => boolean;

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** What no Pod has and no metric source should be: this machine itself, or unspecified. */
const ownMachine = ['0.0.0.0/8', '127.0.0.0/8', '::/128', '::1/128'];
/** Link-local with the cloud's metadata; some clouds have theirs elsewhere. */
const metadata = [
  '169.254.0.0/16',
  '100.100.100.200/32',
  '168.63.129.16/32',
  'fe80::/10',
  'fd00:ec2::254/128',
  'fd20:ce::254/128',
];
const multicast = ['224.0.0.0/4', '240.0.0.0/4', 'ff00::/8'];

/**
 * @param options.refuse Addresses that are refused besides, at any port: the API server's.
 * @param options.refuseAt The same at one port each: at the address of a machine others may listen.
 * @param options.widen Networks (CIDR) that are allowed all the same. @throws {RangeError} for one that is none.
 */
export function createAddressGuard({
  widen = [],
  refuse = [],
  refuseAt = [],
}: {
  readonly widen?: readonly string[];
  readonly refuse?: readonly string[];
  readonly refuseAt?: readonly Endpoint[];
} = {}): AddressGuard {
  const [blocked, allowed] = [blockList([...ownMachine, ...metadata, ...multicast]), blockList(widen)];
  for (const address of refuse) blocked.addAddress(address, familyOf(address));
  const blockedAt = new Map<number, BlockList>();
  for (const { address, port } of refuseAt) {
    const list = blockedAt.get(port) ?? new BlockList();
    list.addAddress(address, familyOf(address));
    blockedAt.set(port, list);
  }
  return (address, port) => {
    if (isIP(address) === 0) return false;
    const at = port === undefined ? undefined : blockedAt.get(port);
    return isIn(allowed, address) || !(isIn(blocked, address) || (at !== undefined && isIn(at, address)));
  };
}

/** Itself, or the IPv4 address that it leads to. */
function isIn(list: BlockList, address: string): boolean {
  const inner = innerAddress(address);
  return list.check(address, familyOf(address)) || (inner !== undefined && list.check(inner, 'ipv4'));
}

/** What to do about a source at an address that the guard refuses. What has credentials to give is not to be allowed by way of advice. */
export function anotherAddress(address: string): string {
  const another = 'name the source by its Service or its own address';
  if (isIn(blockList(ownMachine), address))
    return `${another}: this one is the operator’s own machine; where that is meant, start the operator with --allow-metric-address and its network, for example 127.0.0.0/8`;
  if (isIn(blockList(metadata), address))
    return `${another}: this one is link-local or of a cloud’s metadata, where machines get credentials`;
  if (isIn(blockList(multicast), address)) return `${another}: this one is of no single server`;
  return `${another}: the API server is no source of metrics`; // in words that hold of whatever else is refused
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 4 ? 'ipv4' : 'ipv6');

/** The IPv4 address that an IPv6 one leads to: mapped (::ffff:0:0/96), NAT64 (64:ff9b::/96), 6to4 (2002::/16). */
function innerAddress(address: string): string | undefined {
  if (isIP(address) !== 6) return undefined;
  const groups = groupsOf(address);
  const start = groups.slice(0, 6).join(':');
  if (start === '0:0:0:0:0:ffff' || start === '0:0:0:0:0:0' || start === '64:ff9b:0:0:0:0')
    return dotted(groups.slice(6));
  return groups[0] === '2002' ? dotted(groups.slice(1, 3)) : undefined;
}

/** The eight groups of an IPv6 address, in hexadecimal without leading zeros. */
function groupsOf(address: string): readonly string[] {
  const [head = '', tail] = (URL.parse(`http://[${address.split('%')[0]}]/`)?.hostname.slice(1, -1) ?? '').split('::');
  const parts = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const [before, after] = [parts(head), parts(tail ?? '')];
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => '0'), ...after];
}

const dotted = (groups: readonly string[]): string =>
  groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]).join('.');

/** With it a guarded look-up ends where nothing is left to dial. */
export class AddressRefused extends Error {
  readonly code = 'ERR_ADDRESS_REFUSED';
  readonly next: string;

  constructor(message: string, next: string) {
    super(message);
    this.next = next;
  }
}

/** Looks a name up and gives only what may be dialled at this port: checked at each connection, so that no name can move to another address after it was looked at. */
export const guardedLookup =
  (guard: AddressGuard, port: number): LookupFunction =>
  (host, options, callback) =>
    lookup(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, []);
      const allowed = addresses.filter(({ address }) => guard(address, port));
      const [first] = allowed;
      if (first === undefined) {
        const found = addresses.map(({ address }) => address);
        const message = `${host} is ${found.join(', ')}: not an address to read metrics from`;
        return callback(new AddressRefused(message, anotherAddress(found[0] ?? '')), []);
      }
      return options.all === true ? callback(null, allowed) : callback(null, first.address, first.family);
    });

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const version = isIP(address);
    if (
      version === 0 ||
      prefix === undefined ||
      !/^[0-9]{1,3}$/.test(prefix) ||
      Number(prefix) > (version === 4 ? 32 : 128)
    )
      throw new RangeError(`saw ${JSON.stringify(network)}; wanted a network, for example 127.0.0.0/8`);
    list.addSubnet(address, Number(prefix), familyOf(address));
  }
  return list;
}
