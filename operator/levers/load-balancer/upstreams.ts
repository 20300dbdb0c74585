import { isIP } from 'node:net';
import type { LoadBalancerSettings } from '../../api/load-balancer-settings.ts';
import type { Capabilities } from './capabilities.ts';
import { isResolvable, upstreamHost } from './dns.ts';
import { directive, inSeconds, inTime, type Lines } from './directive.ts';

/** Where a Pod listens. */
export interface UpstreamServer {
  /** An IP address. */
  readonly address: string;
  readonly port: number;
  /** Undefined: it is no Pod's. */
  readonly pod?: PodReference;
  /** 1 to 100; absent: 1. */
  readonly weight?: number;
}

/** A later Pod may get the address of an earlier one. */
export interface PodReference {
  readonly name: string;
  readonly uid: string;
}

/** As nginx names it, where it tells of a request. */
export const serverKey = ({ address, port }: UpstreamServer): string => `${hostOf(address)}:${port}`;

/** Sorted; by the upstream's name. */
export type ServersByUpstream = Readonly<Record<string, readonly UpstreamServer[]>>;

interface UpstreamsInput {
  readonly settings: Pick<LoadBalancerSettings, 'upstream' | 'upstreams'>;
  readonly servers: ServersByUpstream;
  readonly capabilities: Capabilities;
  readonly place: {
    /** Of the DNS server that tells where Pods are. */
    readonly dnsPort: number;
  };
}

/** Whether nginx is told of Pods while it runs. Its configuration is then the same whichever there are. */
const isTold = ({ settings: { upstream }, servers, capabilities }: Omit<UpstreamsInput, 'place'>): boolean =>
  upstream.delivery === 'Auto' && capabilities.has('resolveUpstreams') && isResolvable(servers);

/** How nginx chooses a Pod: what was asked for, or what comes nearest. */
export function methodOf(
  { method }: LoadBalancerSettings['upstream'],
  capabilities: Capabilities,
): LoadBalancerSettings['upstream']['method'] {
  return method === 'LeastTime' && !capabilities.has('leastTime') ? 'LeastConn' : method;
}

/** By which weights: least_time measures by itself, and with unequal ones sends everything to the heaviest Pod while there is little to do. */
export function weightsModeOf(
  { upstream, weights: { mode } }: Pick<LoadBalancerSettings, 'upstream' | 'weights'>,
  capabilities: Capabilities,
): LoadBalancerSettings['weights']['mode'] {
  return mode === 'Adaptive' && methodOf(upstream, capabilities) === 'LeastTime' ? 'Equal' : mode;
}

const methodLines = { LeastConn: ['least_conn;'], LeastTime: ['least_time header;'], RoundRobin: [] } as const;

/** One for each component. Without a zone each worker would count its own connections only; the method stands before keepalive, which wraps it. */
export function upstreams(input: UpstreamsInput): Lines {
  const { settings, servers, capabilities, place } = input;
  const { upstream, upstreams: all } = settings;
  const told = isTold(input);
  const { keepalive, keepaliveRequests, keepaliveTimeoutMs } = upstream;
  const kept = [
    directive('keepalive', keepalive),
    directive('keepalive_requests', keepaliveRequests),
    directive('keepalive_timeout', inTime(keepaliveTimeoutMs)),
  ];
  const blocks = all.flatMap(({ name }) => [
    `# Pods of component ${name} that are ready${told ? ': nginx asks the agent for them each second' : ''}.`,
    `upstream ${name} {`,
    ...[
      directive('zone', name, '2m'),
      ...methodLines[methodOf(upstream, capabilities)],
      ...(told ? [toldLine(upstream, name)] : serverLines(upstream, servers[name] ?? [])),
      ...(keepalive === 0 ? [] : kept),
    ].map((line) => `  ${line}`),
    '}',
  ]);
  return told
    ? [
        '# The DNS of the agent.',
        directive('resolver', `127.0.0.1:${place.dnsPort}`, 'valid=1s', 'ipv6=off'),
        ...blocks,
      ]
    : blocks;
}

const failing = ({ maxFails, failTimeoutMs }: LoadBalancerSettings['upstream']): readonly string[] => [
  `max_fails=${maxFails}`,
  `fail_timeout=${inSeconds(failTimeoutMs)}`,
];

const toldLine = (upstream: LoadBalancerSettings['upstream'], name: string): string =>
  directive('server', upstreamHost(name), 'service=http', 'resolve', ...failing(upstream));

function serverLines(upstream: LoadBalancerSettings['upstream'], servers: readonly UpstreamServer[]): Lines {
  if (servers.length === 0) return ['server 127.0.0.1:1 down; # no Pod is ready: 502']; // nginx takes no empty upstream
  return servers.map(({ address, port, weight = 1 }) =>
    directive(
      'server',
      serverKey({ address, port }),
      ...(weight === 1 ? [] : [`weight=${weight}`]),
      ...failing(upstream),
    ),
  );
}

/** Of several ways to write an IPv6 address nginx refuses some that others take (0:0:0:0:0:0:0::): the shortest it takes. */
const hostOf = (address: string): string =>
  isIP(address) === 6 ? (URL.parse(`http://[${address}]/`)?.hostname ?? address) : address;
