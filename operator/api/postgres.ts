import { Type } from 'typebox';
import { identifier } from './names.ts';
import { postgresParameterNames } from './postgres-parameters.ts';
import {
  atomicList,
  cel,
  duration,
  keysHold,
  listMap,
  mapOf,
  neededAfterMerging,
  oneOf,
  orElse,
  quantity,
  struct,
  text,
  unshown,
} from './schema.ts';

const Sizing = struct(
  {
    memory: neededAfterMerging('4Gi', quantity({ description: 'Memory in bytes that the server has.' })),
    cpus: neededAfterMerging('"2"', quantity({ description: 'Processors that the server has.' })),
    storage: orElse('SSD', oneOf(['SSD', 'HDD', 'Network'], { description: 'What the data lies on.' })),
    workload: orElse('OLTP', oneOf(['OLTP', 'Mixed', 'Analytics'], { description: 'Kind of queries.' })),
  },
  { description: 'What parameters are worked out from; parameters that are given themselves win.' },
);

const IndexColumn = struct(
  {
    name: identifier({ description: 'Name of the column.' }),
    order: Type.Optional(oneOf(['Asc', 'Desc'], { description: 'Order of the values.' })),
    nulls: Type.Optional(oneOf(['First', 'Last'], { description: 'Where NULL stands.' })),
    opclass: Type.Optional(identifier({ description: 'Operator class, for example text_pattern_ops.' })),
  },
  { description: 'One column of the index.' },
);

const IndexCondition = struct(
  {
    column: identifier({ description: 'Name of the column.' }),
    operator: oneOf(['Equal', 'NotEqual', 'In', 'NotIn', 'LessThan', 'GreaterThan', 'IsNull', 'IsNotNull'], {
      description: 'How the column is compared.',
    }),
    values: Type.Optional(
      atomicList(Type.String({ maxLength: 200, examples: ['running'] }), {
        maxItems: 16,
        description: 'Values; none for IsNull and IsNotNull, several for In and NotIn.',
      }),
    ),
  },
  {
    description: 'One condition of a partial index; all have to hold.',
    examples: [{ column: 'status', operator: 'In', values: ['running', 'pending'] }],
    rules: [
      cel(
        "self.operator in ['IsNull', 'IsNotNull'] ? !has(self.values) : has(self.values) && (self.operator in ['In', 'NotIn'] ? size(self.values) > 0 : size(self.values) == 1)",
        {
          wanted: 'must have as many values as its operator takes',
          example: 'operator: In, values: [running, pending]',
        },
      ),
    ],
  },
);

const Index = struct(
  {
    name: identifier({ description: 'Name of the index; later layers change an index by its name.' }),
    mode: orElse(
      'Enforce',
      oneOf(['Enforce', 'DryRun', 'Off'], { description: 'DryRun only says what would be built; Off leaves it out.' }),
    ),
    database: Type.Optional(identifier({ description: 'Database; the one of the Secret when absent.' })),
    schema: orElse('public', identifier({ description: 'Schema of the table.' })),
    table: neededAfterMerging(
      'workflows',
      identifier({ description: 'Name of the table. Where there is none, the index is not applicable.' }),
    ),
    columns: neededAfterMerging(
      '[{name: status}]',
      atomicList(IndexColumn, { minItems: 1, maxItems: 16, description: 'Columns, in order.' }),
    ),
    include: Type.Optional(
      atomicList(identifier({ description: 'Name of a column.' }), {
        maxItems: 8,
        description: 'Columns that are stored beside the key.',
      }),
    ),
    where: Type.Optional(
      atomicList(IndexCondition, { maxItems: 4, description: 'Which rows are in the index; all when absent.' }),
    ),
    method: orElse('BTree', oneOf(['BTree', 'Hash', 'GIN', 'GiST', 'BRIN'], { description: 'Access method.' })),
    unique: orElse(false, Type.Boolean({ description: 'Whether two rows may not have the same key.' })),
  },
  { description: 'One index, built concurrently: reads and writes go on.' },
);

/** Settings of the service's PostgreSQL servers (rows F1 to F4). */
export const Postgres = struct(
  {
    mode: orElse('Enforce', oneOf(['Enforce', 'DryRun', 'Off'], { description: 'DryRun only reports what differs.' })),
    parameters: orElse(
      {},
      mapOf(
        unshown(
          text({
            description: 'Value as ALTER SYSTEM takes it.',
            maxLength: 256,
            pattern: '^[ -~]*$',
            wanted: 'must be printable ASCII',
            example: 'work_mem: 16MB',
          }),
        ),
        {
          maxProperties: 128,
          description:
            'Server parameters by their names; layers are merged by name. Only those that cannot endanger data, security or the next start.',
          rules: [
            keysHold(
              `self.all(key, key in [${postgresParameterNames.map((parameter) => `'${parameter}'`).join(', ')}])`,
              {
                wanted: 'must hold parameters of the allow-list in docs/reference/api.md alone',
                example: 'work_mem: 16MB',
              },
              (key) => postgresParameterNames.includes(key),
            ),
          ],
        },
      ),
    ),
    sizing: Type.Optional(Sizing),
    indexes: orElse(
      [
        {
          name: 'workflows_status_created',
          table: 'workflows',
          columns: [{ name: 'status' }, { name: 'created_at' }],
          where: [{ column: 'status', operator: 'In', values: ['running', 'pending'] }],
        },
        {
          name: 'cache_entries_lookup',
          table: 'cache_entries',
          columns: [{ name: 'cache_type' }, { name: 'cache_key' }, { name: 'expires_at' }],
        },
        {
          name: 'performance_metrics_time',
          table: 'performance_metrics',
          columns: [{ name: 'timestamp', order: 'Desc' }],
        },
      ],
      listMap(Index, { maxItems: 32, description: 'Indexes that have to exist; merged by name.' }),
    ),
    onMissingTable: orElse(
      'Skip',
      oneOf(['Skip', 'Wait'], {
        description: 'Skip calls the index not applicable; Wait keeps PostgresApplied False until the table is there.',
      }),
    ),
    pruneIndexes: orElse(
      'Never',
      oneOf(['Never', 'Owned'], {
        description: 'Owned drops indexes that genops built and the policy no longer lists.',
      }),
    ),
    indexAdvice: orElse(
      'Off',
      oneOf(['Off', 'Recommend'], {
        description: 'Recommend names indexes that would help; needs pg_stat_statements.',
      }),
    ),
    slowStatements: orElse(
      {},
      struct(
        {
          threshold: orElse(
            '1s',
            duration({ min: '1ms', max: '1h', description: 'Mean duration from which a statement is slow.' }),
          ),
          top: orElse(10, Type.Integer({ minimum: 1, maximum: 50, description: 'Statements that are shown.' })),
        },
        { description: 'Report of slow statements, without their literals.' },
      ),
    ),
    reservedConnections: orElse(
      10,
      Type.Integer({
        minimum: 0,
        maximum: 1000,
        description: 'Connections that the budget leaves free, on top of those that the server reserves itself.',
      }),
    ),
  },
  { description: 'Settings of the PostgreSQL servers that the service names.' },
);
