import { Type } from 'typebox';
import { duration, atMostOneOf, keysHold, mapOf, oneOf, orElse, quantity, struct, text, unshown } from './schema.ts';

/**
 * Parameters that no policy may set. A security boundary: the user that sets parameters could otherwise write files, load code or lock others out.
 * `maxmemory` and `maxmemory-policy` are fields of their own.
 */
const denied = [
  'appenddirname',
  'appendfilename',
  'appendonly',
  'bind',
  'dbfilename',
  'dir',
  'import-mode',
  'include',
  'loadmodule',
  'logfile',
  'masterauth',
  'masteruser',
  'maxmemory',
  'maxmemory-policy',
  'notify-keyspace-events',
  'port',
  'protected-mode',
  'rdb-del-sync-files',
  'rename-command',
  'replica-read-only',
  'requirepass',
  'unixsocket',
  'user',
];
const deniedPattern = '^(tls|enable|acl|min-replicas|cluster|syslog|oom-score-adj|unixsocket)|-announce-';

/** Whether a policy may set this parameter. */
export const mayBeSet = (parameter: string): boolean =>
  !denied.includes(parameter) && !new RegExp(deniedPattern).test(parameter);

const RedisParameters = mapOf(
  unshown(
    text({
      description: 'Value as CONFIG SET takes it.',
      maxLength: 256,
      pattern: '^[ !#-&(-~]*$',
      wanted: 'must be printable ASCII without quotes',
      example: 'save: "900 1 300 10 60 10000"',
    }),
  ),
  {
    maxProperties: 64,
    description:
      'Other parameters by their names; layers are merged by name. Those that only a restart can change are reported as pendingRestart.',
    rules: [
      keysHold(
        "self.all(key, key.matches('^[a-z][a-z0-9-]{1,63}$'))",
        { wanted: 'names must be of lower-case letters, digits and dashes', example: 'tcp-keepalive: "300"' },
        (key) => /^[a-z][a-z0-9-]{1,63}$/.test(key),
      ),
      keysHold(
        `self.all(key, !(key in [${denied.map((name) => `'${name}'`).join(', ')}]) && !key.matches('${deniedPattern}'))`,
        {
          wanted:
            'must not hold parameters of security, identity or topology (dir, requirepass, tls-*, cluster-*, …), and maxmemory has a field of its own',
          example: 'maxMemory: 1Gi',
        },
        mayBeSet,
      ),
    ],
  },
);

const BigKeys = struct(
  {
    interval: orElse(
      '15m',
      duration({ max: '24h', description: 'Time between two scans for big keys; 0s switches them off.' }),
    ),
    maxDuration: orElse('5s', duration({ max: '5m', description: 'Longest scan; the next one goes on from there.' })),
    top: orElse(10, Type.Integer({ minimum: 1, maximum: 100, description: 'Keys that are shown.' })),
    minSize: orElse('1Mi', quantity({ description: 'Smallest key that is shown, in bytes.' })),
  },
  { description: 'Search for big keys.' },
);

/** Settings of the service's Redis servers (rows E1 and E2). */
export const Redis = struct(
  {
    mode: orElse('Enforce', oneOf(['Enforce', 'DryRun', 'Off'], { description: 'DryRun only reports what differs.' })),
    maxMemory: Type.Optional(
      quantity({
        description:
          'Memory in bytes that the data may use. 0 takes the limit away: held back where the container of workloadRef has one. This or maxMemoryPercentOfLimit.',
      }),
    ),
    maxMemoryPercentOfLimit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 90,
        description:
          'The same in percent of the container’s limit; needs workloadRef on the server. This or maxMemory.',
      }),
    ),
    evictionPolicy: orElse(
      'allkeys-lru',
      text({
        description: 'Which keys go when the memory is full: maxmemory-policy of the server, which has the last word.',
        maxLength: 32,
        pattern: '^(noeviction|(allkeys|volatile)-[a-z]{2,})$', // the second word is an open set: Redis 8 has new ones
        wanted: 'must be noeviction, or begin with allkeys- or volatile-',
        example: 'allkeys-lru',
      }),
    ),
    evictionGuard: orElse(
      'NonExpiringKeys',
      oneOf(['NonExpiringKeys', 'Off'], {
        description:
          'NonExpiringKeys: no switch to allkeys-* while keys without expiry exist (a queue may live there) nor to noeviction on a full server; no limit past a big key on its way down. Off allows all.',
      }),
    ),
    parameters: orElse(
      {
        save: '900 1 300 10 60 10000',
        'tcp-keepalive': '300',
        'tcp-backlog': '511',
        'hash-max-listpack-entries': '512',
        'hash-max-listpack-value': '64',
        'list-max-listpack-size': '-2',
        'set-max-intset-entries': '512',
        'zset-max-listpack-entries': '128',
        'zset-max-listpack-value': '64',
      },
      RedisParameters,
    ),
    monitoring: orElse(
      {},
      struct(
        {
          slowLogEntries: orElse(
            10,
            Type.Integer({ minimum: 0, maximum: 128, description: 'Entries of the slow log that are read.' }),
          ),
          bigKeys: orElse({}, BigKeys),
        },
        { description: 'What is read besides the settings.' },
      ),
    ),
  },
  {
    description: 'Settings of the Redis servers that the service names.',
    rules: [atMostOneOf(['maxMemory', 'maxMemoryPercentOfLimit'], 'maxMemory: 1Gi')],
  },
);
