import { BlockList, isIP } from 'node:net';

/** Whether an address may be dialled for metrics. */
export type AddressGuard = (address: string) => boolean;

/** What no Pod has and no metric source should be: this machine itself, link-local with the cloud's metadata, multicast, unspecified. */
const refused = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/128',
  '::1/128',
  'fe80::/10',
  'ff00::/8',
];

/** @param options.widen Networks (CIDR) that are allowed all the same. @throws {RangeError} for one that is none. */
export function createAddressGuard({ widen = [] }: { readonly widen?: readonly string[] } = {}): AddressGuard {
  const [blocked, allowed] = [blockList(refused), blockList(widen)];
  return (address) => {
    const version = isIP(address);
    if (version === 0) return false;
    const family = version === 4 ? 'ipv4' : 'ipv6';
    return allowed.check(address, family) || !blocked.check(address, family);
  };
}

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
    list.addSubnet(address, Number(prefix), version === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}
