import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** A server that is listening; disposing it cuts off what still talks to it. */
export interface Listening extends AsyncDisposable {
  /** The port that it has: another than asked for when that was 0. */
  readonly port: number;
}

/**
 * `host:port`; `:port` means all addresses, `[::1]:port` is IPv6.
 *
 * @throws {RangeError} when `address` is none.
 */
export function addressOf(address: string): { readonly port: number; readonly host?: string } {
  const [, ipv6, host, digits] = /^(?:\[([^\]]+)\]|([^:[\]]*)):([0-9]{1,5})$/.exec(address) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535)
    throw new RangeError(
      `saw address ${JSON.stringify(address)}; wanted host:port, for example :8080 or 127.0.0.1:8080`,
    );
  const name = ipv6 ?? host ?? '';
  return name === '' ? { port } : { port, host: name };
}

/**
 * Listens on an address as `addressOf` reads it.
 *
 * @throws {RangeError} when `address` is none; with the system's own error (EADDRINUSE) when it cannot be had.
 */
export async function listen(server: Server | SecureServer, address: string): Promise<Listening> {
  server.listen(addressOf(address));
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
