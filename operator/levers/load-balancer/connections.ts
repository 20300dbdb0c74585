import { readFile } from 'node:fs/promises';
import { askNginx } from './generation.ts';

interface ConnectionsInput {
  readonly folder: string;
  /** Whether nginx was built with what counts them. */
  readonly isCounted: boolean;
  /** That nginx listens on. */
  readonly ports: readonly number[];
}

/** Connections of clients, idle ones too: as nginx counts them, or else as the kernel has them. Undefined: nobody answers. */
export async function connectionsOf(
  { folder, isCounted, ports }: ConnectionsInput,
  signal: AbortSignal,
): Promise<number | undefined> {
  if (isCounted) return activeIn((await askNginx({ folder, path: '/connections' }, signal)) ?? '');
  const tables = await Promise.all(['tcp', 'tcp6'].map(socketsOf));
  return establishedIn(tables.join('\n'), ports);
}

/** Of the text of stub_status, without the connection that asks. */
export function activeIn(text: string): number | undefined {
  const active = /^Active connections: (\d+)/.exec(text)?.[1];
  return active === undefined ? undefined : Math.max(Number(active) - 1, 0);
}

const established = '01';

/** Of the kernel's list of sockets those that are connected to one of these ports here. */
export function establishedIn(sockets: string, ports: readonly number[]): number {
  const ends = ports.map((port) => `:${port.toString(16).toUpperCase().padStart(4, '0')}`);
  const rows = sockets.split('\n').map((line) => line.trim().split(/\s+/));
  return rows.filter(([, local = '', , state]) => state === established && ends.some((end) => local.endsWith(end)))
    .length;
}

/** Empty where the kernel has no IPv6. */
const socketsOf = (table: string): Promise<string> => readFile(`/proc/net/${table}`, 'utf8').catch(() => '');
