import { Type, type Static } from 'typebox';

/** What the operator writes for the agent beside nginx: figures in base units and strings that mean nothing to nginx but themselves. What is valid here renders to a valid nginx.conf. */

/** Key of the ConfigMap. */
export const loadBalancerSettingsFile = 'settings.json';

const count = (minimum: number, maximum: number, description: string) =>
  Type.Integer({ minimum, maximum, description });
const ms = (minimum: number, maximum: number, description: string) =>
  Type.Integer({ minimum, maximum, description: `${description} In ms.` });
const bytes = (minimum: number, maximum: number, description: string) =>
  Type.Integer({ minimum, maximum, description: `${description} In bytes.` });
/** `$` of JavaScript is the end of the text, and not before a last line break. */
const text = (maxLength: number, pattern: string, description: string) =>
  Type.String({ maxLength, pattern, description });

const hour = 3_600_000;
const year = 8_760 * hour;
const mebibyte = 1_048_576;

const port = (description: string) => count(1, 65_535, description);
const name = (description: string) => text(20, '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', description);
const pathPrefix = (description: string) => text(200, '^/([A-Za-z0-9_.~-]+/)*$', description);
const buffers = (description: string) =>
  Type.Object({
    count: count(1, 64, 'Number of buffers.'),
    sizeBytes: bytes(1_024, 64 * mebibyte, `${description} Size of each.`),
  });

/** Fields that a reader does not know are for a newer one: they may be there. A field that changes its meaning changes `version`. */
export const LoadBalancerSettings = Type.Object(
  {
    version: Type.Literal(1, { description: 'Of this format.' }),
    hash: text(12, '^[0-9a-f]{12}$', 'Of all the rest. Whose nginx has loaded these settings says so with it.'),
    listen: Type.Object({
      http: port('Port for HTTP.'),
      https: Type.Optional(port('Port for HTTPS. Without a certificate these settings are not loaded.')),
      redirect: Type.Optional(Type.Boolean({ description: 'Whether HTTP leads to HTTPS; absent: it serves.' })),
    }),
    serverNames: Type.Array(
      text(
        253,
        '^(\\*\\.)?([a-z0-9]([-a-z0-9]*[a-z0-9])?\\.)*[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
        'A host name, or *. and a domain.',
      ),
      { maxItems: 16, description: 'Host names that are served; none: all of them.' },
    ),
    client: Type.Object({
      keepaliveTimeoutMs: ms(0, hour, 'How long an idle connection is kept.'),
      keepaliveRequests: count(1, 1_000_000, 'Requests after which a connection is closed.'),
      largeHeaderBuffers: buffers('For large request headers.'),
      bodyBufferBytes: bytes(1_024, 64 * mebibyte, 'Request body that is kept in memory.'),
      maxBodyBytes: bytes(1, 2 ** 40, 'Largest request body that is taken.'),
    }),
    gzip: Type.Optional(
      Type.Object({
        minLengthBytes: bytes(0, mebibyte, 'Shortest answer that is compressed.'),
        level: count(1, 9, 'Compression level.'),
        types: Type.Array(text(100, '^[a-z]+/[a-z0-9.+-]+$', 'A media type.'), {
          maxItems: 32,
          description: 'Media types that are compressed; text/html always is.',
        }),
      }),
    ),
    proxy: Type.Object({
      headBufferBytes: bytes(1_024, 64 * mebibyte, 'Buffer for the head of an answer.'),
      buffers: buffers('For the body of an answer.'),
      connectTimeoutMs: ms(1, 75_000, 'Longest wait for a connection to a Pod.'),
      sendTimeoutMs: ms(1, hour, 'Longest pause while a request is sent.'),
      readTimeoutMs: ms(1, hour, 'Longest pause while an answer is read.'),
    }),
    api: Type.Object({
      path: pathPrefix('Requests below this path are API requests.'),
      cacheControl: Type.Optional(
        Type.Object({
          maxAgeMs: ms(0, year, 'How long caches may keep an answer.'),
          apply: Type.Enum(['SafeResponses', 'Always'], { type: 'string', description: 'To which answers.' }),
        }),
      ),
    }),
    staticAssets: Type.Object({
      extensions: Type.Array(text(8, '^[a-z0-9]+$', 'A file name extension.'), { maxItems: 32 }),
      maxAgeMs: ms(0, year, 'How long caches may keep such a file.'),
      folder: Type.Optional(
        text(200, '^(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+$', 'Folder in the container of nginx from which they are served.'),
      ),
    }),
    monitoringCache: Type.Object({
      path: pathPrefix('Answers below this path are cached.'),
      ttlMs: ms(0, hour, 'How long an answer is cached; 0: not at all.'),
      access: Type.Enum(['Cluster', 'Public'], { type: 'string', description: 'Who may ask.' }),
    }),
    upstream: Type.Object({
      method: Type.Enum(['LeastConn', 'LeastTime', 'RoundRobin'], {
        type: 'string',
        description: 'How a Pod is chosen, always by weight.',
      }),
      maxFails: count(0, 100, 'Failures within failTimeoutMs after which a Pod is left out.'),
      failTimeoutMs: ms(0, hour, 'How long failures are counted and a Pod is left out.'),
      keepalive: count(0, 10_000, 'Idle connections to Pods that each worker keeps.'),
      keepaliveRequests: count(1, 1_000_000, 'Requests after which a connection to a Pod is closed.'),
      keepaliveTimeoutMs: ms(0, hour, 'How long an idle connection to a Pod is kept.'),
      delivery: Type.Enum(['Auto', 'Reload'], {
        type: 'string',
        description: 'How Pods that come and go reach nginx. Auto: without a reload where it can be told at run time.',
      }),
      retryNonIdempotent: Type.Boolean({ description: 'Whether a failed POST is sent to another Pod.' }),
    }),
    routes: Type.Array(
      Type.Object({
        path: text(200, '^/[A-Za-z0-9/_.~-]*$', 'Requests whose path starts like this; the longest one wins.'),
        upstream: name('Of `upstreams`.'),
        streaming: Type.Boolean({ description: 'No buffering, no compression, no caching.' }),
      }),
      { minItems: 1, maxItems: 32 },
    ),
    upstreams: Type.Array(
      Type.Object({
        name: name('The component.'),
        service: text(253, '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$', 'Its Service, whose EndpointSlices the agent follows.'),
        port: Type.Optional(Type.Union([text(63, '^[a-z0-9-]+$', 'Name of its port.'), port('Its number.')])),
        slots: count(1, 10_000, 'Requests that one of its Pods works on at once; others wait there.'),
      }),
      { minItems: 1, maxItems: 8 },
    ),
    weights: Type.Object(
      {
        mode: Type.Enum(['Adaptive', 'Static', 'Equal'], {
          type: 'string',
          description: 'As measured, as a label of each Pod says, or all the same.',
        }),
        min: count(1, 100, 'Least weight of a Pod that does not fail.'),
        max: count(1, 100, 'Greatest weight.'),
        intervalMs: ms(1_000, hour, 'How often weights are reckoned anew.'),
        minRequests: count(1, 100_000, 'Requests of a Pod that have to be finished before its weight follows them.'),
        deadBandPercent: count(0, 100, 'Smaller changes are not made.'),
        maxStepPercent: count(1, 100, 'Most that a weight changes at once.'),
        followBelowPercent: count(0, 100, 'Busy share of all slots up to which weights follow service times fully.'),
        equalAbovePercent: count(0, 100, 'Busy share of all slots from which on service times move no weight.'),
        slowStartMs: ms(0, hour, 'Time in which a new Pod grows to its share.'),
        slowStartFromPercent: count(1, 100, 'Part of its share that a new Pod begins with.'),
        staleAfterMs: ms(1_000, hour, 'Age of measurements after which a Pod goes back to the average weight.'),
        errorPenalty: Type.Number({ minimum: 0, maximum: 10, description: 'How strongly errors lower the weight.' }),
      },
      { description: 'Share of the requests that each Pod gets.' },
    ),
    minReloadIntervalMs: ms(0, hour, 'Least time between two reloads of one nginx.'),
  },
  { description: 'What the agent beside nginx renders to a configuration.' },
);
export type LoadBalancerSettings = Static<typeof LoadBalancerSettings>;
