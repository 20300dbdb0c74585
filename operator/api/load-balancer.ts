import { Type } from 'typebox';
import { milliseconds } from './duration.ts';
import { quantity as amountOf } from './quantity.ts';
import {
  duration,
  oneOf,
  orElse,
  ordered,
  property,
  quantity,
  type Rule,
  setOf,
  struct,
  text,
  valueAt,
} from './schema.ts';

const integer = (value: number, minimum: number, maximum: number, description: string) =>
  orElse(value, Type.Integer({ minimum, maximum, description }));
const size = (value: string, description: string) =>
  orElse(value, quantity({ description: `${description} In bytes.` }));
const time = (value: string, description: string, max = '24h') => orElse(value, duration({ max, description }));

/** A rule that the operator alone holds, as those below: the CRD of GenerationService, which has this section too, has no room for them. */
const takesTime = (field: string, example: string): Rule => ({
  fields: [field],
  wanted: `${field} must be more than 0: without any time nothing is ever answered`,
  example: `${field}: ${example}`,
  holds: (self) => {
    const value = property(self, field);
    return typeof value !== 'string' || milliseconds(value) > 0;
  },
});

const buffers = (defaults: { count: number; size: string }, description: string) =>
  orElse(
    {},
    struct(
      {
        count: integer(defaults.count, 1, 64, 'Number of buffers.'),
        size: size(defaults.size, 'Size of each.'),
      },
      { description },
    ),
  );

const pathPrefix = (value: string, description: string) =>
  orElse(
    value,
    text({
      description,
      maxLength: 200,
      pattern: '^/([A-Za-z0-9_.~-]+/)*$',
      wanted: 'must be a path that starts and ends with a slash',
      example: '/api/',
    }),
  );

const Server = struct(
  {
    keepaliveTimeout: time('65s', 'How long an idle client connection is kept.', '1h'),
    keepaliveRequests: integer(1000, 1, 1_000_000, 'Requests after which a client connection is closed.'),
    largeClientHeaderBuffers: buffers({ count: 4, size: '16Ki' }, 'Buffers for large request headers.'),
  },
  { description: 'Connections of clients. HTTP/2 is on wherever TLS is.' },
);

const Gzip = struct(
  {
    mode: orElse('On', oneOf(['On', 'Off'], { description: 'Whether answers are compressed.' })),
    minLength: integer(1024, 0, 1_048_576, 'Shortest answer that is compressed, in bytes.'),
    level: integer(6, 1, 9, 'Compression level: 1 is fastest, 9 is smallest.'),
    types: orElse(
      ['application/json', 'application/javascript', 'text/css', 'text/plain', 'text/xml'],
      setOf(
        text({
          description: 'A media type.',
          maxLength: 100,
          pattern: '^[a-z]+/[a-z0-9.+-]+$',
          wanted: 'must be a media type',
          example: 'application/json',
        }),
        { maxItems: 32, description: 'Media types that are compressed; text/html always is.' },
      ),
    ),
  },
  { description: 'Compression.' },
);

const Buffers = struct(
  {
    clientBody: size('128Ki', 'Request body that is kept in memory.'),
    maxBody: size('50Mi', 'Largest request body that is taken.'),
    proxyBufferSize: size('4Ki', 'Buffer for the head of an answer.'),
    proxyBuffers: buffers({ count: 8, size: '4Ki' }, 'Buffers for the body of an answer.'),
  },
  {
    description: 'Buffers.',
    rules: [
      {
        fields: ['maxBody'],
        wanted: 'maxBody must be more than 0, which nginx takes for no limit',
        example: 'maxBody: 50Mi',
        holds: (self) => {
          const value = property(self, 'maxBody');
          return (typeof value !== 'string' && typeof value !== 'number') || amountOf(value) > 0;
        },
      },
    ],
  },
);

const Api = struct(
  {
    pathPrefix: pathPrefix('/api/', 'Requests below this path are API requests.'),
    connectTimeout: time('5s', 'Longest wait for a connection to a pod.', '75s'),
    sendTimeout: time('60s', 'Longest pause while a request is sent.', '1h'),
    readTimeout: time('60s', 'Longest pause while an answer is read.', '1h'),
    cacheControl: orElse(
      {},
      struct(
        {
          maxAge: time('300s', 'How long caches may keep an answer.', '8760h'),
          apply: orElse(
            'SafeResponses',
            oneOf(['SafeResponses', 'Always', 'Off'], {
              description:
                'SafeResponses: GET and HEAD with 2xx, asked for without Authorization, a cookie or an API key, answered without Set-Cookie, and only where the workload set none. Always: every answer but errors, also private ones.',
            }),
          ),
        },
        { description: 'The Cache-Control header of answers.' },
      ),
    ),
  },
  {
    description: 'API requests.',
    rules: [takesTime('connectTimeout', '5s'), takesTime('sendTimeout', '60s'), takesTime('readTimeout', '60s')],
  },
);

const StaticAssets = struct(
  {
    extensions: orElse(
      ['js', 'css', 'png', 'jpg', 'jpeg', 'gif', 'ico', 'svg'],
      setOf(
        text({
          description: 'A file name extension.',
          maxLength: 8,
          pattern: '^[a-z0-9]+$',
          wanted: 'must be a file name extension without the dot',
          example: 'png',
        }),
        { maxItems: 32, description: 'Extensions of files that never change.' },
      ),
    ),
    maxAge: time('8760h', 'How long caches may keep such a file.', '8760h'),
  },
  { description: 'Static files.' },
);

const MonitoringCache = struct(
  {
    pathPrefix: pathPrefix('/api/monitoring/', 'Answers below this path are cached.'),
    ttl: time('5m', 'How long an answer is cached.', '1h'),
    access: orElse(
      'Cluster',
      oneOf(['Cluster', 'Public'], { description: 'Who may ask: private addresses only, or everybody.' }),
    ),
  },
  { description: 'Cache of monitoring answers.' },
);

const Upstream = struct(
  {
    method: orElse(
      'LeastConn',
      oneOf(['LeastConn', 'LeastTime', 'RoundRobin'], {
        description: 'How a pod is chosen, always by weight. LeastTime becomes LeastConn where nginx lacks it.',
      }),
    ),
    maxFails: integer(2, 0, 100, 'Failures after which a pod is left out.'),
    failTimeout: time('30s', 'How long failures are counted and a pod is left out.', '1h'),
    keepalive: integer(32, 0, 10_000, 'Idle connections to pods that each worker keeps.'),
    keepaliveRequests: integer(1000, 1, 1_000_000, 'Requests after which a connection to a pod is closed.'),
    keepaliveTimeout: time('60s', 'How long an idle connection to a pod is kept.', '1h'),
    retryNonIdempotent: orElse(
      'Off',
      oneOf(['On', 'Off'], { description: 'Whether a failed POST is sent to another pod: it may then run again.' }),
    ),
  },
  { description: 'Connections to pods.' },
);

const Weights = struct(
  {
    mode: orElse(
      'Adaptive',
      oneOf(['Adaptive', 'Static', 'Equal'], {
        description:
          'Adaptive follows measured performance; Static takes the pod label genops.dev/weight; Equal gives all the same.',
      }),
    ),
    min: integer(10, 1, 100, 'Least weight that a healthy pod keeps.'),
    max: integer(100, 1, 100, 'Weight of a pod at the best measured capacity.'),
    interval: time('30s', 'How often weights are reckoned anew; at least a second.', '1h'),
    minRequests: integer(10, 1, 100_000, 'Requests of a pod before its weight follows them.'),
    deadBandPercent: integer(10, 0, 100, 'Smaller changes, in percent, are not made.'),
    maxStepPercent: integer(30, 1, 100, 'Most that a weight changes at once, in percent.'),
    followBelowPercent: integer(60, 0, 99, 'Busy share of all slots up to which weights follow service times fully.'),
    equalAbovePercent: integer(90, 1, 100, 'Busy share of all slots from which on service times move no weight.'),
    slowStart: time('60s', 'Time in which a new pod grows to its share.', '1h'),
    slowStartFromPercent: integer(30, 1, 100, 'Part of its share that a new pod begins with.'),
    staleAfter: time(
      '3m',
      'Age of measurements after which a pod goes back to the average weight; at least interval.',
      '1h',
    ),
    errorPenalty: orElse(
      '1',
      text({
        description: 'How strongly errors lower the weight, from 0 (not at all) to 10.',
        maxLength: 6,
        pattern: '^([0-9](\\.[0-9]{1,3})?|10)$',
        wanted: 'must be a decimal from 0 to 10 as a string',
        example: '"1"',
      }),
    ),
    delivery: orElse(
      'Auto',
      oneOf(['Auto', 'Reload'], {
        description: 'How new weights reach nginx. Auto: without a reload where nginx can be told while it runs.',
      }),
    ),
    minReloadInterval: time('30s', 'Least time between two reloads of one nginx.', '1h'),
  },
  {
    description: 'Share of the load that each pod gets.',
    rules: [
      ordered('min', 'max', { as: 'number', example: 'min: 10, max: 100' }),
      ordered('followBelowPercent', 'equalAbovePercent', {
        as: 'number',
        example: 'followBelowPercent: 60, equalAbovePercent: 90',
      }),
    ],
  },
);

/** nginx in front of the service (rows G1 to G7). */
export const LoadBalancer = struct(
  {
    mode: orElse(
      'Enforce',
      oneOf(['Enforce', 'DryRun', 'Off'], {
        description: 'DryRun only says what would be loaded.',
      }),
    ),
    server: orElse({}, Server),
    gzip: orElse({}, Gzip),
    buffers: orElse({}, Buffers),
    api: orElse({}, Api),
    staticAssets: orElse({}, StaticAssets),
    monitoringCache: orElse({}, MonitoringCache),
    upstream: orElse({}, Upstream),
    weights: orElse({}, Weights),
  },
  {
    description: 'Settings of the load balancer in front of the service.',
    rules: [
      {
        fields: ['monitoringCache.pathPrefix', 'api.pathPrefix'],
        wanted:
          'monitoringCache.pathPrefix must be below api.pathPrefix or beside it: what it covers is cached and, with access Cluster, closed to the outside',
        example: 'monitoringCache: {pathPrefix: /api/monitoring/}',
        holds: (self) => {
          const [cached, api] = [valueAt(self, 'monitoringCache.pathPrefix'), valueAt(self, 'api.pathPrefix')];
          return typeof cached !== 'string' || typeof api !== 'string' || !api.startsWith(cached);
        },
      },
    ],
  },
);
