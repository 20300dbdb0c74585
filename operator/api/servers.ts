import { Type, type Static } from 'typebox';
import { name, objectName, secretRef } from './names.ts';
import { quantity, struct, text } from './schema.ts';

const serverName = () => name({ maxLength: 20, description: 'Name by which status and messages call the server.' });

const clusterRef = (description: string) =>
  Type.Optional(
    struct(
      {
        group: text({
          description: 'API group of the object.',
          maxLength: 253,
          pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
          wanted: 'must be an API group',
          example: 'postgresql.cnpg.io',
        }),
        kind: text({
          description: 'Kind of the object.',
          maxLength: 63,
          pattern: '^[A-Za-z][A-Za-z0-9]*$', // Zalando’s is postgresql
          wanted: 'must be a kind',
          example: 'Cluster',
        }),
        name: objectName({ description: 'Name of the object.' }),
      },
      { description },
    ),
  );

const workloadRef = (description: string) =>
  Type.Optional(
    struct(
      {
        apiVersion: text({
          description: 'API version of the workload.',
          maxLength: 100,
          pattern: '^([a-z0-9.-]+/)?v[0-9][a-z0-9]*$',
          wanted: 'must be an API version',
          example: 'apps/v1',
        }),
        kind: text({
          description: 'Kind of the workload.',
          maxLength: 63,
          pattern: '^[A-Z][A-Za-z0-9]*$',
          wanted: 'must be a kind',
          example: 'StatefulSet',
        }),
        name: objectName({ description: 'Name of the workload.' }),
        containerName: Type.Optional(name({ description: 'Its container; the first by default.' })),
      },
      { description },
    ),
  );

/** One Redis or Valkey that the service uses. */
export const RedisServer = struct(
  {
    name: serverName(),
    secretRef: secretRef({
      description:
        'Secret with uri (or url), or host, port, username and password; optionally ca.crt, tls.crt and tls.key.',
    }),
    sentinelMasterName: Type.Optional(
      text({
        description: 'Name of the primary, where the Secret leads to Sentinel. Every other topology is detected.',
        maxLength: 63,
        pattern: '^[A-Za-z0-9._-]+$',
        wanted: 'must be the name of a primary at Sentinel',
        example: 'mymaster',
      }),
    ),
    workloadRef: workloadRef('The workload that runs the server; its memory limit bounds maxMemory.'),
    clusterRef: clusterRef(
      'Object of another operator that owns this server: settings go through it, or are only reported.',
    ),
  },
  { description: 'One Redis or Valkey that the service uses.' },
);
export type RedisServer = Static<typeof RedisServer>;

/** One PostgreSQL that the service uses. */
export const PostgresServer = struct(
  {
    name: serverName(),
    secretRef: secretRef({
      description:
        'Secret with uri (or url), or host, port, username (user), password, dbname (database) and sslmode; optionally ca.crt, tls.crt and tls.key.',
    }),
    workloadRef: workloadRef(
      'The workload that runs the server; its memory limit bounds parameters, whatever sizing.memory says.',
    ),
    clusterRef: clusterRef('Object of a database operator that owns this server: parameters go through it.'),
    volumeSize: Type.Optional(
      quantity({
        description:
          'Bytes of the volume of its data and write-ahead log: no index is built that has no room there. What the object of clusterRef says wins.',
      }),
    ),
    clientRole: Type.Optional(
      Type.String({
        description: 'Role of the Pods: its CONNECTION LIMIT bounds them.',
        minLength: 1,
        maxLength: 63,
        examples: ['app'],
      }),
    ),
    pooler: Type.Optional(
      struct(
        {
          serverConnections: Type.Integer({
            minimum: 1,
            maximum: 10_000,
            description: 'Most connections that it opens to the server, for the connection budget.',
          }),
        },
        { description: 'A pooler between the workload and the server.' },
      ),
    ),
  },
  { description: 'One PostgreSQL that the service uses.' },
);
export type PostgresServer = Static<typeof PostgresServer>;
